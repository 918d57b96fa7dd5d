/**
 * Choosing between two tensors, element by element.
 *
 * @module
 */
import { isBool, maskType } from "../dtype.ts";
import * as expr from "../ir/expr.ts";
import { DTypeError } from "../errors.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { broadcastAllTo, commonShape, promoteAll } from "./arguments.ts";
import { cast } from "./cast.ts";
import { zerosLike } from "./constant.ts";
import { apply, elementwise, type ElementwiseOp } from "./define.ts";

export const whereOp: ElementwiseOp = elementwise({
  name: "where",
  domain: "any",
  dtype: ([test, x, y]) => {
    if (!isBool(test) || x !== y) {
      throw new DTypeError(`Cannot choose by ${test} between ${x} and ${y}`, { dtypes: [test, x, y] });
    }
    return x;
  },
  partials: [undefined, (g, test) => where(test, g, zerosLike(g)), (g, test) => where(test, zerosLike(g), g)],
  lower: (test, x, y) => expr.select(test, x, y),
});
/**
 * x where `test` is true (not 0), else y. Shapes are broadcast.
 *
 * ```ts
 * import { gt, tensor, toArray, where } from "../../mod.ts";
 * const x = tensor([-1, 2]);
 * console.log(await toArray(where(gt(x, 0), x, 0))); // [0, 2]
 * ```
 */
export function where(test: TensorLike, x: TensorLike, y: TensorLike): Tensor {
  const shape = commonShape([test, x, y], "choose between");
  return apply(whereOp, broadcastAllTo([cast(test, maskType), ...promoteAll([x, y], shape)], shape), undefined);
}
