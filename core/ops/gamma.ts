/**
 * The logarithm of the gamma function and its derivatives.
 *
 * Each is one scalar expression. For small arguments it is a polynomial with the zero of the function as a factor, so that
 * results are right to the last digits near it; for large ones an asymptotic series (J. Stirling's for the logarithm, L.
 * Euler's and C. Maclaurin's for sums). Below zero the functions are reflected (Abramowitz and Stegun, "Handbook of
 * Mathematical Functions", 6.1.17, 6.3.7, 6.4.7): near their zeros there two terms cancel, and the error is small next to the
 * terms, not next to the result. The polynomials are near-minimax fits (Chebyshev series of the exact function in 60 digits).
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import {
  abs as absolute,
  add as plus,
  and as both,
  div as over,
  eq as equal,
  exact,
  le as atMost,
  lt as less,
  mul as times,
  neg as minusOf,
  polynomial,
  sub as minus,
} from "../ir/functions/terms.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { mul } from "./binary.ts";
import { asFloat } from "./cast.ts";
import { apply, elementwise, type ElementwiseOp, floatDType } from "./define.ts";

const { select, rarely, unary } = expr;
const literal = (x: Expr, value: number) => expr.constant(x.type, value);
const round = (x: Expr) => unary("round", x);
const log = (x: Expr) => unary("log", x);

/** x, or below zero 1 - x, by which a function of x is reflected. */
function aboveZero(x: Expr): { readonly reflected: Expr; readonly z: Expr } {
  const reflected = less(x, 0);
  return { reflected, z: select(reflected, minus(literal(x, 1), x), x) };
}

/** Whether x is a whole number, or infinite. */
const isWhole = (x: Expr) => equal(x, round(x));

/** pi x less a multiple of pi. */
const angle = (x: Expr) => times(minus(x, round(x)), Math.PI);

/** The table for the precision of x. */
function fitted(x: Expr, f32: readonly number[], f64: readonly number[]): readonly number[] {
  return x.type === "f64" ? f64 : f32;
}

/** log gamma(x) / ((x - 1) (x - 2)) by x - 25/16 for x in [0.75, 2.5]. */
const betweenZeros32 = [
  0.4742448,
  -0.13844706,
  0.05741338,
  -0.027455777,
  0.014137825,
  -0.007585764,
  0.0042686057,
  -0.0025678526,
  0.0013039127,
  -0.00041535424,
  0.00047292735,
  -0.0006628819,
  0.0002805944,
];
const betweenZeros64 = [
  0.4742448086605885,
  -0.13844715293951287,
  0.057412915220463,
  -0.02745242545338248,
  0.014145195456610585,
  -0.007622480362997003,
  0.00422971572684384,
  -0.002395533005355741,
  0.0013772202018357787,
  -0.000800902190653307,
  0.0004699917411454303,
  -0.00027783612725266517,
  0.00016522309660416983,
  -9.878930657510325e-5,
  5.946936158486108e-5,
  -3.583686384343926e-5,
  2.1174632052543127e-5,
  -1.2831952120039575e-5,
  9.068872187436278e-6,
  -5.728732621448105e-6,
  1.2783461084890758e-6,
  -1.9111250740755177e-7,
  2.8193938568082416e-6,
  -2.715299478090492e-6,
  -4.836851051116276e-7,
  1.2679884142676007e-6,
  2.3299719541140446e-7,
  -6.79071237270425e-7,
  2.0586182956706684e-7,
];

/** From here on Stirling's series: x (log gamma x - (x - 1/2) log x + x - log(2 pi) / 2) by 1 / x^2. */
const far = 4.5;
const stirling32 = [0.08333333, -0.0027770398, 0.0007527789];
const stirling64 = [
  0.08333333333333333,
  -0.0027777777777766954,
  0.00079365079290945,
  -0.0005952378969664105,
  0.0008417236390812152,
  -0.0019153491877189083,
  0.006301297216553957,
  -0.02601177340846863,
  0.10313371742926537,
  -0.24625516288717209,
];

