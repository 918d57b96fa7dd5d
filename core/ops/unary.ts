/**
 * Functions of one number, applied to every element.
 *
 * @module
 */
import { maskType } from "../dtype.ts";
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import { scalar } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import type { Scalar, Tensor, TensorLike } from "../tensor.ts";
import { abs, add, div, mul, neg, reciprocal, square, sub } from "./arithmetic.ts";
import { asFloat } from "./cast.ts";
import { eq, gt, lt } from "./compare.ts";
import { zerosLike } from "./constant.ts";
import { apply, type Domain, elementwise, type ElementwiseOp, floatDType, numberDType } from "./define.ts";
import { asTensor } from "./literal.ts";
import { hypot } from "./polar.ts";
import { where } from "./select.ts";

/** A floating function of one argument: its name in the scalar language and its derivative times g. */
function floating(
  name: expr.UnaryOp,
  domain: Domain,
  partial: (g: Tensor, x: Tensor, y: Tensor) => Tensor,
): ElementwiseOp {
  return elementwise({ name, domain, dtype: floatDType(name), partials: [partial], lower: (x) => expr.unary(name, x) });
}

function of(op: ElementwiseOp): (x: TensorLike) => Tensor {
  // A key, so that the function has the operation's name.
  return { [op.name]: (x: TensorLike) => apply(op, [asFloat(x)], undefined) }[op.name];
}

export const floorOp: ElementwiseOp = floating("floor", "nonzero", (g) => zerosLike(g));
/** The largest integer not above each element. */
export const floor: (x: TensorLike) => Tensor = of(floorOp);

export const ceilOp: ElementwiseOp = floating("ceil", "nonzero", (g) => zerosLike(g));
/** The smallest integer not below each element. */
export const ceil: (x: TensorLike) => Tensor = of(ceilOp);

export const roundOp: ElementwiseOp = floating("round", "nonzero", (g) => zerosLike(g));
/** The nearest integer of each element, halves to the even one. */
export const round: (x: TensorLike) => Tensor = of(roundOp);

export const truncOp: ElementwiseOp = floating("trunc", "nonzero", (g) => zerosLike(g));
/** Each element without its fraction. */
export const trunc: (x: TensorLike) => Tensor = of(truncOp);

export const sqrtOp: ElementwiseOp = floating("sqrt", "positive", (g, _, y) => div(g, mul(2, y)));
/** The square root of each element; NaN below 0. */
export const sqrt: (x: TensorLike) => Tensor = of(sqrtOp);

/** root(total) of a sum of powers; where the total is 0, its derivative is 0 (that of the powers is, too), not infinite. */
export function rootOf(total: Tensor, root: (x: Tensor) => Tensor = sqrt): Tensor {
  const zero = eq(total, 0);
  return where(zero, zerosLike(total), root(where(zero, 1, total)));
}

/** Beyond this, sigmoids of any form are what they are at infinity. */
const saturated = 1000;
/** The argument of a function that saturates: beyond, the derivative is none, so that it is not multiplied with an infinite one. */
export function saturating(x: Tensor): Tensor {
  return clip(x, { min: -saturated, max: saturated });
}
/** The factor x of a product whose other factor vanishes towards -infinity faster than x grows. */
export function vanishing(x: Tensor): Tensor {
  return clip(x, { min: -saturated });
}

export const expOp: ElementwiseOp = floating("exp", "any", (g, _, y) => mul(g, y));
/** e to the power of each element. */
export const exp: (x: TensorLike) => Tensor = of(expOp);

export const exp2Op: ElementwiseOp = floating("exp2", "any", (g, _, y) => mul(g, mul(y, Math.LN2)));
/** 2 to the power of each element; of whole numbers exactly. */
export const exp2: (x: TensorLike) => Tensor = of(exp2Op);

export const logOp: ElementwiseOp = floating("log", "positive", (g, x) => div(g, x));
/** The natural logarithm of each element; -infinity at 0, NaN below. */
export const log: (x: TensorLike) => Tensor = of(logOp);

export const log2Op: ElementwiseOp = floating("log2", "positive", (g, x) => div(g, mul(x, Math.LN2)));
/** The logarithm to base 2 of each element, of powers of 2 exactly; -infinity at 0, NaN below. */
export const log2: (x: TensorLike) => Tensor = of(log2Op);

