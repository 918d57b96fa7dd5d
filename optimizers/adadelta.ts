/**
 * Adadelta.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { add, div, mul } from "../core/ops/arithmetic.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { sqrt } from "../core/ops/unary.ts";
import { fraction, nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import { updateMoment } from "./moments.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `adadelta`. */
export interface AdadeltaOptions extends DecayOptions {
  /** Factor of the steps, which have the parameters' units already. Default 1. */
  readonly learningRate?: LearningRate;
  /** How much of the running means is kept, in [0, 1]. Default 0.9. */
  readonly rho?: number;
  /** Added to both means under their roots: the first step is about its root long. Default 1e-6. */
  readonly epsilon?: number;
}

const adadeltaOptions = optionTable<AdadeltaOptions>({ ...decayKinds, learningRate: checkedInside(), rho: real, epsilon: real });

interface AdadeltaState {
  /** E[g^2], the running mean of squared gradients. */
  readonly gradientAccumulator: unknown;
  /** E[dx^2], the running mean of squared updates, before the rate. */
  readonly updateAccumulator: unknown;
  readonly step?: Tensor;
}

/**
 * Adadelta: gradient steps scaled by the ratio of past steps to past gradients, as PyTorch's `Adadelta`.
 *
 * g = grad + decay * p;  E[g^2] = rho E[g^2] + (1 - rho) g^2;  dx = sqrt(E[dx^2] + epsilon) / sqrt(E[g^2] + epsilon) * g;
 * E[dx^2] = rho E[dx^2] + (1 - rho) dx^2;  u = -rate * dx
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.adadelta({ rho: 0.75, epsilon: 0.25 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.292..., 0.292...]
 * ```
 *
 * @returns An optimizer. Its state holds two trees like the parameters, the paper's accumulation variables `gradientAccumulator` (E[g^2])
 * and `updateAccumulator` (E[dx^2]), and `step` i32[] if the rate is a function of it: memory is 3x the parameters.
 * @throws {RangeError} If a number is out of its range.
 * @see Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  checkOptions(options, adadeltaOptions, "adadelta");
  const learningRate = checkRate(options.learningRate ?? 1);
  const rho = fraction(options.rho ?? 0.9, "rho");
  const epsilon = nonNegative(options.epsilon ?? 1e-6, "epsilon");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  const scheduled = typeof learningRate === "function";
  const average = (old: Tensor, x: Tensor) => updateMoment(old, mul(x, x), rho);
  const root = (x: Tensor) => sqrt(add(x, epsilon));

  return checkedOptimizer("adadelta", {
    init: (params): Record<string, unknown> => ({
      gradientAccumulator: treeMap(zeroTangent, params),
      updateAccumulator: treeMap(zeroTangent, params),
      ...(scheduled && { step: firstStep() }),
    }),
    update: <P extends object>(grads: P, state: unknown, params: P): [P, Record<string, unknown>] => {
      const last = state as AdadeltaState;
      const { step = firstStep() } = last;
      const rate = rateAt(learningRate, step);
      const decayed = addDecay(grads, decay, params, options.decayMask);
      const gradientAccumulator = treeMap(average, last.gradientAccumulator as P, decayed);
      const direction = treeMap(
        (g: Tensor, squares: Tensor, updates: Tensor) => mul(div(root(updates), root(squares)), g),
        decayed,
        gradientAccumulator,
        last.updateAccumulator,
      );
      const updateAccumulator = treeMap(average, last.updateAccumulator as P, direction);
      const next = { gradientAccumulator, updateAccumulator, ...(scheduled && { step: nextStep(step) }) };
      return [descend(direction, rate), next];
    },
  });
}