/** log |gamma x|: infinite at 0 and the negative integers, its poles. */
function logGamma(x: Expr): Expr {
  const { reflected, z } = aboveZero(x);
  // gamma(z) = product * gamma(w) with w = z - steps in [0.75, 2.5], or below 0.75 gamma(w) / product.
  const steps = [[0.75, -1], [2.5, 0], [3.5, 1]].reduceRight(
    (rest, [end, n]) => select(less(z, end), literal(z, n), rest),
    literal(z, 2),
  );
  const products = [literal(z, 1), minus(z, 1), times(minus(z, 1), minus(z, 2))];
  const product = products.reduceRight((rest, each, n) => select(equal(steps, n), each, rest), z);
  const l = log(select(less(z, far), product, z));
  const w1 = minus(z, plus(steps, 1));
  const between = times(times(w1, minus(w1, 1)), polynomial(minus(w1, 9 / 16), fitted(x, betweenZeros32, betweenZeros64)));
  const near = plus(between, select(less(steps, 0), minusOf(l), l));
  const u = over(literal(z, 1), z);
  const rest = plus(times(u, polynomial(times(u, u), fitted(x, stirling32, stirling64))), Math.log(2 * Math.PI) / 2 - 0.5);
  const value = select(less(z, far), near, plus(times(minus(z, 0.5), minus(l, 1)), rest));
  // |gamma(x) gamma(1 - x)| = pi / |sin(pi x)|.
  const sine = absolute(unary("sin", angle(x)));
  const below = minus(minusOf(log(times(sine, 1 / Math.PI))), value);
  return rarely(reflected, select(isWhole(x), literal(x, Infinity), below), value);
}

export const lgammaOp: ElementwiseOp = elementwise({
  name: "lgamma",
  domain: "positive",
  dtype: floatDType("lgamma"),
  partials: [(g, x) => mul(g, digamma(x))],
  lower: logGamma,
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

/** The zero of digamma above 0 in two parts: an argument near it less the first is exact. */
const zero32 = [1.4616321325302124, 1.243814993891891e-8] as const;
const zero64 = [1.4616321449683622, 9.549995429965698e-17] as const;

/** digamma(zero + d) / d between 1 and 2. */
const nearZero32 = [
  0.9676722,
  -0.44276324,
  0.25849923,
  -0.16393736,
  0.10784248,
  -0.072326876,
  0.048598293,
  -0.0319137,
  0.023312157,
  -0.020697597,
  0.011232875,
];
const nearZero64 = [
  0.9676722454476212,
  -0.44276316898359147,
  0.25849976095565,
  -0.16394270544260395,
  0.1078240506914942,
  -0.07219956123771354,
  0.048804288142654896,
  -0.03316112728907245,
  0.022597649221691628,
  -0.015424746533121763,
  0.010538765966932285,
  -0.007204809414841358,
  0.004927182459119115,
  -0.003367389189650762,
  0.002301218251101084,
  -0.0015899067806791612,
  0.001102574111473064,
  -0.0006982515731698668,
  0.0004184622679531892,
  -0.00039918991493402496,
  0.00040362996421933515,
  -0.00017837342400462423,
];

/** x^2 (log x - 1 / (2 x) - digamma x) by 1 / x^2 from 2 on. */
const belowLog32 = [0.08333333, -0.008331662, 0.0039093294, -0.003382569, 0.0024313906];
const belowLog64 = [
  0.08333333333333329,
  -0.008333333333213365,
  0.0039682539191525775,
  -0.004166658607197026,
  0.007575049062108468,
  -0.021054092060816425,
  0.08189112846363136,
  -0.4040035928324655,
  2.2253428296783424,
  -12.014783159838057,
  57.427976109599356,
  -226.34914930494998,
  697.0720857646953,
  -1591.6199010327016,
  2515.5283340889673,
  -2445.478834913569,
  1098.5517618384063,
];

/** The logarithmic derivative of gamma. */
function logSlope(x: Expr): Expr {
  const { reflected, z } = aboveZero(x);
  const u = over(literal(z, 1), z);
  // Between 0 and 1 digamma z = digamma(z + 1) - 1 / z.
  const small = less(z, 1);
  const [zero, missing] = x.type === "f64" ? zero64 : zero32;
  const d = minus(exact(minus(z, select(small, literal(z, zero - 1), literal(z, zero)))), missing);
  const near = minus(times(d, polynomial(d, fitted(x, nearZero32, nearZero64))), select(small, u, literal(z, 0)));
  const square = times(u, u);
  const correction = plus(times(u, 0.5), times(square, polynomial(square, fitted(x, belowLog32, belowLog64))));
  const value = select(less(z, 2), near, minus(log(z), correction));
  const below = minus(value, over(literal(x, Math.PI), unary("tan", angle(x))));
  return rarely(reflected, select(isWhole(x), literal(x, NaN), below), value);
}

export const digammaOp: ElementwiseOp = elementwise({
  name: "digamma",
  domain: "positive",
  dtype: floatDType("digamma"),
  partials: [(g, x) => mul(g, polygamma(x, 1))],
  lower: logSlope,
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
 * @param order A whole number of at least 0.
 * @throws {RangeError} If the order is not such a number.
 */
export function polygamma(x: TensorLike, order: number): Tensor {
  if (!Number.isInteger(order) || order < 0) {
    throw new RangeError(`Cannot take polygamma of order ${order}: it must be a whole number of at least 0`);
  }
  return order === 0 ? digamma(x) : apply(polygammaOp, [asFloat(x)], { order });
}
