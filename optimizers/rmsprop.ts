/**
 * RMSprop.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { maximum } from "../core/ops/binary.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { fraction, nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import { rootOfSquares, updateMoment } from "./moments.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `rmsprop`. */
export interface RmspropOptions extends DecayOptions {
  /** Step length, in units of the parameters. */
  readonly learningRate: LearningRate;
  /** How much of the running mean of squared gradients is kept, in [0, 1]. Default 0.99. */
  readonly alpha?: number;
  /** Added to the root of the mean. Default 1e-8. */
  readonly epsilon?: number;
  /** How much of the last step's direction is kept, in [0, 1]. Default 0. */
  readonly momentum?: number;
  /** Whether steps are divided by the deviation of the gradients instead of the root of their mean square. Default false. */
  readonly centered?: boolean;
}

const rmspropOptions = optionTable<RmspropOptions>({
  ...decayKinds,
  learningRate: needed(checkedInside()),
  alpha: real,
  epsilon: real,
  momentum: real,
  centered: flag,
});

interface RmspropState {
  /** Second moment: the running mean of squared gradients. */
  readonly nu: unknown;
  /** First moment: the running mean of the gradients, if centered. */
  readonly mu?: unknown;
  /** The last direction, if there is momentum. */
  readonly velocity?: unknown;
  readonly step?: Tensor;
}

/**
 * RMSprop: gradient steps divided by the root of a running mean of their squares, as PyTorch's `RMSprop`.
 *
 * g = grad + decay * p;  nu = alpha nu + (1 - alpha) g^2;  d = g / (sqrt(nu) + epsilon);  velocity = momentum * velocity + d;
 * u = -rate * velocity; with `centered`, mu = alpha mu + (1 - alpha) g  and nu - mu^2 under the root.
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.rmsprop({ learningRate: 0.01, alpha: 0.75 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.98, 0.98]
 * ```
 *
 * @returns An optimizer. Its state holds the second moment `nu`, a tree like the parameters, with `centered` also the first, `mu`, with
 * momentum `velocity`, and `step` i32[] if the rate is a function of it.
 * @throws {RangeError} If a number is out of its range.
 * @see Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012
 * @see Graves, "Generating sequences with recurrent neural networks", 2013, for the centered form
 */
export function rmsprop(options: RmspropOptions): Optimizer {
  checkOptions(options, rmspropOptions, "rmsprop");
  const learningRate = checkRate(options.learningRate);
  const alpha = fraction(options.alpha ?? 0.99, "alpha");
  const epsilon = nonNegative(options.epsilon ?? 1e-8, "epsilon");
  const momentum = fraction(options.momentum ?? 0, "momentum");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  const centered = options.centered ?? false;
  const scheduled = typeof learningRate === "function";
  const average = (old: Tensor, x: Tensor) => updateMoment(old, x, alpha);
  // A variance; rounding may bring it below 0.
  const variance = (v: Tensor, a: Tensor) => maximum(sub(v, mul(a, a)), 0);

  return checkedOptimizer("rmsprop", {
    init: (params): Record<string, unknown> => ({
      nu: treeMap(zeroTangent, params),
      ...(centered && { mu: treeMap(zeroTangent, params) }),
      ...(momentum > 0 && { velocity: treeMap(zeroTangent, params) }),
      ...(scheduled && { step: firstStep() }),
    }),
    update: <P extends object>(grads: P, state: unknown, params: P): [P, Record<string, unknown>] => {
      const last = state as RmspropState;
      const { step = firstStep() } = last;
      const decayed = addDecay(grads, decay, params, options.decayMask);
      const nu = treeMap((v: Tensor, g: Tensor) => average(v, mul(g, g)), last.nu as P, decayed);
      const mu = centered ? treeMap(average, last.mu as P, decayed) : undefined;
      const spread = mu ? treeMap(variance, nu, mu) : nu;
      const scaled = treeMap((g: Tensor, v: Tensor) => div(g, add(rootOfSquares(v), epsilon)), decayed, spread);
      const direction = momentum === 0
        ? scaled
        : treeMap((d: Tensor, m: Tensor) => add(mul(momentum, m), d), scaled, last.velocity);
      const next: Record<string, unknown> = {
        nu,
        ...(mu && { mu }),
        ...(momentum > 0 && { velocity: direction }),
        ...(scheduled && { step: nextStep(step) }),
      };
      return [descend(direction, rateAt(learningRate, step)), next];
    },
  });
}
