/**
 * Weight decay: parameters that shrink at each step.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { checkedInside } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import type { Mask } from "../core/mask.ts";
import { nonNegative } from "../core/ranges.ts";
import type { Optimizer } from "./optimizer.ts";
import { addDecay } from "./step.ts";

/** The options of optimizers that concern weight decay. */
export interface DecayOptions {
  /** Multiple of the parameters that is added to their gradients. Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay. Default all; `(_, x) => x.rank > 1` leaves out biases and the scales of normalisations. */
  readonly decayMask?: Mask;
}

const maskOption = optionTable<{ readonly mask?: Mask }>({ mask: checkedInside() });

/**
 * A part of an optimizer that adds a multiple of the parameters to their gradients, as the `weightDecay` of most optimizers does by
 * itself.
 *
 * ```ts
 * import { applyUpdates, ones, optimizers, toArray, zeros } from "../mod.ts";
 * const { addDecayedWeights, chain, sgd } = optimizers;
 * const decay = addDecayedWeights(0.1, { mask: (_, x) => x.rank > 1 });
 * const optimizer = chain(decay, sgd({ learningRate: 1 }));
 * const params = { weight: ones([1, 2]), bias: ones([1]) };
 * const grads = { weight: zeros([1, 2]), bias: zeros([1]) };
 * const [updates] = optimizer.update(grads, optimizer.init(params), params);
 * const { weight, bias } = applyUpdates(params, updates);
 * console.log(await toArray(weight), await toArray(bias)); // [[0.9, 0.9]] [1]
 * ```
 *
 * @param rate At least 0.
 * @param options `mask`: which parameters decay. Default all.
 * @returns A part for `chain`, without a state.
 * @throws {RangeError} If the rate is negative or not finite.
 */
export function addDecayedWeights(rate: number, options: { readonly mask?: Mask } = {}): Optimizer {
  const { mask = true } = checkOptions(options, maskOption, "addDecayedWeights");
  nonNegative(rate, "the rate of decay");
  return checkedOptimizer("addDecayedWeights", {
    init: () => ({}),
    update: (grads, state, params) => [addDecay(grads, rate, params, mask), state],
  });
}