export const log10Op: ElementwiseOp = floating("log10", "positive", (g, x) => div(g, mul(x, Math.LN10)));
/** The logarithm to base 10 of each element, of powers of 10 exactly; -infinity at 0, NaN below. */
export const log10: (x: TensorLike) => Tensor = of(log10Op);

export const expm1Op: ElementwiseOp = floating("expm1", "any", (g, _, y) => mul(g, add(y, 1)));
/** exp(x) - 1 without losing digits near 0. */
export const expm1: (x: TensorLike) => Tensor = of(expm1Op);

export const log1pOp: ElementwiseOp = floating("log1p", "aboveMinusOne", (g, x) => div(g, add(x, 1)));
/** log(1 + x) without losing digits near 0. */
export const log1p: (x: TensorLike) => Tensor = of(log1pOp);

export const sinOp: ElementwiseOp = floating("sin", "any", (g, x) => mul(g, cos(x)));
/** The sine of each element, in radians. */
export const sin: (x: TensorLike) => Tensor = of(sinOp);

export const cosOp: ElementwiseOp = floating("cos", "any", (g, x) => neg(mul(g, sin(x))));
/** The cosine of each element, in radians. */
export const cos: (x: TensorLike) => Tensor = of(cosOp);

export const tanOp: ElementwiseOp = floating("tan", "unit", (g, _, y) => mul(g, add(1, square(y))));
/** The tangent of each element, in radians. */
export const tan: (x: TensorLike) => Tensor = of(tanOp);

export const asinOp: ElementwiseOp = floating("asin", "unit", (g, x) => div(g, sqrt(sub(1, square(x)))));
/** The angle in [-pi/2, pi/2] whose sine is each element. */
export const asin: (x: TensorLike) => Tensor = of(asinOp);

export const acosOp: ElementwiseOp = floating("acos", "unit", (g, x) => neg(div(g, sqrt(sub(1, square(x))))));
/** The angle in [0, pi] whose cosine is each element. */
export const acos: (x: TensorLike) => Tensor = of(acosOp);

export const atanOp: ElementwiseOp = floating("atan", "any", (g, x) => mul(g, square(div(1, hypot(x, 1)))));
/** The angle in (-pi/2, pi/2) whose tangent is each element. */
export const atan: (x: TensorLike) => Tensor = of(atanOp);

export const sinhOp: ElementwiseOp = floating("sinh", "any", (g, x) => mul(g, cosh(x)));
/** The hyperbolic sine of each element. */
export const sinh: (x: TensorLike) => Tensor = of(sinhOp);

export const coshOp: ElementwiseOp = floating("cosh", "any", (g, x) => mul(g, sinh(x)));
/** The hyperbolic cosine of each element. */
export const cosh: (x: TensorLike) => Tensor = of(coshOp);

export const tanhOp: ElementwiseOp = floating("tanh", "any", (g, _, y) => mul(g, sub(1, square(y))));
/** The hyperbolic tangent of each element. */
export const tanh: (x: TensorLike) => Tensor = of(tanhOp);

export const asinhOp: ElementwiseOp = floating("asinh", "any", (g, x) => div(g, hypot(x, 1)));
/** The inverse hyperbolic sine of each element. */
export const asinh: (x: TensorLike) => Tensor = of(asinhOp);

export const acoshOp: ElementwiseOp = floating(
  "acosh",
  "aboveOne",
  (g, x) => mul(g, mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1)))),
);
/** The inverse hyperbolic cosine of each element, at least 0; NaN below 1. */
export const acosh: (x: TensorLike) => Tensor = of(acoshOp);

// 1 / (1 - x^2) in two parts, whose derivatives at the ends are no product with 0.
export const atanhOp: ElementwiseOp = floating(
  "atanh",
  "unit",
  (g, x) => mul(g, mul(0.5, add(reciprocal(sub(1, x)), reciprocal(add(1, x))))),
);
/** The inverse hyperbolic tangent of each element; infinite at -1 and 1, NaN beyond. */
export const atanh: (x: TensorLike) => Tensor = of(atanhOp);

