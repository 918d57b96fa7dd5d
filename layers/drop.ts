/**
 * Dropout of a tensor by a mask: the operation under the layers.
 *
 * @module
 */
import { div } from "../core/ops/arithmetic.ts";
import { zerosLike } from "../core/ops/constant.ts";
import { where } from "../core/ops/select.ts";
import { bernoulli, type Key } from "../core/random.ts";
import type { Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** Keeps each element of a mask of shape `mask` with probability 1 - p, and scales what is kept so that the mean stays. */
export function drop(key: Key, x: Tensor, mask: Shape, p: number): Tensor {
  if (p === 0) return x;
  if (p === 1) return zerosLike(x);
  return where(bernoulli(key, 1 - p, mask), div(x, 1 - p), 0);
}
