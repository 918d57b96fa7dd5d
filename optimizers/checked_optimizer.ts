/**
 * Optimizers whose arguments are checked where they come in: `init` and `update` are called by programs without type checking too.
 *
 * @module
 */
import { argument, aTree, type Kind, kindOf } from "../core/kinds.ts";
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
      return update(grads, argument(state, aState, "state", updating), params);
    },
  };
}
