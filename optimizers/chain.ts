/**
 * Optimizers made of parts.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { anOptimizer } from "./option_kinds.ts";
import { argument } from "../core/kinds.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";

/**
 * Joins optimizers and parts of them: each takes the updates of the one before it as its gradients.
 *
 * ```ts
 * import { applyUpdates, optimizers, tensor } from "../mod.ts";
 * const { adam, chain, clipByGlobalNorm } = optimizers;
 * const optimizer = chain(clipByGlobalNorm(1), adam({ learningRate: 1e-3 }));
 * const params = { x: tensor([3, 4]) };
 * const [updates] = optimizer.update({ x: tensor([30, 40]) }, optimizer.init(params), params);
 * console.log(applyUpdates(params, updates).x.shape); // [2]
 * ```
 *
 * @returns An optimizer. Its state is a list of those of the parts.
 */
export function chain(...parts: readonly Optimizer[]): Optimizer {
  for (const part of parts) argument(part, anOptimizer, "part", "chain");
  return checkedOptimizer("chain", {
    init: (params) => parts.map((part) => part.init(params)),
    update: <P extends object>(grads: P, state: OptimizerState, params: P): [P, OptimizerState] => {
      const states = state as readonly OptimizerState[];
      let updates = grads;
      const next = parts.map((part, i) => {
        const [after, own] = part.update(updates, states[i], params);
        updates = after;
        return own;
      });
      return [updates, next];
    },
  });
}
