/**
 * Schedules made of others.
 *
 * @module
 */
import { indexType } from "../../core/dtype.ts";
import { argument, type Kind, kindOf, numberList, real } from "../../core/kinds.ts";
import { add, mul, sub } from "../../core/ops/arithmetic.ts";
import { maximum } from "../../core/ops/binary.ts";
import { lt } from "../../core/ops/compare.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { where } from "../../core/ops/select.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { integer, nonNegative } from "../../core/ranges.ts";
import type { RateFunction, Schedule } from "../rate.ts";
import { constant } from "./decay.ts";
import { progress } from "./progress.ts";

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
 * import { item, optimizers } from "../../mod.ts";
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
 * import { item, optimizers } from "../../mod.ts";
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
