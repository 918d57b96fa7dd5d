/**
 * Learning rates: a number, a scalar tensor, or a function of the step.
 *
 * @module
 */
import type { Scalar, Tensor, TensorLike } from "../core/tensor.ts";

/** A learning rate that changes: from the number of steps done so far, i32[] from 0, to the rate of the next one, a scalar. */
export type RateFunction = (step: Tensor) => TensorLike;

/** What the functions of `schedules` make: a rate function that takes numbers, too. */
export type Schedule = (step: TensorLike) => Tensor;

/** A learning rate: a number (also one that is an argument of the jitted step), a scalar tensor, or a function of the step. */
export type LearningRate = Scalar | Tensor | RateFunction;
