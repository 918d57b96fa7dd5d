/**
 * Optimizers whose arguments are checked where they come in: `init` and `update` are called by programs without type checking too.
 *
 * @module
 */
import { argument, aTree, type Kind, kindOf } from "../core/kinds.ts";
import { leavesLike } from "../core/tree.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";

const aState: Kind<OptimizerState> = kindOf(
  "what init gave, or the update before",
  (value) => typeof value === "object" && value !== null,
);

/** The optimizer, whose functions check what they are called with. */
export function checkedOptimizer(name: string, { init, update }: Optimizer): Optimizer {
  const [starting, updating] = [`init of ${name}`, `update of ${name}`];
  return {
    init: (params) => {
      argument<object>(params, aTree, "params", starting);
      return init(params);
    },
    update: (grads, state, params) => {
      argument<object>(grads, aTree, "grads", updating);
      argument<object>(params, aTree, "params", updating);
      argument(state, aState, "state", updating);
      // A state in the place of the parameters, say.
      leavesLike(grads, params, `Cannot call ${updating}, which takes (grads, state, params): params is no tree like grads`);
      return update(grads, state, params);
    },
  };
}
