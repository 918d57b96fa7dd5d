/**
 * The affine map under the linear layer, attention and recurrent layers.
 *
 * @module
 */
import { aRecord, argument, tensors } from "../core/kinds.ts";
import { ShapeError } from "../core/errors.ts";
import { add } from "../core/ops/arithmetic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { transpose } from "../core/ops/movement.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { WeightBias } from "./init.ts";
import { hasBias } from "./parameters.ts";

/** x weight^T, and the bias if there is one. */
export function affine<B extends boolean>(x: Tensor, params: WeightBias<B>): Tensor {
  argument(x, tensors, "x", "linear");
  argument(params, aRecord(), "params", "linear");
  argument(params.weight, tensors, "weight", "linear");
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
