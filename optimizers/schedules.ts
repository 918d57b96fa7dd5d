/**
 * Schedules: learning rates that change with the step. They are ordinary functions of a tensor, so inside `jit` a new step compiles
 * nothing, and one can be called on a number to see its value.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * const { adam, schedules } = optimizers;
 * const rate = schedules.warmup(schedules.cosineDecay({ from: 1e-3, steps: 900 }), { steps: 100 });
 * console.log(await item(rate(50))); // 0.0005
 * const optimizer = adam({ learningRate: rate });
 * ```
 *
 * @module
 */
import { asFloat, asTensor } from "../core/ops/arguments.ts";
import { add, div, maximum, minimum, mul, pow, rem, sub } from "../core/ops/binary.ts";
import { cast } from "../core/ops/cast.ts";
import { ge, lt } from "../core/ops/compare.ts";
import { where } from "../core/ops/select.ts";
import { cos, round } from "../core/ops/unary.ts";
import { notNegative, positive, wholeNumber } from "../core/ranges.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import type { RateFunction, Schedule } from "./rate.ts";

/** How far step is on its way to `steps`: from 0 to 1, where it stays. */
function progress(step: TensorLike, steps: number): Tensor {
  return div(minimum(asFloat(step), steps), steps);
}

/**
 * Always the same rate.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.constant(0.1)(7))); // 0.1
 * ```
 *
 * @throws {RangeError} If the rate is negative.
 */
export function constant(rate: number): Schedule {
  notNegative(rate, "rate");
  return () => asTensor(rate);
}

/** Options of schedules that go from one rate to another. */
export interface RampOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** The rate at step `steps` and from there on. */
  readonly to: number;
  /** How many steps the way takes. */
  readonly steps: number;
}

/**
 * A straight line from one rate to another, down or up.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.linear({ from: 0.1, to: 0.05, steps: 10 })(5))); // 0.075
 * ```
 *
 * @throws {RangeError} If a rate is negative or `steps` is not a whole number of at least 1.
 */
export function linear({ from, to, steps }: RampOptions): Schedule {
  return polynomial({ from, to, steps, power: 1 });
}

/** Options of `polynomial`. */
export interface PolynomialOptions extends RampOptions {
  /** 1 is a straight line; more is steep at first. Positive. */
  readonly power: number;
}

/**
 * From one rate to another with to + (from - to) (1 - step / steps)^power.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.polynomial({ from: 0.1, to: 0, power: 2, steps: 10 })(5))); // 0.025
 * ```
 *
 * @throws {RangeError} If a rate is negative, `steps` is not a whole number of at least 1, or `power` is not positive.
 */
export function polynomial({ from, to, steps, power }: PolynomialOptions): Schedule {
  notNegative(from, "from");
  notNegative(to, "to");
  wholeNumber(steps, "steps");
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
  /** What the rate is multiplied by in `steps` steps, bit by bit. */
  readonly factor: number;
  /** Default 1. */
  readonly steps?: number;
}

/**
 * from * factor^(step / steps): PyTorch's ExponentialLR.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.exponentialDecay({ from: 0.1, factor: 0.5, steps: 100 })(200))); // 0.025
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or `steps` not a whole number of at least 1.
 */
export function exponentialDecay({ from, factor, steps = 1 }: ExponentialDecayOptions): Schedule {
  notNegative(from, "from");
  positive(factor, "factor");
  wholeNumber(steps, "steps");
  return (step) => mul(from, pow(factor, div(asFloat(step), steps)));
}

/** Options of `stepDecay`. */
export interface StepDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** What the rate is multiplied by each time. Default 0.1. */
  readonly factor?: number;
  /** After how many steps each. */
  readonly every: number;
}

/**
 * Multiplies the rate by a factor after every so many steps: PyTorch's StepLR.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.stepDecay({ from: 0.1, factor: 0.5, every: 30 })(75))); // 0.025
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or `every` not a whole number of at least 1.
 */
