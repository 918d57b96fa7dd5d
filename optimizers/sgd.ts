/**
 * Gradient descent.
 *
 * @module
 */
import { add, mul } from "../core/ops/binary.ts";
import { zerosLike } from "../core/ops/creation.ts";
import { neg } from "../core/ops/unary.ts";
import { fraction, notNegative } from "../core/ranges.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { Optimizer } from "./optimizer.ts";
import { checkRate, firstStep, type LearningRate, nextStep, rateAt } from "./rate.ts";

/** Options of `sgd`. */
export interface SgdOptions {
  /** Step length, in units of the parameters per unit of the gradient. */
  readonly learningRate: LearningRate;
  /** How much of the last step's direction is kept, in [0, 1]. Default 0. */
  readonly momentum?: number;
  /** Whether the gradient is taken as if the momentum had already moved the parameters. Default false. */
  readonly nesterov?: boolean;
  /** Multiple of the parameters that is added to their gradients. Default 0. */
  readonly weightDecay?: number;
}

/** What `sgd` remembers: nothing it does not need. */
type SgdState = { readonly momentum?: unknown; readonly step?: Tensor };

/**
 * Stochastic gradient descent, with momentum or without, as PyTorch's `SGD`.
 *
 * g = grad + decay * p;  m = momentum * m + g;  u = -rate * m,  or with Nesterov's correction  u = -rate * (g + momentum * m)
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.sgd({ learningRate: 0.1, momentum: 0.9 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.9, 0.9]
 * ```
 *
 * @returns An optimizer. Its state holds `momentum`, a tree like the parameters, unless momentum is 0, and `step` i32[] if the rate is a
 * function of it.
 * @throws {RangeError} If a number is out of its range, or `nesterov` is set without momentum.
 * @see Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013
 */
export function sgd(options: SgdOptions): Optimizer {
  const learningRate = checkRate(options.learningRate);
  const momentum = fraction(options.momentum ?? 0, "momentum");
  const decay = notNegative(options.weightDecay ?? 0, "weightDecay");
  const nesterov = options.nesterov ?? false;
  if (nesterov && momentum === 0) throw new RangeError("nesterov needs a momentum above 0");
  const scheduled = typeof learningRate === "function";

  return {
    init: (params): SgdState => ({
      ...(momentum > 0 && { momentum: treeMap(zerosLike, params) }),
      ...(scheduled && { step: firstStep() }),
    }),
    update: (grads, state, params) => {
      const { momentum: last, step = firstStep() } = state as SgdState;
      const rate = rateAt(learningRate, step);
      const decayed = decay === 0 ? grads : treeMap((g: Tensor, p: Tensor) => add(g, mul(decay, p)), grads, params);
      const direction = momentum === 0 ? decayed : treeMap((g: Tensor, m: Tensor) => add(mul(momentum, m), g), decayed, last);
      const ahead = nesterov ? treeMap((g: Tensor, m: Tensor) => add(g, mul(momentum, m)), decayed, direction) : direction;
      const next: SgdState = {
        ...(momentum > 0 && { momentum: direction }),
        ...(scheduled && { step: nextStep(step) }),
      };
      return [descend(ahead, rate), next];
    },
  };
}

/** A tree of directions times minus the rate. */
function descend<P extends object>(directions: P, rate: TensorLike): P {
  const back = typeof rate === "number" ? -rate : neg(rate);
  return treeMap((d: Tensor) => mul(back, d), directions);
}
