/**
 * Rates that fall by a formula, at each step or at some; or stay.
 *
 * @module
 */
import { defaultFloat } from "../../core/dtype.ts";
import { numberList, real } from "../../core/kinds.ts";
import { add, div, mul, sub } from "../../core/ops/arithmetic.ts";
import { pow, rem } from "../../core/ops/binary.ts";
import { asFloat, cast } from "../../core/ops/cast.ts";
import { ge } from "../../core/ops/compare.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { round } from "../../core/ops/unary.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { integer, nonNegative, positive } from "../../core/ranges.ts";
import type { TensorLike } from "../../core/tensor.ts";
import type { Schedule } from "../rate.ts";
import { progress } from "./progress.ts";

/**
 * Always the same rate.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.constant(0.1)(7))); // 0.1
 * ```
 *
 * @throws {RangeError} If the rate is negative.
 */
export function constant(rate: number): Schedule {
  nonNegative(rate, "rate");
  return () => asTensor(rate);
}

/** Options of `linear`. */
export interface LinearOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** The rate at step `steps` and from there on. */
  readonly to: number;
  /** The number of steps from one rate to the other. */
  readonly steps: number;
}

const linearOptions = optionTable<LinearOptions>({ from: needed(real), to: needed(real), steps: needed(real) });

/**
 * A straight line from one rate to another, down or up.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.linear({ from: 0.1, to: 0.05, steps: 10 })(5))); // 0.075
 * ```
 *
 * @throws {RangeError} If a rate is negative or `steps` is not an integer of at least 1.
 */
export function linear(options: LinearOptions): Schedule {
  const { from, to, steps } = checkOptions(options, linearOptions, "linear");
  return polynomial({ from, to, steps, power: 1 });
}

/** Options of `polynomial`. */
export interface PolynomialOptions extends LinearOptions {
  /** 1 is a straight line; more is steep at first. Positive. */
  readonly power: number;
}

const polynomialOptions = optionTable<PolynomialOptions>({
  from: needed(real),
  to: needed(real),
  steps: needed(real),
  power: needed(real),
});

/**
 * From one rate to another with to + (from - to) (1 - step / steps)^power.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.polynomial({ from: 0.1, to: 0, power: 2, steps: 10 })(5))); // 0.025
 * ```
 *
 * @throws {RangeError} If a rate is negative, `steps` is not an integer of at least 1, or `power` is not positive.
 */
export function polynomial(options: PolynomialOptions): Schedule {
  const { from, to, steps, power } = checkOptions(options, polynomialOptions, "polynomial");
  nonNegative(from, "from");
  nonNegative(to, "to");
  integer(steps, "steps");
  positive(power, "power");
  return (step) => {
    const left = sub(1, progress(step, steps));
    return add(mul(power === 1 ? left : pow(left, power), from - to), to);
  };
}

/** Options of `exponentialDecay`. */
export interface ExponentialDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** What the rate is multiplied by over `steps` steps, smoothly. */
  readonly factor: number;
  /** Default 1. */
  readonly steps?: number;
}

const exponentialDecayOptions = optionTable<ExponentialDecayOptions>({ from: needed(real), factor: needed(real), steps: real });

/**
 * from * factor^(step / steps): PyTorch's ExponentialLR.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.exponentialDecay({ from: 0.1, factor: 0.5, steps: 100 })(200))); // 0.025
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or `steps` not an integer of at least 1.
 */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  const { from, factor, steps = 1 } = checkOptions(options, exponentialDecayOptions, "exponentialDecay");
  nonNegative(from, "from");
  positive(factor, "factor");
  integer(steps, "steps");
  return (step) => mul(from, pow(factor, div(asFloat(step), steps)));
}

/** Options of `stepDecay`. */
export interface StepDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** What the rate is multiplied by each time. Default 0.1. */
  readonly factor?: number;
  /** The number of steps between two changes. */
  readonly every: number;
}

const stepDecayOptions = optionTable<StepDecayOptions>({ from: needed(real), factor: real, every: needed(real) });

/**
 * Multiplies the rate by a factor after every `every` steps: PyTorch's StepLR.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.stepDecay({ from: 0.1, factor: 0.5, every: 30 })(75))); // 0.025
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or `every` not an integer of at least 1.
 */
export function stepDecay(options: StepDecayOptions): Schedule {
  const { from, factor = 0.1, every } = checkOptions(options, stepDecayOptions, "stepDecay");
  nonNegative(from, "from");
  positive(factor, "factor");
  integer(every, "every");
  return (step) => {
    // Rounded, because a GPU's quotient of integers may lie a little below the integer it is.
    const times = round(div(sub(step, rem(step, every)), every));
    return mul(from, pow(factor, times));
  };
}

/** Options of `multiStepDecay`. */
export interface MultiStepDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** What the rate is multiplied by each time. Default 0.1. */
  readonly factor?: number;
  /** The steps at which the rate changes. */
  readonly milestones: readonly number[];
}

const multiStepDecayOptions = optionTable<MultiStepDecayOptions>({
  from: needed(real),
  factor: real,
  milestones: needed(numberList),
});

/**
 * Multiplies the rate by a factor at each of some steps: PyTorch's MultiStepLR.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * console.log(await item(optimizers.schedules.multiStepDecay({ from: 0.1, factor: 0.5, milestones: [30, 80] })(75))); // 0.05
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or a milestone not an integer of at least 0.
 */
export function multiStepDecay(options: MultiStepDecayOptions): Schedule {
  const { from, factor = 0.1, milestones } = checkOptions(options, multiStepDecayOptions, "multiStepDecay");
  nonNegative(from, "from");
  positive(factor, "factor");
  milestones.forEach((each) => integer(each, "milestones", 0));
  return (step) => {
    const passed = milestones.map((each): TensorLike => cast(ge(step, each), defaultFloat));
    return mul(from, pow(factor, passed.reduce((total, each) => add(total, each), 0)));
  };
}
