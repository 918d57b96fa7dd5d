/**
 * Lion.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { sign } from "../core/ops/arithmetic.ts";
import { decayRate, nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import { updateMoment } from "./moments.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `lion`; `weightDecay` is the rate of decay, apart from the gradients as in `adamW`. */
export interface LionOptions extends DecayOptions {
  /** Step length, in units of the parameters: every parameter moves by it. About a tenth of Adam's. */
  readonly learningRate: LearningRate;
  /** The weight of past gradients against the new one in the direction of a step, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** How much of the running mean of gradients is kept, in [0, 1). Default 0.99. */
  readonly beta2?: number;
}

const lionOptions = optionTable<LionOptions>({ ...decayKinds, learningRate: needed(checkedInside()), beta1: real, beta2: real });

interface LionState {
  /** First moment: the running mean of the gradients. */
  readonly mu: unknown;
  readonly step?: Tensor;
}

/**
 * Lion: steps of one length in the direction of the signs of gradient and past gradients.
 *
 * u = -rate * (sign(beta1 mu + (1 - beta1) g) + decay * p);  mu = beta2 mu + (1 - beta2) g
 *
 * ```ts
 * import { applyUpdates, optimizers, tensor, toArray } from "../mod.ts";
 * const optimizer = optimizers.lion({ learningRate: 0.25 });
 * const params = { weight: tensor([1, 1]) };
 * const [updates, state] = optimizer.update({ weight: tensor([7, -0.1]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.75, 1.25]
 * ```
 *
 * @returns An optimizer. Its state holds the moment `mu` (the paper's m), a tree like the parameters, and `step` i32[] if the rate is a function of it.
 * @throws {RangeError} If a number is out of its range.
 * @see Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2
 */
export function lion(options: LionOptions): Optimizer {
  checkOptions(options, lionOptions, "lion");
  const learningRate = checkRate(options.learningRate);
  const beta1 = decayRate(options.beta1 ?? 0.9, "beta1");
  const beta2 = decayRate(options.beta2 ?? 0.99, "beta2");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  const scheduled = typeof learningRate === "function";
  const blend = (beta: number) => (m: Tensor, g: Tensor) => updateMoment(m, g, beta);

  return checkedOptimizer("lion", {
    init: (params): Record<string, unknown> => ({
      mu: treeMap(zeroTangent, params),
      ...(scheduled && { step: firstStep() }),
    }),
    update: <P extends object>(grads: P, state: unknown, params: P): [P, Record<string, unknown>] => {
      const { mu: last, step = firstStep() } = state as LionState;
      const direction = treeMap(sign, treeMap(blend(beta1), last as P, grads));
      const mu = treeMap(blend(beta2), last as P, grads);
      const updates = descend(addDecay(direction, decay, params, options.decayMask), rateAt(learningRate, step));
      return [updates, { mu, ...(scheduled && { step: nextStep(step) }) }];
    },
  });
}
