/**
 * Special functions of one number: the complement and the inverse of the error function, what is made of them, and sigmoids with a
 * rational or circular shape.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { abs, add, div, mul, square } from "./arithmetic.ts";
import { hypot } from "./polar.ts";
import { apply, elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { bell, cosh, exp, saturating } from "./unary.ts";

function of(op: ElementwiseOp): (x: TensorLike) => Tensor {
  // A key, so that the function has the operation's name.
  return { [op.name]: (x: TensorLike) => apply(op, [asFloat(x)], undefined) }[op.name];
}

export const erfcOp: ElementwiseOp = elementwise({
  name: "erfc",
  domain: "any",
  dtype: floatDType("erfc"),
  partials: [(g, x) => mul(g, mul(-2 / Math.sqrt(Math.PI), bell(x)))],
  lower: (x) => expr.unary("erfc", x),
});
/**
 * The complementary error function 1 - erf(x) of each element; it stays accurate for large x, where 1 - erf(x) would lose all
 * digits.
 *
 * ```ts
 * import { erfc, item } from "../../mod.ts";
 * console.log((await item(erfc(5))).toExponential(3)); // 1.537e-12
 * ```
 */
export const erfc: (x: TensorLike) => Tensor = of(erfcOp);

export const erfinvOp: ElementwiseOp = elementwise({
  name: "erfinv",
  domain: "unit",
  dtype: floatDType("erfinv"),
  partials: [(g, _, y) => mul(g, mul(Math.sqrt(Math.PI) / 2, exp(square(y))))],
  lower: (x) => expr.unary("erfinv", x),
});
/**
 * The inverse of the error function: the number whose `erf` is each element; infinite at -1 and 1, NaN beyond.
 *
 * ```ts
 * import { erf, erfinv, item } from "../../mod.ts";
 * console.log((await item(erf(erfinv(0.25)))).toFixed(6)); // 0.250000
 * ```
 */
export const erfinv: (x: TensorLike) => Tensor = of(erfinvOp);

export const gudermannianOp: ElementwiseOp = elementwise({
  name: "gudermannian",
  domain: "any",
  dtype: floatDType("gudermannian"),
  partials: [(g, x) => div(g, cosh(saturating(x)))],
  lower: (x) => expr.unary("gudermannian", x),
});
/** The Gudermannian function atan(sinh(x)): a sigmoid from -pi/2 to pi/2 with slope 1 at 0. */
export const gudermannian: (x: TensorLike) => Tensor = of(gudermannianOp);

export const isruOp: ElementwiseOp = elementwise({
  name: "isru",
  domain: "any",
  dtype: floatDType("isru"),
  partials: [(g, x) => {
    const y = div(1, hypot(x, 1));
    return mul(g, mul(y, square(y)));
  }],
  lower: (x) => expr.unary("isru", x),
});
/**
 * The inverse square root unit x / sqrt(1 + x^2): a sigmoid from -1 to 1 with slope 1 at 0.
 *
 * @see Carlile et al., "Improving deep learning by inverse square root linear units", 2017
 */
export const isru: (x: TensorLike) => Tensor = of(isruOp);

export const softsignOp: ElementwiseOp = elementwise({
  name: "softsign",
  domain: "nonzero",
  dtype: floatDType("softsign"),
  partials: [(g, x) => mul(g, square(div(1, add(1, abs(x)))))],
  lower: (x) => expr.unary("softsign", x),
});
/** x / (1 + |x|): a sigmoid from -1 to 1 with slope 1 at 0 that saturates slowly. */
export const softsign: (x: TensorLike) => Tensor = of(softsignOp);