export const cbrtOp: ElementwiseOp = floating("cbrt", "nonzero", (g, _, y) => mul(g, mul(1 / 3, square(div(1, y)))));
/** The cube root of each element, negative ones included. */
export const cbrt: (x: TensorLike) => Tensor = of(cbrtOp);

export const erfOp: ElementwiseOp = floating(
  "erf",
  "any",
  (g, x) => mul(g, mul(2 / Math.sqrt(Math.PI), bell(x))),
);
/** exp(-x^2). Beyond 30 it is 0, and so is its derivative: an infinite x is no factor of that. */
export function bell(x: Tensor): Tensor {
  return exp(neg(square(clip(x, { min: -30, max: 30 }))));
}
/** The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to each element. */
export const erf: (x: TensorLike) => Tensor = of(erfOp);

export const sigmoidOp: ElementwiseOp = floating("sigmoid", "any", (g, _, y) => mul(g, mul(y, sub(1, y))));
/** The logistic function 1 / (1 + exp(-x)) of each element. */
export const sigmoid: (x: TensorLike) => Tensor = of(sigmoidOp);

// s + x s (1 - s)
export const siluOp: ElementwiseOp = floating("silu", "any", (g, x) => {
  const near = saturating(x);
  const s = sigmoid(near);
  return mul(g, mul(s, add(1, mul(near, sub(1, s)))));
});
/** x times sigmoid(x) for each element x, also called swish. */
export const silu: (x: TensorLike) => Tensor = of(siluOp);

export const reluOp: ElementwiseOp = elementwise({
  name: "relu",
  domain: "nonzero",
  dtype: numberDType("relu"),
  partials: [(g, _, y) => where(gt(y, 0), g, zerosLike(g))],
  // Written so that NaN stays NaN.
  lower: (x) => expr.select(expr.binary("lt", x, 0), expr.constant(x.type, 0), x),
});
/**
 * The rectified linear unit: each element if it is positive, else 0; its derivative at 0 is 0.
 *
 * ```ts
 * import { relu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(relu(tensor([-1, 0, 2])))); // [0, 0, 2]
 * ```
 */
export function relu(x: TensorLike): Tensor {
  return apply(reluOp, [asTensor(x)], undefined);
}

export const isNaNOp: ElementwiseOp = elementwise({
  name: "isNaN",
  domain: "none",
  dtype: (inputs) => (floatDType("isNaN")(inputs), maskType),
  partials: [undefined],
  lower: (x: Expr) => expr.unary("isNaN", x),
});
/** Whether each element is not a number: bool. */
export const isNaN: (x: TensorLike) => Tensor = of(isNaNOp);

/**
 * Whether each element is neither infinite nor NaN: bool.
 *
 * ```ts
 * import { isFinite, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(isFinite(tensor([1, Infinity, NaN])))); // [true, false, false]
 * ```
 */
export function isFinite(x: TensorLike): Tensor {
  return lt(abs(asFloat(x)), Infinity);
}

/**
 * Whether each element is infinity or -infinity: bool.
 *
 * ```ts
 * import { isInf, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(isInf(tensor([1, -Infinity, NaN])))); // [false, true, false]
 * ```
 */
export function isInf(x: TensorLike): Tensor {
  return eq(abs(asFloat(x)), Infinity);
}

/**
 * 1 / sqrt(x) for each element; infinity at 0, NaN below.
 *
 * ```ts
 * import { rsqrt, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(rsqrt(tensor([4, 16])))); // [0.5, 0.25]
 * ```
 */
export function rsqrt(x: TensorLike): Tensor {
  return div(1, sqrt(x));
}

const clipOptions = optionTable<{ readonly min?: Scalar; readonly max?: Scalar }>({ min: scalar, max: scalar });

/**
 * Each element limited to [min, max]; the derivative is 1 inside and 0 outside.
 *
 * ```ts
 * import { clip, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(clip(tensor([-2, 0.5, 3]), { min: -1, max: 1 }))); // [-1, 0.5, 1]
 * ```
 */
export function clip(x: TensorLike, options: { readonly min?: Scalar; readonly max?: Scalar }): Tensor {
  const { min, max } = checkOptions(options, clipOptions, "clip");
  let y = asTensor(x);
  if (min !== undefined) y = where(lt(y, min), min, y);
  if (max !== undefined) y = where(gt(y, max), max, y);
  return y;
}
