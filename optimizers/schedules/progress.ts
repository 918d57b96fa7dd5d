/**
 * How far a training is on its way.
 *
 * @module
 */
import { div } from "../../core/ops/arithmetic.ts";
import { minimum } from "../../core/ops/binary.ts";
import { asFloat } from "../../core/ops/cast.ts";
import type { Tensor, TensorLike } from "../../core/tensor.ts";

/** How far step is on its way to `steps`: from 0 to 1, where it stays. */
export function progress(step: TensorLike, steps: number): Tensor {
  return div(minimum(asFloat(step), steps), steps);
}
