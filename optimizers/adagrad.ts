/**
 * Adagrad.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { add, div, mul } from "../core/ops/arithmetic.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import { rootOfSquares } from "./moments.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `adagrad`. */
export interface AdagradOptions extends DecayOptions {
  /** Length of the first step, in units of the parameters. PyTorch's `lr_decay` is a function here: `(step) => div(0.1, add(1, mul(step, d)))`. */
  readonly learningRate: LearningRate;
  /** Where the sums of squares start. Default 0. */
  readonly initialAccumulatorValue?: number;
  /** Added to the root of the sums. Default 1e-10. */
  readonly epsilon?: number;
}

const adagradOptions = optionTable<AdagradOptions>({
  ...decayKinds,
  learningRate: needed(checkedInside()),
  initialAccumulatorValue: real,
  epsilon: real,
});

interface AdagradState {
  /** Sum of all squared gradients. */
  readonly accumulator: unknown;
  readonly step?: Tensor;
}

/**
 * Adagrad: gradient steps divided by the root of all squared gradients so far, as PyTorch's `Adagrad`. What is rarely used keeps large
 * steps.
 *
 * g = grad + decay * p;  accumulator = accumulator + g^2;  u = -rate * g / (sqrt(accumulator) + epsilon)
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.adagrad({ learningRate: 0.1 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.9, 0.9]
 * ```
 *
 * @returns An optimizer. Its state holds `accumulator`, a tree like the parameters, and `step` i32[] if the rate is a function of it.
 * @throws {RangeError} If a number is out of its range.
 * @see Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011
 */
export function adagrad(options: AdagradOptions): Optimizer {
  checkOptions(options, adagradOptions, "adagrad");
  const learningRate = checkRate(options.learningRate);
  const initial = nonNegative(options.initialAccumulatorValue ?? 0, "initialAccumulatorValue");
  const epsilon = nonNegative(options.epsilon ?? 1e-10, "epsilon");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  const scheduled = typeof learningRate === "function";

  return checkedOptimizer("adagrad", {
    init: (params): Record<string, unknown> => ({
      accumulator: treeMap((p: Tensor) => add(zeroTangent(p), initial), params),
      ...(scheduled && { step: firstStep() }),
    }),
    update: <P extends object>(grads: P, state: unknown, params: P): [P, Record<string, unknown>] => {
      const { accumulator: last, step = firstStep() } = state as AdagradState;
      const decayed = addDecay(grads, decay, params, options.decayMask);
      const accumulator = treeMap((s: Tensor, g: Tensor) => add(s, mul(g, g)), last as P, decayed);
      const direction = treeMap((g: Tensor, s: Tensor) => div(g, add(rootOfSquares(s), epsilon)), decayed, accumulator);
      return [descend(direction, rateAt(learningRate, step)), { accumulator, ...(scheduled && { step: nextStep(step) }) }];
    },
  });
}