export function stepDecay({ from, factor = 0.1, every }: StepDecayOptions): Schedule {
  notNegative(from, "from");
  positive(factor, "factor");
  wholeNumber(every, "every");
  return (step) => {
    // Rounded, because a GPU's quotient of whole numbers may lie a little below the whole number it is.
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
  /** The steps at which it is. */
  readonly milestones: readonly number[];
}

/**
 * Multiplies the rate by a factor at each of some steps: PyTorch's MultiStepLR.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.multiStepDecay({ from: 0.1, factor: 0.5, milestones: [30, 80] })(75))); // 0.05
 * ```
 *
 * @throws {RangeError} If `from` is negative, `factor` not positive or a milestone not a whole number of at least 0.
 */
export function multiStepDecay({ from, factor = 0.1, milestones }: MultiStepDecayOptions): Schedule {
  notNegative(from, "from");
  positive(factor, "factor");
  milestones.forEach((each) => wholeNumber(each, "milestones", 0));
  return (step) => {
    const passed = milestones.map((each): TensorLike => cast(ge(step, each), "f32"));
    return mul(from, pow(factor, passed.reduce((total, each) => add(total, each), 0)));
  };
}

/** Options of `cosineDecay`. */
export interface CosineDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** The rate at step `steps` and from there on. Default 0. */
  readonly to?: number;
  /** How many steps the way takes. */
  readonly steps: number;
}

/**
 * From one rate to another along half a cosine wave: to + (from - to) (1 + cos(pi step / steps)) / 2.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.cosineDecay({ from: 0.1, steps: 100 })(50))); // 0.05
 * ```
 *
 * @throws {RangeError} If a rate is negative or `steps` is not a whole number of at least 1.
 * @see Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017
 */
export function cosineDecay({ from, to = 0, steps }: CosineDecayOptions): Schedule {
  notNegative(from, "from");
  notNegative(to, "to");
  wholeNumber(steps, "steps");
  return (step) => {
    const wave = add(1, cos(mul(Math.PI, progress(step, steps))));
    return add(mul(wave, (from - to) / 2), to);
  };
}

/** Options of `warmup`. */
export interface WarmupOptions {
  /** How many steps the climb takes. */
  readonly steps: number;
  /** The rate of step 0. Default 0. */
  readonly from?: number;
}

/**
 * Climbs in a straight line to the first rate of a schedule (or to a rate), then follows it from its step 0.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.warmup(0.1, { steps: 100 })(50))); // 0.05
 * ```
 *
 * @throws {RangeError} If `from` is negative or `steps` is not a whole number of at least 1.
 */
export function warmup(schedule: number | RateFunction, { steps, from = 0 }: WarmupOptions): Schedule {
  notNegative(from, "from");
  wholeNumber(steps, "steps");
  const then = typeof schedule === "number" ? constant(schedule) : schedule;
  const climb: Schedule = (step) => add(mul(progress(step, steps), sub(then(asTensor(0, "i32")), from)), from);
  return join([climb, then], { at: [steps] });
}

/**
 * One schedule after another.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * const { constant, join, linear } = optimizers.schedules;
 * const rate = join([constant(0.1), linear({ from: 0.1, to: 0, steps: 100 })], { at: [50] });
 * console.log(await item(rate(100))); // 0.05
 * ```
 *
 * @param schedules Each counts its steps from where it begins.
 * @param options `at`: the steps at which the second, third, ... begin, ascending.
 * @throws {RangeError} If there is not one boundary between any two schedules, or they do not ascend.
 */
export function join(schedules: readonly RateFunction[], { at }: { readonly at: readonly number[] }): Schedule {
  if (schedules.length === 0 || at.length !== schedules.length - 1) {
    throw new RangeError(
      `Cannot join ${schedules.length} schedules at ${at.length} boundaries: there must be one between any two`,
    );
  }
  at.forEach((boundary, i) => wholeNumber(boundary, "boundaries", i === 0 ? 1 : at[i - 1] + 1));
  return (step) => {
    const now = asTensor(step);
    const rates = schedules.map((schedule, i) => asTensor(schedule(i === 0 ? now : maximum(sub(now, at[i - 1]), 0))));
    return rates.reduceRight((later, earlier, i) => where(lt(now, at[i]), earlier, later));
  };
}
