/**
 * What optimizers share: checked learning rates, the count of steps, weight decay, and the step itself.
 *
 * @module
 */
import { quoted } from "../core/quoted.ts";
import { indexType, isFloat } from "../core/dtype.ts";
import { DTypeError, ShapeError } from "../core/errors.ts";
import { asFloat } from "../core/ops/cast.ts";
import { add, mul, neg } from "../core/ops/arithmetic.ts";
import { zeros } from "../core/ops/creation.ts";
import { showShape } from "../core/shape.ts";
import { Tensor, type TensorLike } from "../core/tensor.ts";
import { ask, TracedNumber } from "../core/traced_number.ts";
import { treeMap, treeMapWithPath } from "../core/tree.ts";
import type { LearningRate } from "./rate.ts";
import { type Mask, selector } from "../core/mask.ts";

/**
 * Checks a learning rate as far as it is known.
 *
 * @throws {RangeError} If a number is negative or not finite.
 * @throws {ShapeError} If a tensor is not a scalar.
 * @throws {DTypeError} If a tensor is not floating.
 */
export function checkRate(rate: LearningRate): LearningRate {
  if (typeof rate === "function") return rate;
  if (rate instanceof Tensor) return checkScalar(rate, "use as learning rate");
  const isNumber = typeof rate === "number" || rate instanceof TracedNumber;
  if (!isNumber || !ask(rate, "is a rate", (value) => value >= 0 && value < Infinity)) {
    const given = isNumber ? ask(rate, "no rate", Number) : rate;
    throw new RangeError(
      `learningRate must be a number of at least 0, a scalar tensor or a function of the step, but is ${quoted(given)}`,
    );
  }
  return rate;
}

function checkScalar(x: Tensor, what: string): Tensor {
  if (x.rank !== 0) {
    throw new ShapeError(`Cannot ${what} a tensor of shape ${showShape(x.shape)}: it must be a scalar`, { shape: x.shape });
  }
  if (!isFloat(x.dtype)) {
    throw new DTypeError(`Cannot ${what} a tensor of type ${x.dtype}: it must be floating`, { dtype: x.dtype });
  }
  return x;
}

/** The rate of one step. */
export function rateAt(rate: LearningRate, step: Tensor): TensorLike {
  if (typeof rate !== "function") return rate;
  const value = rate(step);
  return value instanceof Tensor ? checkScalar(asFloat(value), "take a learning rate from a schedule that gives") : value;
}

/** The count of steps before the first. */
export function firstStep(): Tensor {
  return zeros([], { dtype: indexType });
}

/** The count of steps after one more. */
export function nextStep(step: Tensor): Tensor {
  return add(step, 1);
}

/** A tree of directions times minus the rate. */
export function descend<P extends object>(directions: P, rate: TensorLike): P {
  return treeMap((d: Tensor) => typeof rate === "number" ? mul(-rate, d) : neg(mul(rate, d)), directions);
}

/** `tree + factor * params` where the mask is true, `tree` elsewhere. */
export function addDecay<P extends object>(tree: P, factor: TensorLike, params: P, mask: Mask = true): P {
  if (factor === 0) return tree;
  const decays = selector(mask);
  return treeMapWithPath((path, x, p) => decays(path, p) ? add(x, mul(factor, p)) : x, tree, params);
}
