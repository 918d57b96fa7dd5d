/**
 * Averages of parameters over the steps of a training: often better than the parameters themselves.
 *
 * @module
 */
import { flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { div } from "../core/ops/arithmetic.ts";
import { cast } from "../core/ops/cast.ts";
import { zerosLike } from "../core/ops/constant.ts";
import { decayRate } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import { biasCorrection, updateMoment } from "./moments.ts";
import { firstStep, nextStep } from "./step.ts";

/** Options of `exponentialMovingAverage`. */
export interface ExponentialMovingAverageOptions {
  /** How much of the average is kept at each step, in [0, 1): 0.999 averages over about the last thousand. */
  readonly decay: number;
  /**
   * Whether the average starts at 0 with a bias correction, instead of starting with the first parameters. Default false.
   */
  readonly debias?: boolean;
}

const averageOptions = optionTable<ExponentialMovingAverageOptions>({ decay: needed(real), debias: flag });

/** The state of an average. */
export interface AverageState<P> {
  /** A tree like the parameters. */
  readonly average: P;
  /** How many steps there were, i32[]; only with `debias`. */
  readonly step?: Tensor;
}

/** An average of parameters: pure functions, as an optimizer's are. */
export interface ParameterAverage {
  /** The state before the first step. */
  init<P extends object>(params: P): AverageState<P>;
  /** The state after one more step, which led to these parameters. */
  update<P extends object>(state: AverageState<P>, params: P): AverageState<P>;
  /** The averaged parameters. */
  average<P extends object>(state: AverageState<P>): P;
}

/**
 * The exponential moving average of parameters: average = decay * average + (1 - decay) * params after each step.
 *
 * ```ts
 * import { optimizers, tensor, toArray } from "../mod.ts";
 * const ema = optimizers.exponentialMovingAverage({ decay: 0.5 });
 * let state = ema.init({ x: tensor(8) });
 * for (const x of [4, 2]) state = ema.update(state, { x: tensor(x) }); // after each step, inside jit if that is
 * console.log(await toArray(ema.average(state).x)); // 4
 * ```
 *
 * @returns Three functions. With `debias` there is no average before the first update: 0 / 0 is NaN.
 * @throws {RangeError} If `decay` is not in [0, 1).
 * @see Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992
 */
export function exponentialMovingAverage(options: ExponentialMovingAverageOptions): ParameterAverage {
  const { decay, debias = false } = checkOptions(options, averageOptions, "exponentialMovingAverage");
  decayRate(decay, "decay");
  return {
    init: (params) => debias ? { average: treeMap(zerosLike, params), step: firstStep() } : { average: params },
    update: <P extends object>({ average, step }: AverageState<P>, params: P): AverageState<P> => ({
      average: treeMap((a: Tensor, p: Tensor) => updateMoment(a, p, decay), average, params),
      ...(step && { step: nextStep(step) }),
    }),
    average: <P extends object>({ average, step }: AverageState<P>): P =>
      step ? treeMap((a: Tensor) => div(a, biasCorrection(decay, cast(step, a.dtype))), average) : average,
  };
}
