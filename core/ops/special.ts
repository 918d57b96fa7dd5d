/**
 * Special functions of one number: the complement and the inverse of the error function, and sigmoids with a rational or circular shape.
 *
 * They have no instruction of their own on any device: each is one scalar expression of others. The polynomials are near-minimax fits
 * (Chebyshev series of the exact function in 60 digits).
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import {
  abs as absolute,
  add as plus,
  div as over,
  eq as equal,
  lt as less,
  mul as times,
  polynomial,
  sub as minus,
} from "../ir/functions/terms.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { add, div, hypot, mul } from "./binary.ts";
import { apply, elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { abs, bell, cosh, exp, saturating, square } from "./unary.ts";

function of(op: ElementwiseOp): (x: TensorLike) => Tensor {
  // A key, so that the function has the operation's name.
  return { [op.name]: (x: TensorLike) => apply(op, [asFloat(x)], undefined) }[op.name];
}

const minusExp = (x: Expr) => expr.unary("exp", expr.unary("neg", x));
const literal = (x: Expr, value: number) => expr.constant(x.type, value);
/** `magnitude` with the sign of x. */
const signed = (x: Expr, magnitude: Expr) => expr.select(less(x, 0), expr.unary("neg", magnitude), magnitude);

/** (log(erfc(z) / t) + z^2) / (z t) by 2 t - 1, t = 2 / (2 + z): relative errors of the result of 1e-7 ... */
const tail32 = [
  -0.671794056892395,
  0.0008488157764077187,
  0.048192042857408524,
  0.0013036123709753156,
  -0.008571118116378784,
  0.00020852788293268532,
  0.0019877860322594643,
  -0.00023428417625837028,
  -0.0004452714929357171,
  6.179975753184408e-5,
  6.303103145910427e-5,
];
/** ... and of 1e-15. */
const tail64 = [
  -0.6717940840566923,
  0.0008491399209644909,
  0.04819244676286789,
  0.0012968365316893635,
  -0.00857585283463361,
  0.0002490857225432418,
  0.0020080192786274586,
  -0.0003377932238036185,
  -0.0004840400642767997,
  0.00018963874970332408,
  9.590353529376485e-5,
  -7.839952030138365e-5,
  -6.997556664820678e-6,
  2.4748045535770207e-5,
  -5.443177948345484e-6,
  -5.306577843410121e-6,
  3.2642259618787087e-6,
  3.183264905799985e-7,
  -9.681005886956139e-7,
  2.79241521368959e-7,
  1.2783030423374562e-7,
  -1.1939991756011596e-7,
  1.9741534316959914e-8,
  1.9847112254205194e-8,
  -1.160622601041129e-8,
  1.2555542339131563e-11,
  1.6035233706991316e-9,
  -3.5284490265853145e-10,
];

/** 1 - erf(x) for x of at least 0, right to the last digits however small. */
function upperTail(x: Expr): Expr {
  const z = expr.binary("min", x, 30);
  // z^2 = h^2 + (z - h) (z + h) with h^2 exact: an error of the exponent would become a relative error of the result.
  const h = times(expr.unary("trunc", times(z, 16)), 1 / 16);
  const t = over(literal(x, 2), plus(z, 2));
  const p = times(times(z, t), polynomial(minus(plus(t, t), 1), x.type === "f64" ? tail64 : tail32));
  return times(times(t, minusExp(times(h, h))), expr.unary("exp", minus(p, times(minus(z, h), plus(z, h)))));
}

