/**
 * Limits to gradients.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { argument, aTree } from "../core/kinds.ts";
import { add, div, mul } from "../core/ops/arithmetic.ts";
import { maximum } from "../core/ops/binary.ts";
import { zeros } from "../core/ops/creation.ts";
import { sum } from "../core/ops/sum.ts";
import { clip, rootOf } from "../core/ops/unary.ts";
import { positive } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap, treeTensors } from "../core/tree.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The Euclidean norm of all tensors of a tree, taken as one vector. Its derivative at 0 is 0.
 *
 * ```ts
 * import { item, optimizers, tensor } from "../mod.ts";
 * console.log(await item(optimizers.globalNorm({ a: tensor([3]), b: tensor([[4]]) }))); // 5
 * ```
 *
 * @returns A scalar; 0 for a tree without tensors.
 */
export function globalNorm(tree: object): Tensor {
  argument(tree, aTree, "tree", "globalNorm");
  const squares = treeTensors(tree).map((x) => sum(mul(x, x)));
  return squares.length === 0 ? zeros([]) : rootOf(squares.reduce((total, each) => add(total, each)));
}

/**
 * A part of an optimizer that clips gradients: if their global norm exceeds `limit`, all are scaled so that it is `limit`.
 * PyTorch's `clip_grad_norm_`.
 *
 * ```ts
 * import { optimizers, tensor, toArray } from "../mod.ts";
 * const clip = optimizers.clipByGlobalNorm(1);
 * const grads = { a: tensor([30, 40]) };
 * const [clipped] = clip.update(grads, clip.init(grads), grads);
 * console.log(await toArray(clipped.a)); // [0.6, 0.8]
 * ```
 *
 * @param limit Positive.
 * @returns A part for `chain`, without a state.
 * @throws {RangeError} If the limit is not positive.
 * @see Pascanu et al., "On the difficulty of training recurrent neural networks", 2013
 */
export function clipByGlobalNorm(limit: number): Optimizer {
  positive(limit, "the limit of the global norm");
  return checkedOptimizer("clipByGlobalNorm", {
    init: () => ({}),
    update: (grads, state) => {
      // At most 1, and never a division by 0.
      const scale = div(limit, maximum(globalNorm(grads), limit));
      return [treeMap((g: Tensor) => mul(g, scale), grads), state];
    },
  });
}

/**
 * A part of an optimizer that limits each number of the gradients to [-limit, limit]: PyTorch's `clip_grad_value_`.
 *
 * ```ts
 * import { optimizers, tensor, toArray } from "../mod.ts";
 * const limit = optimizers.clipByValue(1);
 * const grads = { a: tensor([30, -0.5]) };
 * const [clipped] = limit.update(grads, limit.init(grads), grads);
 * console.log(await toArray(clipped.a)); // [1, -0.5]
 * ```
 *
 * @param limit Positive.
 * @returns A part for `chain`, without a state.
 * @throws {RangeError} If the limit is not positive.
 */
export function clipByValue(limit: number): Optimizer {
  positive(limit, "the limit of values");
  return checkedOptimizer("clipByValue", {
    init: () => ({}),
    update: (grads, state) => [treeMap((g: Tensor) => clip(g, { min: -limit, max: limit }), grads), state],
  });
}
