/**
 * Lengths and angles of points (x, y).
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ofTwoFloats } from "./arguments.ts";
import { abs, div, mul, neg, sign } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { logicalOr } from "./logic.ts";
import { where } from "./select.ts";

/** x / length, of (x, y); 0 at (0, 0), and far out its limit. */
function direction(x: Tensor, y: Tensor, length: Tensor): Tensor {
  const [zero, far] = [eq(length, 0), eq(length, Infinity)];
  const near = div(where(zero, 0, x), where(logicalOr(zero, far), 1, length));
  const alone = where(eq(abs(x), Infinity), sign(x), 0);
  const limit = where(eq(abs(x), abs(y)), mul(alone, Math.SQRT1_2), alone);
  return where(far, limit, near);
}

export const hypotOp: ElementwiseOp = elementwise({
  name: "hypot",
  domain: "nonzero",
  dtype: floatDType("hypot"),
  partials: [(g, x, y, out) => mul(g, direction(x, y, out)), (g, x, y, out) => mul(g, direction(y, x, out))],
  lower: (x, y) => expr.binary("hypot", x, y),
});
/** sqrt(x^2 + y^2) without overflow; its derivative at (0, 0) is 0. */
export const hypot: (x: TensorLike, y: TensorLike) => Tensor = ofTwoFloats(hypotOp);

export const atan2Op: ElementwiseOp = elementwise({
  name: "atan2",
  domain: "nonzero",
  dtype: floatDType("atan2"),
  partials: [
    (g, y, x) => div(mul(g, direction(x, y, hypot(x, y))), hypot(x, y)),
    (g, y, x) => neg(div(mul(g, direction(y, x, hypot(x, y))), hypot(x, y))),
  ],
  lower: (y, x) => expr.binary("atan2", y, x),
});
/** The angle of the point (x, y), in (-pi, pi]: the first argument is y. */
export const atan2: (y: TensorLike, x: TensorLike) => Tensor = ofTwoFloats(atan2Op);
