/**
 * The logarithm of the gamma function and its derivative.
 *
 * For small arguments they are polynomials with the zero of the function as a factor, so that results are right to the last digits
 * near it; for large ones asymptotic series (J. Stirling's for the logarithm, L. Euler's and C. Maclaurin's for sums). Below zero
 * they are reflected (Abramowitz and Stegun, "Handbook of Mathematical Functions", 6.1.17, 6.3.7): near their zeros there two terms
 * cancel, and the error is small next to the terms, not next to the result.
 *
 * @module
 */
import { type Expr, rarely, select, unary } from "../expr.ts";
import { log, logParts } from "./logarithm.ts";
import { abs, add, and, div, eq, exact, f32, isNaN, lt, mul, ne, neg, polynomial, split, sub } from "./terms.ts";

/** x, or below zero 1 - x, by which a function of x is reflected. */
function aboveZero(x: Expr): { readonly reflected: Expr; readonly z: Expr } {
  const reflected = lt(x, 0);
  return { reflected, z: select(reflected, exact(sub(f32(1), x)), x) };
}

const round = (x: Expr) => unary("round", x);

/** Whether x is a whole number, or infinite. */
const isWhole = (x: Expr) => eq(x, round(x));

/** x less the nearest whole number. */
const fraction = (x: Expr) => sub(x, round(x));

/** sin(pi d) / pi for |d| up to 1/2, by d^2. */
function sineOfTurn(d: Expr): Expr {
  const z = mul(d, d);
  return add(mul(mul(d, z), polynomial(z, [-1.6449333, 0.81171584, -0.19044323, 0.024715936])), d);
}

/** 1 / d - pi / tan(pi d) for |d| up to 1/2, over d, by d^2. */
const belowReciprocal = [3.289868, 2.164638, 2.0354297, 1.988584, 2.2290282, 0.7271965, 5.1979837];

