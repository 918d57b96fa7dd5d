/**
 * Comparisons of elements: the result is bool and has no derivative. Comparing with NaN is false, except `ne`.
 *
 * @module
 */
import { maskType } from "../dtype.ts";
import * as expr from "../ir/expr.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { align } from "./arguments.ts";
import { apply, elementwise, type ElementwiseOp, sameDType } from "./define.ts";

function comparison(name: "lt" | "le" | "eq" | "ne"): ElementwiseOp {
  return elementwise({
    name,
    domain: "none",
    dtype: (inputs) => (sameDType(inputs), maskType),
    partials: [undefined, undefined],
    lower: (x, y) => expr.binary(name, x, y),
  });
}

export const ltOp: ElementwiseOp = comparison("lt");
/**
 * x < y: bool.
 *
 * ```ts
 * import { lt, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(lt(tensor([1, 2, 3]), 2))); // [true, false, false]
 * ```
 */
export function lt(x: TensorLike, y: TensorLike): Tensor {
  return apply(ltOp, align([x, y], "compare"), undefined);
}

export const leOp: ElementwiseOp = comparison("le");
/**
 * x <= y: bool.
 *
 * ```ts
 * import { le, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(le(tensor([1, 2, 3]), 2))); // [true, true, false]
 * ```
 */
export function le(x: TensorLike, y: TensorLike): Tensor {
  return apply(leOp, align([x, y], "compare"), undefined);
}

/**
 * x > y: bool.
 *
 * ```ts
 * import { gt, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(gt(tensor([1, 2, 3]), 2))); // [false, false, true]
 * ```
 */
export function gt(x: TensorLike, y: TensorLike): Tensor {
  return lt(y, x);
}

/**
 * x >= y: bool.
 *
 * ```ts
 * import { ge, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(ge(tensor([1, 2, 3]), 2))); // [false, true, true]
 * ```
 */
export function ge(x: TensorLike, y: TensorLike): Tensor {
  return le(y, x);
}

export const eqOp: ElementwiseOp = comparison("eq");
/**
 * x == y: bool.
 *
 * ```ts
 * import { eq, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(eq(tensor([1, 2, 3]), 2))); // [false, true, false]
 * ```
 */
export function eq(x: TensorLike, y: TensorLike): Tensor {
  return apply(eqOp, align([x, y], "compare"), undefined);
}

export const neOp: ElementwiseOp = comparison("ne");
/**
 * x != y: bool.
 *
 * ```ts
 * import { ne, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(ne(tensor([1, 2, 3]), 2))); // [true, false, true]
 * ```
 */
export function ne(x: TensorLike, y: TensorLike): Tensor {
  return apply(neOp, align([x, y], "compare"), undefined);
}
