/**
 * The linear layer.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { add } from "../core/ops/binary.ts";
import { matmul } from "../core/ops/matmul.ts";
import { transpose } from "../core/ops/movement.ts";
import { wholeNumber } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { hasBias, type InitOptions, type WeightBias, weightBias } from "./init.ts";
import { empty, type Layer } from "./layer.ts";

/** Options of the linear layer. */
export interface LinearLayerOptions<B extends boolean = true> extends InitOptions {
  /** How many outputs there are. */
  readonly features: number;
  /** Whether a number is added to each output. Default true. */
  readonly bias?: B;
}

/**
 * A linear map of the last axis: y = x weight^T + bias.
 *
 * Input [batch, ..., in], output [batch, ..., features]. Parameters: `weight` [features, in] and `bias` [features], as in PyTorch.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params, output } = layers.linear({ features: 10 }).init(random.key(0), [784]);
 * console.log(params.weight.shape, params.bias.shape, output); // [10, 784] [10] [10]
 * ```
 *
 * @throws {RangeError} If `features` is not a whole number of at least 1.
 * @throws {ShapeError} From `init`, if inputs have no axis but the batch; from `apply`, if the last axis does not fit the weight.
 */
export function linear<B extends boolean = true>(options: LinearLayerOptions<B>): Layer<WeightBias<B>> {
  const features = wholeNumber(options.features, "features");
  const bias = (options.bias ?? true) as B;
  return {
    kind: "linear",
    init: (key, inputShape) => {
      const last = inputShape.at(-1);
      if (last === undefined) {
        throw new ShapeError("Cannot apply linear to input []: it needs an axis of features after the batch axis", {
          shape: inputShape,
        });
      }
      return {
        params: weightBias(key, [features, last], bias, options),
        state: empty,
        output: [...inputShape.slice(0, -1), features],
      };
    },
    apply: (params, state, x) => [affine(x, params), state],
  };
}

/** x weight^T, and the bias if there is one. */
export function affine<B extends boolean>(x: Tensor, params: WeightBias<B>): Tensor {
  checkFeatures(x.shape, params.weight.shape);
  const y = matmul(x, transpose(params.weight));
  return hasBias(params) ? add(y, params.bias) : y;
}

function checkFeatures(input: Shape, weight: Shape): void {
  if (input.at(-1) === weight[1]) return;
  throw new ShapeError(
    `Cannot apply linear to input ${showShape(input)}: its last axis has ${input.at(-1) ?? "no"} features, ` +
      `the weight ${showShape(weight)} takes ${weight[1]}`,
    { shape: input, weight },
  );
}