/** log gamma(x) / ((x - 1) (x - 2)) by x - 25/16 for x in [0.75, 2.5]. */
const betweenZeros = [
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

/** From here on Stirling's series: x (log gamma x - (x - 1/2) log x + x - log(2 pi) / 2) by 1 / x^2. */
const far = 4.5;
const stirling = [0.08333333, -0.0027770398, 0.0007527789];

/** From here on the result is no float. */
const overflow = 4.085003425410169e36;

/** log |gamma x|: infinite at 0 and the negative integers, its poles. */
export function lgamma(x: Expr): Expr {
  const { reflected, z } = aboveZero(x);
  // gamma(z) = product * gamma(w) with w = z - steps in [0.75, 2.5], or below 0.75 gamma(w) / product.
  const steps = [[0.75, -1], [2.5, 0], [3.5, 1]].reduceRight((rest, [end, n]) => select(lt(z, end), f32(n), rest), f32(2));
  const products = [f32(1), sub(z, 1), mul(sub(z, 1), sub(z, 2))];
  const product = products.reduceRight((rest, each, n) => select(eq(steps, n), each, rest), z);
  const isNear = lt(z, far);
  const [lHigh, lLow] = logParts(select(isNear, product, z));
  const w1 = sub(z, add(steps, 1));
  const w2 = exact(sub(w1, 1));
  const w2Lost = sub(exact(sub(w1, w2)), 1);
  const t = sub(w1, 9 / 16);
  const varying = exact(mul(t, polynomial(t, betweenZeros.slice(1))));
  const slope = exact(sub(lHigh, 1));
  // Near a product of w1 w2 and a polynomial, far one of z and log z - 1, both factors in two parts, so that it rounds once.
  const zeros = exact(mul(w1, w2));
  const second = exact(select(isNear, add(varying, betweenZeros[0]), add(slope, lLow)));
  const [firstHigh] = split(select(isNear, zeros, z));
  const [w1High, w1Low] = split(w1);
  const [w2High, w2Low] = split(w2);
  const zerosRest = [mul(w1High, w2Low), mul(w1Low, w2), mul(w1, w2Lost)]
    .reduce<Expr>((sum, part) => add(sum, part), exact(sub(mul(w1High, w2High), firstHigh)));
  const firstLow = select(isNear, zerosRest, sub(z, firstHigh));
  const [secondHigh] = split(second);
  const secondLow = add(exact(sub(select(isNear, f32(betweenZeros[0]), slope), secondHigh)), select(isNear, varying, lLow));
  const u = div(f32(1), z);
  const rest = add(mul(u, polynomial(mul(u, u), stirling)), sub(f32(Math.log(2 * Math.PI) / 2), mul(add(lHigh, lLow), 0.5)));
  // The logarithm of the product is larger than the rest, or 0.
  const side = select(lt(steps, 0), f32(-1), f32(1));
  const factorsHigh = exact(mul(firstHigh, secondHigh));
  const factorsLow = add(mul(firstHigh, secondLow), mul(firstLow, second));
  const added = select(isNear, mul(side, lHigh), f32(0));
  const sum = exact(add(factorsHigh, added));
  const lost = sub(factorsHigh, exact(sub(sum, added)));
  const finite = add(sum, add(add(factorsLow, lost), select(isNear, mul(side, lLow), rest)));
  const value = select(and(ne(z, 0), lt(z, overflow)), finite, select(isNaN(z), z, f32(Infinity)));
  // |gamma(x) gamma(1 - x)| = pi / |sin(pi x)|.
  // What the rounding of 1 - x lost, times the derivative: about log z.
  const change = mul(sub(exact(sub(f32(1), z)), x), select(isNear, f32(1), lHigh));
  const below = sub(sub(neg(log(abs(sineOfTurn(fraction(x))))), change), value);
  return rarely(reflected, select(isWhole(x), f32(Infinity), below), value);
}

/** The zero of digamma above 0 in two parts: an argument near it less the first is exact. */
const zero = [1.4616321325302124, 1.243814993891891e-8] as const;

/** digamma(zero + d) / d between 1 and 2. */
const nearZero = [
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

/** x^2 (log x - 1 / (2 x) - digamma x) by 1 / x^2 from 2 on. */
const belowLog = [0.08333333, -0.008331662, 0.0039093294, -0.003382569, 0.0024313906];

/** What the rounding of a reciprocal u of z lost; of very large ones nothing. */
function lostOf(u: Expr, z: Expr): Expr {
  const [uHigh, uLow] = split(u);
  const [zHigh, zLow] = split(z);
  const rest = sub(sub(exact(sub(f32(1), mul(uHigh, zHigh))), mul(uHigh, zLow)), mul(uLow, z));
  return select(lt(abs(u), 2 ** 60), mul(rest, u), f32(0));
}

/** The logarithmic derivative of gamma: at 0 -infinity, at -0 infinity, NaN at the negative integers. */
export function digamma(x: Expr): Expr {
  const { reflected, z } = aboveZero(x);
  const u = div(f32(1), z);
  // Between 0 and 1 digamma z = digamma(z + 1) - 1 / z.
  const small = lt(z, 1);
  // The factors of the product are in two parts, so that it rounds once.
  const [dHigh, dRest] = split(exact(sub(z, select(small, f32(zero[0] - 1), f32(zero[0])))));
  const dLow = sub(dRest, zero[1]);
  const d = add(dHigh, dLow);
  const varying = exact(mul(d, polynomial(d, nearZero.slice(1))));
  const factor = exact(add(varying, nearZero[0]));
  const [factorHigh] = split(factor);
  const factorLow = add(exact(sub(f32(nearZero[0]), factorHigh)), varying);
  const product = add(exact(mul(dHigh, factorHigh)), add(mul(dHigh, factorLow), mul(dLow, factor)));
  const near = select(small, sub(sub(product, lostOf(u, z)), u), product);
  const square = mul(u, u);
  const correction = add(mul(u, 0.5), mul(square, polynomial(square, belowLog)));
  const [lHigh, lLow] = logParts(z);
  const large = select(lt(z, Infinity), add(lHigh, sub(lLow, correction)), z);
  const value = select(lt(z, 2), near, large);
  const turn = fraction(x);
  const pole = div(f32(1), turn);
  const rest = add(sub(mul(turn, polynomial(mul(turn, turn), belowReciprocal)), lostOf(pole, turn)), value);
  const below = sub(rest, pole);
  return rarely(reflected, select(isWhole(x), f32(NaN), below), value);
}
