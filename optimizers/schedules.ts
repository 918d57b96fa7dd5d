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
import { argument, type Kind, kindOf, numberList, oneOf, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { defaultFloat, indexType } from "../core/dtype.ts";
import { asFloat, cast } from "../core/ops/cast.ts";
import { asTensor } from "../core/ops/literal.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { maximum, minimum, pow, rem } from "../core/ops/binary.ts";
import { ge, le, lt } from "../core/ops/compare.ts";
import { where } from "../core/ops/select.ts";
import { cos, round } from "../core/ops/unary.ts";
import { integer, nonNegative, positive } from "../core/ranges.ts";
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
 * import { item, optimizers } from "../mod.ts";
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
 * import { item, optimizers } from "../mod.ts";
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
 * import { item, optimizers } from "../mod.ts";
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
 * import { item, optimizers } from "../mod.ts";
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
 * import { item, optimizers } from "../mod.ts";
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

/** Options of `cosineDecay`. */
export interface CosineDecayOptions {
  /** The rate of step 0. */
  readonly from: number;
  /** The rate at step `steps` and from there on. Default 0. */
  readonly to?: number;
  /** The number of steps from one rate to the other. */
  readonly steps: number;
}

const cosineDecayOptions = optionTable<CosineDecayOptions>({ from: needed(real), to: real, steps: needed(real) });

/**
 * From one rate to another along half a cosine wave: to + (from - to) (1 + cos(pi step / steps)) / 2.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.cosineDecay({ from: 0.1, steps: 100 })(50))); // 0.05
 * ```
 *
 * @throws {RangeError} If a rate is negative or `steps` is not an integer of at least 1.
 * @see Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  const { from, to = 0, steps } = checkOptions(options, cosineDecayOptions, "cosineDecay");
  nonNegative(from, "from");
  nonNegative(to, "to");
  integer(steps, "steps");
  return (step) => {
    const wave = add(1, cos(mul(Math.PI, progress(step, steps))));
    return add(mul(wave, (from - to) / 2), to);
  };
}

/** Options of `cosineRestarts`. */
export interface CosineRestartsOptions {
  /** The rate at the beginning of each wave. */
  readonly from: number;
  /** The rate that each wave goes to. Default 0. */
  readonly to?: number;
  /** How many steps the first wave takes. */
  readonly steps: number;
  /** How many times longer each wave is than the one before: an integer, default 1. */
  readonly factor?: number;
}

const cosineRestartsOptions = optionTable<CosineRestartsOptions>({
  from: needed(real),
  to: real,
  steps: needed(real),
  factor: real,
});

/**
 * Half cosine waves one after the other, each from the first rate again: PyTorch's CosineAnnealingWarmRestarts.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * const rate = optimizers.schedules.cosineRestarts({ from: 0.1, steps: 10, factor: 2 });
 * console.log(await item(rate(5)), await item(rate(10)), await item(rate(20))); // 0.05 0.1 0.05
 * ```
 *
 * @throws {RangeError} If a rate is negative, or `steps` or `factor` is not an integer of at least 1.
 * @see Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017
 */
export function cosineRestarts(options: CosineRestartsOptions): Schedule {
  const { from, to = 0, steps, factor = 1 } = checkOptions(options, cosineRestartsOptions, "cosineRestarts");
  nonNegative(from, "from");
  nonNegative(to, "to");
  integer(steps, "steps");
  integer(factor, "factor");
  const wave = (done: Tensor, length: TensorLike) =>
    add(mul(add(1, cos(mul(Math.PI, div(asFloat(done), asFloat(length))))), (from - to) / 2), to);
  if (factor === 1) return (step) => wave(rem(asTensor(step), steps), steps);
  // Where waves begin, as far as an i32 can count.
  const starts: number[] = [];
  for (let start = 0, length = steps; start < 2 ** 31; start += length, length *= factor) starts.push(start);
  return (step) => {
    const now = asTensor(step);
    const last = (values: readonly number[]) =>
      values.reduce<Tensor>((value, each, i) => where(ge(now, starts[i]), each, value), asTensor(values[0]));
    return wave(sub(now, last(starts)), last(starts.map((_, i) => steps * factor ** i)));
  };
}

/** Options of `oneCycle`. */
export interface OneCycleOptions {
  /** The highest rate. */
  readonly peak: number;
  /** How many steps the training has. After them the rate stays constant. */
  readonly steps: number;
  /** The share of the steps that the climb takes, in (0, 1). Default 0.3; it must be more than one step and leave more than one. */
  readonly pctStart?: number;
  /** How many times lower than the peak the rate starts. Default 25. */
  readonly divFactor?: number;
  /** How many times lower than at the start it ends. Default 1e4. */
  readonly finalDivFactor?: number;
  /** The form of climb and descent. Default "cos", half a cosine wave. */
  readonly annealStrategy?: "cos" | "linear";
}

const oneCycleOptions = optionTable<OneCycleOptions>({
  peak: needed(real),
  steps: needed(real),
  pctStart: real,
  divFactor: real,
  finalDivFactor: real,
  annealStrategy: oneOf("cos", "linear"),
});

/**
 * Up to a peak and down below the start: PyTorch's OneCycleLR (with two phases; the momentum stays).
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * const rate = optimizers.schedules.oneCycle({ peak: 0.1, steps: 100 });
 * console.log(await item(rate(0)), await item(rate(29)), await item(rate(99))); // 0.004 0.1 4e-7
 * ```
 *
 * @throws {RangeError} If a number is out of its range.
 * @see Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { peak, steps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4, annealStrategy = "cos" } = checkOptions(
    options,
    oneCycleOptions,
    "oneCycle",
  );
  nonNegative(peak, "peak");
  integer(steps, "steps");
  positive(divFactor, "divFactor");
  positive(finalDivFactor, "finalDivFactor");
  const [top, end] = [pctStart * steps - 1, steps - 1];
  if (!(top > 0 && top < end)) {
    throw new RangeError(`Cannot climb for ${pctStart} of ${steps} steps: both ways need more than one step`);
  }
  const between = (from: number, to: number, way: Tensor): Tensor => {
    const part = annealStrategy === "linear" ? sub(1, way) : mul(add(1, cos(mul(Math.PI, way))), 0.5);
    return add(mul(part, from - to), to);
  };
  const start = peak / divFactor;
  return (step) => {
    const now = minimum(asFloat(step), end);
    const up = between(start, peak, div(now, top));
    const down = between(peak, start / finalDivFactor, div(sub(now, top), end - top));
    return where(le(now, top), up, down);
  };
}

/** Options of `warmup`. */
export interface WarmupOptions {
  /** How many steps the climb takes. */
  readonly steps: number;
  /** The rate of step 0. Default 0. */
  readonly from?: number;
}

const rates: Kind<number | RateFunction> = kindOf(
  "a rate or a function of the step",
  (value) => typeof value === "function" || real.holds(value),
  "number",
);
const warmupOptions = optionTable<WarmupOptions>({ steps: needed(real), from: real });

/**
 * Climbs in a straight line to the first rate of a schedule (or to a rate), then follows it from its step 0.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * console.log(await item(optimizers.schedules.warmup(0.1, { steps: 100 })(50))); // 0.05
 * ```
 *
 * @throws {RangeError} If `from` is negative or `steps` is not an integer of at least 1.
 */
export function warmup(schedule: number | RateFunction, options: WarmupOptions): Schedule {
  const { steps, from = 0 } = checkOptions(options, warmupOptions, "warmup");
  argument(schedule, rates, "schedule", "warmup");
  nonNegative(from, "from");
  integer(steps, "steps");
  const then = typeof schedule === "function" ? schedule : constant(schedule);
  const climb: Schedule = (step) => add(mul(progress(step, steps), sub(then(asTensor(0, indexType)), from)), from);
  return join([climb, then], { boundaries: [steps] });
}

const rateFunctions: Kind<readonly RateFunction[]> = kindOf(
  "a list of functions of the step",
  (value) => Array.isArray(value) && Array.from(value).every((each) => typeof each === "function"),
);
const joinOptions = optionTable<{ readonly boundaries: readonly number[] }>({ boundaries: needed(numberList) });

/**
 * One schedule after another.
 *
 * ```ts
 * import { item, optimizers } from "../mod.ts";
 * const { constant, join, linear } = optimizers.schedules;
 * const rate = join([constant(0.1), linear({ from: 0.1, to: 0, steps: 100 })], { boundaries: [50] });
 * console.log(await item(rate(100))); // 0.05
 * ```
 *
 * @param schedules Each counts its steps from where it begins.
 * @param options `boundaries`: the steps at which the second, third, ... begin, ascending.
 * @throws {RangeError} If there is not one boundary between any two schedules, or they do not ascend.
 */
export function join(schedules: readonly RateFunction[], options: { readonly boundaries: readonly number[] }): Schedule {
  const { boundaries } = checkOptions(options, joinOptions, "join");
  argument(schedules, rateFunctions, "schedules", "join");
  if (schedules.length === 0 || boundaries.length !== schedules.length - 1) {
    throw new RangeError(
      `Cannot join ${schedules.length} schedules at ${boundaries.length} boundaries: there must be one between any two`,
    );
  }
  boundaries.forEach((each, i) => integer(each, "boundaries", i === 0 ? 1 : boundaries[i - 1] + 1));
  return (step) => {
    const now = asTensor(step);
    const rates = schedules.map((schedule, i) => asTensor(schedule(i === 0 ? now : maximum(sub(now, boundaries[i - 1]), 0))));
    return rates.reduceRight((later, earlier, i) => where(lt(now, boundaries[i]), earlier, later));
  };
}

export * from "./plateau.ts";
