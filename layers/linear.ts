/**
 * The linear layer.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { initKinds } from "./option_kinds.ts";
import { flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { integer } from "../core/ranges.ts";
import type { InitOptions, WeightBias } from "./init.ts";
import { empty, weightBias } from "./parameters.ts";
import type { Layer } from "./layer.ts";
import { affine } from "./affine.ts";

/** Options of the linear layer. */
export interface LinearLayerOptions<B extends boolean = true> extends InitOptions {
  /** How many outputs there are. */
  readonly features: number;
  /** Whether a number is added to each output. Default true. */
  readonly bias?: B;
}

const linearOptions = optionTable<LinearLayerOptions<boolean>>({ ...initKinds, features: needed(real), bias: flag });

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
 * @throws {RangeError} If `features` is not an integer of at least 1.
 * @throws {ShapeError} From `init`, if inputs have no axis but the batch; from `apply`, if the last axis does not fit the weight.
 */
export function linear<B extends boolean = true>(options: LinearLayerOptions<B>): Layer<WeightBias<B>> {
  checkOptions(options, linearOptions, "linear");
  const features = integer(options.features, "features");
  const bias = (options.bias ?? true) as B;
  return checkedLayer({
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
  });
}
