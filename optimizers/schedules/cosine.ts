/**
 * Rates along cosine waves.
 *
 * @module
 */
import { oneOf, real } from "../../core/kinds.ts";
import { add, div, mul, sub } from "../../core/ops/arithmetic.ts";
import { minimum, rem } from "../../core/ops/binary.ts";
import { asFloat } from "../../core/ops/cast.ts";
import { ge, le } from "../../core/ops/compare.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { where } from "../../core/ops/select.ts";
import { cos } from "../../core/ops/unary.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { integer, nonNegative, positive } from "../../core/ranges.ts";
import type { Tensor, TensorLike } from "../../core/tensor.ts";
import type { Schedule } from "../rate.ts";
import { progress } from "./progress.ts";

/** From one rate to another along half a cosine wave, by how far it is on its way. */
function alongCosine(from: number, to: number, way: Tensor): Tensor {
  return add(mul(add(1, cos(mul(Math.PI, way))), (from - to) / 2), to);
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
 * import { item, optimizers } from "../../mod.ts";
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
  return (step) => alongCosine(from, to, progress(step, steps));
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
 * import { item, optimizers } from "../../mod.ts";
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
  const wave = (done: Tensor, length: TensorLike) => alongCosine(from, to, div(asFloat(done), asFloat(length)));
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
 * import { item, optimizers } from "../../mod.ts";
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
  const alongLine = (from: number, to: number, way: Tensor) => add(mul(sub(1, way), from - to), to);
  const between = annealStrategy === "linear" ? alongLine : alongCosine;
  const start = peak / divFactor;
  return (step) => {
    const now = minimum(asFloat(step), end);
    const up = between(start, peak, div(now, top));
    const down = between(peak, start / finalDivFactor, div(sub(now, top), end - top));
    return where(le(now, top), up, down);
  };
}
