/**
 * A learning rate that falls when a measured value stops improving.
 *
 * @module
 */
import { oneOf, real } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { defaultFloat, indexType } from "../../core/dtype.ts";
import { asFloat, cast } from "../../core/ops/cast.ts";
import { add, mul, sub } from "../../core/ops/arithmetic.ts";
import { logicalOr } from "../../core/ops/logic.ts";
import { maximum } from "../../core/ops/binary.ts";
import { gt, lt } from "../../core/ops/compare.ts";
import { full, zeros } from "../../core/ops/creation.ts";
import { where } from "../../core/ops/select.ts";
import { integer, nonNegative } from "../../core/ranges.ts";
import type { Tensor, TensorLike } from "../../core/tensor.ts";

/** Options of `reduceOnPlateau`. */
export interface PlateauOptions {
  /** The rate at first. */
  readonly from: number;
  /** What the rate is multiplied by, in (0, 1). Default 0.1. */
  readonly factor?: number;
  /** How many values in a row may be no better before the rate falls. Default 10. */
  readonly patience?: number;
  /** How much better, as a part of the best value, a value must be to count. Default 1e-4. */
  readonly threshold?: number;
  /** Whether small values are good ("min", default: a loss) or large ones ("max": an accuracy). */
  readonly mode?: "min" | "max";
  /** The number of values that are ignored after the rate fell. Default 0. */
  readonly cooldown?: number;
  /** The lowest rate. Default 0. */
  readonly minRate?: number;
}

const plateauOptions = optionTable<PlateauOptions>({
  from: needed(real),
  factor: real,
  patience: real,
  threshold: real,
  mode: oneOf("min", "max"),
  cooldown: real,
  minRate: real,
});

/** What `reduceOnPlateau` remembers; all scalars. */
export interface PlateauState {
  /** The rate for the next steps. */
  readonly rate: Tensor;
  /** The best value so far. */
  readonly best: Tensor;
  /** The number of values since then that were not better: i32. */
  readonly plateauCount: Tensor;
  /** The number of values that are still ignored: i32. */
  readonly cooldownCount: Tensor;
}

/** A rate that depends on how the training goes: pure functions, as an optimizer's are. */
export interface Plateau {
  /** The state before the first value. */
  init(): PlateauState;
  /** The state after one more value, a scalar: after an epoch, usually. */
  update(state: PlateauState, value: TensorLike): PlateauState;
}

/**
 * Lowers the rate when a loss (or an accuracy) has stopped improving: PyTorch's ReduceLROnPlateau.
 *
 * It depends on measured values, not on the step, so it has a state. The rate goes into the step as an argument, and a new one
 * compiles nothing.
 *
 * ```ts
 * import { item, jit, optimizers, type Tensor, tensor } from "../../mod.ts";
 * const { sgd, schedules } = optimizers;
 * const plateau = schedules.reduceOnPlateau({ from: 0.1, factor: 0.5, patience: 1 });
 * let state = plateau.init();
 * for (const loss of [3, 2, 2, 2]) state = plateau.update(state, loss);
 * console.log(await item(state.rate)); // 0.05
 * const step = jit((rate: Tensor) => sgd({ learningRate: rate }).update({ x: tensor(1) }, {}, { x: tensor(1) })[0]);
 * console.log(await item(step(state.rate).x)); // -0.05
 * ```
 *
 * @throws {RangeError} If a number is out of its range.
 */
export function reduceOnPlateau(options: PlateauOptions): Plateau {
  checkOptions(options, plateauOptions, "reduceOnPlateau");
  const { from, factor = 0.1, patience = 10, threshold = 1e-4, mode = "min", cooldown = 0, minRate = 0 } = options;
  nonNegative(from, "from");
  if (!(factor > 0 && factor < 1)) throw new RangeError(`factor must be in (0, 1), but is ${factor}`);
  integer(patience, "patience", 0);
  nonNegative(threshold, "threshold");
  integer(cooldown, "cooldown", 0);
  nonNegative(minRate, "minRate");
  const count = () => zeros([], { dtype: indexType });
  return {
    init: () => ({
      rate: full([], from),
      best: full([], mode === "min" ? Infinity : -Infinity),
      plateauCount: count(),
      cooldownCount: count(),
    }),
    update: ({ rate, best, plateauCount, cooldownCount }, value) => {
      const now = cast(asFloat(value), defaultFloat);
      const better = mode === "min" ? lt(now, mul(best, 1 - threshold)) : gt(now, mul(best, 1 + threshold));
      const rests = gt(cooldownCount, 0);
      const since = where(logicalOr(better, rests), 0, add(plateauCount, 1));
      const falls = gt(since, patience);
      return {
        rate: where(falls, maximum(mul(rate, factor), minRate), rate),
        best: where(better, now, best),
        plateauCount: where(falls, 0, since),
        cooldownCount: where(falls, cooldown, where(rests, sub(cooldownCount, 1), cooldownCount)),
      };
    },
  };
}