export const erfcOp: ElementwiseOp = elementwise({
  name: "erfc",
  domain: "any",
  dtype: floatDType("erfc"),
  partials: [(g, x) => mul(g, mul(-2 / Math.sqrt(Math.PI), bell(x)))],
  lower: (x) => {
    const tail = upperTail(absolute(x));
    return expr.select(less(x, 0), minus(literal(x, 2), tail), tail);
  },
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

/** erfinv(y) / y by w - 5/2 with w = -log(1 - y^2) up to 5, relative error 2e-7 ... */
const nearZero = [
  1.5014094114303589,
  0.24664075672626495,
  -0.004177389666438103,
  -0.0012537486618384719,
  0.0002183469187002629,
  -4.383631676319055e-6,
  -3.4633562790986616e-6,
  3.4252485647812136e-7,
  2.3285844363840624e-8,
];
/** ... and beyond by sqrt(w) - centre: up to the largest y below 1 in f32, 1e-7; up to that in f64, 1e-6, as a first guess. */
const nearOne32 = {
  centre: (Math.sqrt(5) + 4.1) / 2,
  coefficients: [
    3.0015268325805664,
    1.004294753074646,
    0.0064057037234306335,
    -0.004658138379454613,
    0.0032674300018697977,
    -0.002350884722545743,
    0.0012224714737385511,
    -0.0001298529386986047,
    -0.00013639124517794698,
  ],
};
const nearOne64 = {
  centre: (Math.sqrt(5) + 6.1) / 2,
  coefficients: [
    4.009444236755371,
    1.0098541975021362,
    0.0008754112641327083,
    -0.0007094199536368251,
    0.00024033781664911658,
    -4.0535072912462056e-5,
    1.970214543689508e-5,
    -3.2092655601445585e-5,
    1.678585249464959e-5,
    -2.790567350530182e-6,
  ],
};

/** One step of Halley's method on erf(x) = y, which triples the digits; close to 1 on erfc(x) = 1 - y, which is exact there. */
function refined(x: Expr, y: Expr): Expr {
  const rest = expr.select(
    less(y, 0.5),
    minus(y, expr.unary("erf", x)),
    minus(upperTail(x), minus(literal(y, 1), y)),
  );
  const step = over(rest, times(minusExp(times(x, x)), -2 / Math.sqrt(Math.PI)));
  return minus(x, over(step, plus(times(x, step), 1)));
}

export const erfinvOp: ElementwiseOp = elementwise({
  name: "erfinv",
  domain: "unit",
  dtype: floatDType("erfinv"),
  partials: [(g, _, y) => mul(g, mul(Math.sqrt(Math.PI) / 2, exp(square(y))))],
  lower: (x) => {
    const y = absolute(x);
    const w = expr.unary("neg", expr.unary("log", times(minus(literal(y, 1), y), plus(y, 1))));
    const inner = polynomial(minus(w, 2.5), nearZero);
    const { centre, coefficients } = x.type === "f64" ? nearOne64 : nearOne32;
    const outer = polynomial(minus(expr.unary("sqrt", w), centre), coefficients);
    const first = times(y, expr.select(less(w, 5), inner, outer));
    const value = x.type === "f64" ? refined(first, y) : first;
    return signed(x, expr.select(equal(y, 1), literal(y, Infinity), value));
  },
});
/**
 * The inverse of the error function: the number whose `erf` is each element; infinite at -1 and 1, NaN beyond.
 *
 * ```ts
 * import { erf, erfinv, item } from "../../mod.ts";
 * console.log((await item(erf(erfinv(0.25)))).toFixed(6)); // 0.250000
 * ```
 *
 * @see M. Giles, "Approximating the erfinv function", 2011, for the variable w
 */
export const erfinv: (x: TensorLike) => Tensor = of(erfinvOp);

export const gudermannianOp: ElementwiseOp = elementwise({
  name: "gudermannian",
  domain: "any",
  dtype: floatDType("gudermannian"),
  partials: [(g, x) => div(g, cosh(saturating(x)))],
  lower: (x) => times(expr.unary("atan", expr.unary("tanh", times(x, 0.5))), 2),
});
/** The Gudermannian function 2 atan(tanh(x / 2)): a sigmoid from -pi/2 to pi/2 with slope 1 at 0. */
export const gudermannian: (x: TensorLike) => Tensor = of(gudermannianOp);

export const isruOp: ElementwiseOp = elementwise({
  name: "isru",
  domain: "any",
  dtype: floatDType("isru"),
  partials: [(g, x) => {
    const y = div(1, hypot(x, 1));
    return mul(g, mul(y, square(y)));
  }],
  lower: (x) => {
    const a = absolute(x);
    const one = literal(x, 1);
    const root = (square: Expr) => expr.unary("sqrt", plus(square, one));
    // Beyond 1 by 1 / x^2, whose square does not overflow.
    const inverse = over(one, a);
    return signed(x, expr.select(less(a, 1), over(a, root(times(a, a))), over(one, root(times(inverse, inverse)))));
  },
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
  lower: (x) => {
    const a = absolute(x);
    return expr.select(equal(a, Infinity), signed(x, literal(x, 1)), over(x, plus(a, 1)));
  },
});
/** x / (1 + |x|): a sigmoid from -1 to 1 with slope 1 at 0 that saturates slowly. */
export const softsign: (x: TensorLike) => Tensor = of(softsignOp);
