/**
 * Moments: exponential running means of gradients and of their squares, and the correction of their bias towards the 0 they start at.
 *
 * @module
 */
import { add, mul, neg } from "../core/ops/arithmetic.ts";
import { maximum } from "../core/ops/binary.ts";
import { expm1, sqrt } from "../core/ops/unary.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";

/** A moment after one more value: beta * moment + (1 - beta) * value. */
export function updateMoment(moment: Tensor, value: Tensor, beta: number): Tensor {
  return add(mul(beta, moment), mul(1 - beta, value));
}

/** 1 - beta^step, by which a moment that started at 0 is divided after `step` steps; in the type of `step`. */
export function biasCorrection(beta: number, step: Tensor): TensorLike {
  // expm1, because beta^step is so near 1 at first that f32 would keep only four digits of the difference.
  return beta === 0 ? 1 : neg(expm1(mul(step, Math.log(beta))));
}

/**
 * The root of a mean or sum of squares. At 0, which is where no gradient has been, its derivative would be infinite, and an optimizer
 * inside a derivative NaN: the root is taken of a little more, which no epsilon shows.
 */
export function rootOfSquares(squares: Tensor): Tensor {
  return sqrt(maximum(squares, 1e-37));
}
