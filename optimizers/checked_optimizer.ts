/**
 * Optimizers whose arguments are checked where they come in: `init` and `update` are called by programs without type checking too.
 *
 * @module
 */
import { argument, aTree, type Kind, kindOf } from "../core/kinds.ts";
import { ShapeError } from "../core/errors.ts";
import { sameShape, showShape } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { leavesLike, treeLeaves } from "../core/tree.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";

const aState: Kind<OptimizerState> = kindOf(
  "what init gave, or the update before",
  (value) => typeof value === "object" && value !== null,
);

/**
 * Checks that a tree has tensors of the same shapes at the same places as another.
 *
 * @throws {ShapeError} If not: `problem` is the beginning of the message.
 */
function checkLike(tree: unknown, other: unknown, problem: string): void {
  const [expected, found] = [leavesLike(other, other, problem), leavesLike(other, tree, problem)] as Tensor[][];
  const i = expected.findIndex((leaf, i) => leaf instanceof Tensor && !sameShape(leaf.shape, found[i].shape));
  if (i < 0) return;
  const { path } = treeLeaves(other)[i];
  const [shape, wanted] = [found[i].shape, expected[i].shape];
  throw new ShapeError(`${problem}: ${path ? `"${path}"` : "it"} is of shape ${showShape(shape)}, not ${showShape(wanted)}`, {
    path,
    shape,
    expected: wanted,
  });
}

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
      checkLike(params, grads, `Cannot call ${updating}, which takes (grads, state, params): params is no tree like grads`);
      checkLike(state, init(params), `Cannot call ${updating}: the state is not of these parameters`);
      return update(grads, state, params);
    },
  };
}
