/**
 * Running means, and how much of them there is after some steps.
 *
 * @module
 */
import { add, mul } from "../core/ops/binary.ts";
import { expm1, neg } from "../core/ops/unary.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";

/** A running mean after one more value. */
export function runningMean(old: Tensor, value: Tensor, beta: number): Tensor {
  return add(mul(beta, old), mul(1 - beta, value));
}

/** 1 - beta^step: the share of a running mean, started at 0, that is there after so many steps, in the count's type. */
export function correction(beta: number, step: Tensor): TensorLike {
  // expm1, because beta^step is so near 1 at first that f32 would keep only four digits of the difference.
  return beta === 0 ? 1 : neg(expm1(mul(step, Math.log(beta))));
}
