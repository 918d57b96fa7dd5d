/**
 * What an optimizer is: two pure functions. One makes a state for parameters, the other turns gradients into updates.
 *
 * Parameters, gradients and updates are trees of one form: records and arrays, nested, with tensors at the leaves. Updates are added to
 * the parameters, so steps that descend are negative.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { add } from "../core/ops/arithmetic.ts";
import { cast } from "../core/ops/cast.ts";
import { sameShape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMapWithPath } from "../core/tree.ts";

/** What an optimizer remembers from step to step: a tree, whose form depends on the optimizer and on the parameters. */
export type OptimizerState = Readonly<Record<string, unknown>> | readonly OptimizerState[];

/**
 * An optimizer, or a part of one (a transformation of gradients).
 *
 * ```ts
 * import { applyUpdates, grad, item, mul, optimizers, tensor } from "../mod.ts";
 * import type { Tensor } from "../mod.ts";
 * const optimizer = optimizers.sgd({ learningRate: 0.1 });
 * const loss = (p: { x: Tensor }) => mul(p.x, p.x);
 * let params = { x: tensor(1) };
 * let state = optimizer.init(params);
 * for (let step = 0; step < 3; step++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = applyUpdates(params, updates);
 *   state = next;
 * }
 * console.log(await item(params.x)); // 0.512
 * ```
 */
export interface Optimizer {
  /** The state before the first step. */
  init<P extends object>(params: P): OptimizerState;
  /**
   * What to add to the parameters, and the state for the next step.
   *
   * @param grads A tree like `params`.
   * @throws {ShapeError} If the trees do not fit together.
   */
  update<P extends object>(grads: P, state: OptimizerState, params: P): [P, OptimizerState];
}

/**
 * The parameters after a step: each plus its update, in the parameter's type.
 *
 * ```ts
 * import { applyUpdates, tensor, toArray } from "../mod.ts";
 * const { a } = applyUpdates({ a: tensor([1, 2]) }, { a: tensor([-0.5, 0.5]) });
 * console.log(await toArray(a)); // [0.5, 2.5]
 * ```
 *
 * @throws {ShapeError} If the trees do not fit together, or an update has not the shape of its parameter.
 */
export function applyUpdates<P extends object>(params: P, updates: P): P {
  return treeMapWithPath(
    (path, p: Tensor, u: Tensor) => {
      if (sameShape(p.shape, u.shape)) return cast(add(p, u), p.dtype);
      throw new ShapeError(
        `Cannot update ${path ? `"${path}"` : "the parameter"} of shape ${showShape(p.shape)} by ${showShape(u.shape)}: ` +
          `it would not keep its shape`,
        { path, shape: p.shape, update: u.shape },
      );
    },
    params,
    updates,
  );
}
