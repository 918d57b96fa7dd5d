/**
 * Adam and AdamW.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { decayKinds } from "./option_kinds.ts";
import { checkedInside, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { add, div, mul, neg } from "../core/ops/arithmetic.ts";
import { cast } from "../core/ops/cast.ts";
import { zeroTangent } from "../core/ops/constant.ts";
import { sqrt } from "../core/ops/unary.ts";
import { decayRate, nonNegative } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { DecayOptions } from "./decay.ts";
import { addDecay, checkRate, descend, firstStep, nextStep, rateAt } from "./step.ts";
import { biasCorrection, rootOfSquares, updateMoment } from "./moments.ts";
import type { Optimizer } from "./optimizer.ts";
import type { LearningRate } from "./rate.ts";

/** Options of `adam` and `adamW`. */
export interface AdamOptions extends DecayOptions {
  /** Step length, in units of the parameters. */
  readonly learningRate: LearningRate;
  /** How much of the running mean of gradients is kept, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** How much of the running mean of squared gradients is kept, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the squares. Default 1e-8. */
  readonly epsilon?: number;
  /** `adam`: multiple of the parameters added to their gradients, default 0. `adamW`: rate of their decay, default 0.01. */
  readonly weightDecay?: number;
}

const adamOptions = optionTable<AdamOptions>({
  ...decayKinds,
  learningRate: needed(checkedInside()),
  beta1: real,
  beta2: real,
  epsilon: real,
});

interface AdamState {
  readonly step: Tensor;
  /** First moment: the running mean of the gradients. */
  readonly mu: unknown;
  /** Second moment: the running mean of their squares. */
  readonly nu: unknown;
}

/**
 * Adam: gradient steps scaled by running estimates of mean and square, as PyTorch's `Adam`.
 *
 * mu = beta1 mu + (1 - beta1) g;  nu = beta2 nu + (1 - beta2) g^2;
 * u = -rate * (mu / (1 - beta1^t)) / (sqrt(nu / (1 - beta2^t)) + epsilon)
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.adam({ learningRate: 0.1 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.9, 0.9]
 * ```
 *
 * @returns An optimizer. Its state holds `step` i32[] and two trees like the parameters, the moments `mu` and `nu` (the paper's m and v):
 * memory is 3x the parameters.
 * @throws {RangeError} If a number is out of its range.
 * @see Kingma and Ba, "Adam", 2015, algorithm 1
 */
export function adam(options: AdamOptions): Optimizer {
  checkOptions(options, adamOptions, "adam");
  const decay = nonNegative(options.weightDecay ?? 0, "weightDecay");
  return adaptive("adam", options, { grads: decay, params: 0 });
}

/**
 * Adam with the decay of the weights apart from the gradients, as PyTorch's `AdamW`: u = (Adam's u) - rate * weightDecay * p.
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray, zeros } from "../mod.ts";
 * const optimizer = optimizers.adamW({ learningRate: 0.1, weightDecay: 0.5 });
 * const params = { weight: ones([2]) };
 * const [updates, state] = optimizer.update({ weight: zeros([2]) }, optimizer.init(params), params);
 * console.log(await toArray(applyUpdates(params, updates).weight)); // [0.95, 0.95]
 * ```
 *
 * @returns An optimizer with a state like `adam`'s.
 * @throws {RangeError} If a number is out of its range.
 * @see Loshchilov and Hutter, "Decoupled weight decay regularization", 2019
 */
export function adamW(options: AdamOptions): Optimizer {
  checkOptions(options, adamOptions, "adamW");
  const decay = nonNegative(options.weightDecay ?? 0.01, "weightDecay");
  return adaptive("adamW", options, { grads: 0, params: decay });
}

/** Adam with a decay that goes into the gradients, or straight to the parameters. */
function adaptive(name: string, options: AdamOptions, decay: { readonly grads: number; readonly params: number }): Optimizer {
  const learningRate = checkRate(options.learningRate);
  const beta1 = decayRate(options.beta1 ?? 0.9, "beta1");
  const beta2 = decayRate(options.beta2 ?? 0.999, "beta2");
  const epsilon = nonNegative(options.epsilon ?? 1e-8, "epsilon");

  return checkedOptimizer(name, {
    init: (params) => ({ step: firstStep(), mu: treeMap(zeroTangent, params), nu: treeMap(zeroTangent, params) }),
    update: <P extends object>(grads: P, state: unknown, params: P): [P, Record<string, unknown>] => {
      const last = state as AdamState;
      const rate = rateAt(learningRate, last.step);
      const step = nextStep(last.step);
      const decayed = addDecay(grads, decay.grads, params, options.decayMask);
      const mu = treeMap((m: Tensor, g: Tensor) => updateMoment(m, g, beta1), last.mu as P, decayed);
      const nu = treeMap((v: Tensor, g: Tensor) => updateMoment(v, mul(g, g), beta2), last.nu as P, decayed);

      const towards = (m: Tensor, v: Tensor) => {
        const count = cast(step, m.dtype);
        const length = div(rate, biasCorrection(beta1, count));
        const scale = div(1, sqrt(biasCorrection(beta2, count)));
        return neg(mul(length, div(m, add(mul(rootOfSquares(v), scale), epsilon))));
      };
      const updates = treeMap(towards, mu, nu);
      const shrunk = decay.params === 0 ? params : descend(params, rate);
      return [addDecay(updates, decay.params, shrunk, options.decayMask), { step, mu, nu }];
    },
  });
}
