/**
 * The logarithm of the gamma function and its derivatives. The first two are functions of the scalar language; those of higher order
 * are expressions here, sums by L. Euler's and C. Maclaurin's formula, reflected below zero (Abramowitz and Stegun, "Handbook of
 * Mathematical Functions", 6.4.7): near their zeros there two terms cancel, and the error is small next to the terms, not next to
 * the result.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import {
  add as plus,
  and as both,
  div as over,
  eq as equal,
  le as atMost,
  lt as less,
  mul as times,
  neg as minusOf,
  polynomial,
  sub as minus,
} from "../ir/functions/terms.ts";
import { integer } from "../ranges.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { mul } from "./arithmetic.ts";
import { asFloat } from "./cast.ts";
import { apply, elementwise, type ElementwiseOp, floatDType } from "./define.ts";

const { select, rarely, unary } = expr;
const literal = (x: Expr, value: number) => expr.constant(x.type, value);
const round = (x: Expr) => unary("round", x);

/** x, or below zero 1 - x, by which a function of x is reflected. */
function aboveZero(x: Expr): { readonly reflected: Expr; readonly z: Expr } {
  const reflected = less(x, 0);
  return { reflected, z: select(reflected, minus(literal(x, 1), x), x) };
}

/** Whether x is a whole number, or infinite. */
const isWhole = (x: Expr) => equal(x, round(x));

/** pi x less a multiple of pi. */
const angle = (x: Expr) => times(minus(x, round(x)), Math.PI);

export const lgammaOp: ElementwiseOp = elementwise({
  name: "lgamma",
  domain: "positive",
  dtype: floatDType("lgamma"),
  partials: [(g, x) => mul(g, digamma(x))],
  lower: (x) => unary("lgamma", x),
});
/**
 * The logarithm of the absolute value of the gamma function of each element; infinite at 0 and the negative integers.
 *
 * ```ts
 * import { item, lgamma } from "../../mod.ts";
 * console.log((await item(lgamma(5))).toFixed(6)); // 3.178054
 * ```
 */
export function lgamma(x: TensorLike): Tensor {
  return apply(lgammaOp, [asFloat(x)], undefined);
}

export const digammaOp: ElementwiseOp = elementwise({
  name: "digamma",
  domain: "positive",
  dtype: floatDType("digamma"),
  partials: [(g, x) => mul(g, polygamma(x, 1))],
  lower: (x) => unary("digamma", x),
});
/**
 * The derivative of `lgamma` at each element; -infinity at 0 (infinity at -0), NaN at the negative integers, where the two
 * sides differ.
 *
 * ```ts
 * import { digamma, item } from "../../mod.ts";
 * console.log((await item(digamma(1))).toFixed(6)); // -0.577216
 * ```
 */
export function digamma(x: TensorLike): Tensor {
  return apply(digammaOp, [asFloat(x)], undefined);
}

/** B(2), B(4), ...: how a sum differs from its integral. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798] as const;

/** C(n + k, k). */
function choices(n: number, k: number): number {
  return Array.from({ length: k }, (_, i) => (n + i + 1) / (i + 1)).reduce((product, factor) => product * factor, 1);
}

/**
 * How the sum of 1 / (x + k)^(order + 1) is split: so many terms come one by one, the rest by its integral and corrections, of
 * which the first left out is below the precision of the type.
 */
function summation(order: number, type: Expr["type"]): { readonly terms: number; readonly corrections: readonly number[] } {
  const corrections = bernoulli.map((b, k) => b * choices(order - 1, 2 * k + 2));
  const [count, precision] = type === "f64" ? [8, 2 ** -56] : [4, 2 ** -27];
  const terms = Math.ceil((Math.abs(corrections[count]) / precision) ** (1 / (2 * count + 2)));
  return { terms, corrections: corrections.slice(0, count) };
}

/** Coefficients by c of the n-th derivative of pi cot(pi x), c = cot(pi x), whose own derivative is -pi (1 + c^2). */
function cotangentDerivative(n: number): readonly number[] {
  let p = [0, Math.PI];
  for (let i = 0; i < n; i++) {
    const slope = p.map((c, k) => c * k).slice(1);
    p = [...slope, 0, 0].map((c, k) => -Math.PI * (c + (slope[k - 2] ?? 0)));
  }
  return p;
}

/** A derivative of digamma: (-1)^(order + 1) order! times the sum of 1 / (x + k)^(order + 1) over k from 0; order from 1 on. */
function logSlopeDerivative(x: Expr, order: number): Expr {
  const { reflected, z } = aboveZero(x);
  const { terms, corrections } = summation(order, x.type);
  const one = literal(z, 1);
  // y^order / (order - 1)!, factor by factor: either part may overflow alone.
  const power = (y: Expr) => Array.from({ length: order - 1 }, (_, j) => over(y, j + 1)).reduce((p, each) => times(p, each), y);
  const term = (y: Expr) => over(over(one, power(y)), over(y, order));
  const near = less(z, terms);
  const first = Array.from({ length: terms }, (_, k) => term(plus(z, k))).reduceRight((sum, each) => plus(sum, each));
  const from = select(near, plus(z, terms), z);
  const integral = over(one, power(from));
  const u = over(one, from);
  const square = times(u, u);
  const correction = plus(times(u, order / 2), times(square, polynomial(square, corrections)));
  const rest = plus(integral, times(integral, correction));
  const sum = select(near, plus(rest, first), rest);
  const signed = (value: Expr) => order % 2 === 0 ? minusOf(value) : value;
  // (-1)^order polygamma(1 - x) is -sum; from it goes the derivative of pi cot(pi x).
  const below = minus(minusOf(sum), polynomial(over(one, unary("tan", angle(x))), cotangentDerivative(order)));
  const pole = both(atMost(x, 0), isWhole(x));
  return select(pole, signed(literal(x, Infinity)), rarely(reflected, below, signed(sum)));
}

export const polygammaOp: Op<{ readonly order: number }> = {
  name: "polygamma",
  shape: ([x]) => x,
  dtype: floatDType("polygamma"),
  vjp: (g, [x], _, { order }) => [mul(g, polygamma(x, order + 1))],
  jvp: ([t], [x], _, { order }) => [t && mul(t, polygamma(x, order + 1))],
  lower: { kind: "elementwise", expr: ([x], { order }) => logSlopeDerivative(x, order) },
};
/** Orders beyond give no finite values, and expressions as long as they are large. */
const mostOrder = 200;

/**
 * The derivative of `digamma` of some order at each element: order 0 is digamma itself, order 1 the trigamma function. From
 * order 1 on 0 and the negative integers give infinity where the order is odd, and -infinity, the limit from above, where it is
 * even. Below zero f32 holds the intermediate results up to order 24, f64 up to 130; beyond, NaN may result.
 *
 * ```ts
 * import { item, polygamma } from "../../mod.ts";
 * console.log((await item(polygamma(1, 1))).toFixed(6)); // 1.644934
 * ```
 *
 * @param order A whole number from 0 to 200: beyond, (order)! is infinite.
 * @throws {RangeError} If the order is not such a number.
 */
export function polygamma(x: TensorLike, order: number): Tensor {
  integer(order, "The order of polygamma", 0, mostOrder);
  return order === 0 ? digamma(x) : apply(polygammaOp, [asFloat(x)], { order });
}
