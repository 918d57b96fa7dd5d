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
    pull: [undefined, undefined],
    lower: (x, y) => expr.binary(name, x, y),
  });
}

export const ltOp: ElementwiseOp = comparison("lt");
/** x < y: bool. */
export function lt(x: TensorLike, y: TensorLike): Tensor {
  return apply(ltOp, align([x, y], "compare"), undefined);
}

export const leOp: ElementwiseOp = comparison("le");
/** x <= y: bool. */
export function le(x: TensorLike, y: TensorLike): Tensor {
  return apply(leOp, align([x, y], "compare"), undefined);
}

/** x > y: bool. */
export function gt(x: TensorLike, y: TensorLike): Tensor {
  return lt(y, x);
}

/** x >= y: bool. */
export function ge(x: TensorLike, y: TensorLike): Tensor {
  return le(y, x);
}

export const eqOp: ElementwiseOp = comparison("eq");
/** x == y: bool. */
export function eq(x: TensorLike, y: TensorLike): Tensor {
  return apply(eqOp, align([x, y], "compare"), undefined);
}

export const neOp: ElementwiseOp = comparison("ne");
/** x != y: bool. */
export function ne(x: TensorLike, y: TensorLike): Tensor {
  return apply(neOp, align([x, y], "compare"), undefined);
}
