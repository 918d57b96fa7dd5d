/**
 * Gradient descent.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { add, mul } from "../core/ops/arithmetic.ts";
import { eq } from "../core/ops/compare.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { where } from "../core/ops/select.ts";
import { fraction, nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `sgd`. */
export interface SgdOptions extends DecayOptions {
  /** Step length, in units of the parameters per unit of the gradient. */
  readonly learningRate: LearningRate;
  /** How much of the last step's direction is kept, in [0, 1]. Default 0. */
  readonly momentum?: number;
  /** Whether the gradient is taken as if the momentum had already moved the parameters. Default false. */
  readonly nesterov?: boolean;
  /** How much of the gradient is left out of what `momentum` keeps, after the first step. In [0, 1]; default 0. */
  readonly dampening?: number;
}

const sgdOptions = optionTable<SgdOptions>({
  ...decayKinds,
  learningRate: needed(checkedInside()),
  momentum: real,
  nesterov: flag,
  dampening: real,
});

/** What `sgd` remembers: nothing it does not need. */
type SgdState = { readonly velocity?: unknown; readonly step?: Tensor };

/**
 * Stochastic gradient descent, with momentum or without, as PyTorch's `SGD`.
 *
 * g = grad + decay * p;  v = momentum * v + (1 - dampening) * g;  u = -rate * v,  or with Nesterov's correction  u = -rate * (g + momentum * v)
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.sgd({ learningRate: 0.1, momentum: 0.9 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.9, 0.9]
 * ```
 *
 * @returns An optimizer. Its state holds `velocity` (v), a tree like the parameters, unless momentum is 0, and `step` i32[] if the rate is a
 * function of it or there is dampening.
 * @throws {RangeError} If a number is out of its range, or `nesterov` is set without momentum or with dampening.
 * @see Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013
 */
export function sgd(options: SgdOptions): Optimizer {
  checkOptions(options, sgdOptions, "sgd");
  const learningRate = checkRate(options.learningRate);
  const momentum = fraction(options.momentum ?? 0, "momentum");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  const dampening = fraction(options.dampening ?? 0, "dampening");
  const nesterov = options.nesterov ?? false;
  if (nesterov && momentum === 0) throw new RangeError("nesterov needs a momentum above 0");
  if (nesterov && dampening > 0) throw new RangeError(`nesterov needs a dampening of 0, but it is ${dampening}`);
  const counted = typeof learningRate === "function" || dampening > 0;

  return checkedOptimizer("sgd", {
    init: (params): SgdState => ({
      ...(momentum > 0 && { velocity: treeMap(zeroTangent, params) }),
      ...(counted && { step: firstStep() }),
    }),
    update: (grads, state, params) => {
      const { velocity: last, step = firstStep() } = state as SgdState;
      const rate = rateAt(learningRate, step);
      const decayed = addDecay(grads, decay, params, options.decayMask);
      // The first gradient is kept whole.
      const kept = (g: Tensor) => dampening === 0 ? g : where(eq(step, 0), g, mul(1 - dampening, g));
      const keep = (g: Tensor, v: Tensor) => add(mul(momentum, v), kept(g));
      const direction = momentum === 0 ? decayed : treeMap(keep, decayed, last);
      const ahead = nesterov ? treeMap((g: Tensor, v: Tensor) => add(g, mul(momentum, v)), decayed, direction) : direction;
      const next: SgdState = {
        ...(momentum > 0 && { velocity: direction }),
        ...(counted && { step: nextStep(step) }),
      };
      return [descend(ahead, rate), next];
    },
  });
}
