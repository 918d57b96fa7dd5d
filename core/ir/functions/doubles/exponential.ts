/**
 * The exponential function of doubles and those made of it: e^x = 2^n (1 + p) with p = e^r - 1 and |r| <= ln 2 / 2. What is made of it is a
 * quotient of pairs of doubles, rounded once.
 *
 * @module
 */
import { called, type Expr, rarely } from "../../expr.ts";
import { abs, add, clamp, div, exact, le, min, mul, polynomialByPairs, sub } from "../terms.ts";
import { exponentBias, f64, joined, nearest, type Pair, powerOfWord, product, scaled, signOf, sum, withSign } from "./terms.ts";

/** ln 2 in two parts, the first of 32 bits. */
export const ln2: readonly [high: number, low: number] = [0.6931471803691238, 1.9082149292705877e-10];

/** e^r = 1 + r + r^2 / 2 + r^3 (1/6 + ...), in which the error is one of r. */
const tail = [
  0.16666666666666677,
  0.04166666666666669,
  0.008333333333321698,
  0.001388888888887019,
  0.000198412698859781,
  2.4801587356039838e-5,
  2.7557244344236584e-6,
  2.755724562868588e-7,
  2.510899324723169e-8,
  2.0923747380369183e-9,
];

/** x less the nearest multiple n of ln 2, with what its rounding lost; `power` is 2^n where that is a normal number. */
function remainder(x: Expr): { readonly n: Expr; readonly power: Expr; readonly r: Expr; readonly lost: Expr } {
  const { value: n, word } = nearest(mul(x, Math.LOG2E), exponentBias);
  const [r, lost] = joined(exact(sub(x, mul(n, ln2[0]))), exact(mul(n, -ln2[1])));
  return { n, power: powerOfWord(word), r, lost };
}

/** The parts of e^x. */
function parts(x: Expr): { readonly n: Expr; readonly power: Expr; readonly p: Expr } {
  const { n, power, r, lost } = remainder(x);
  return { n, power, p: add(add(mul(mul(r, r), polynomialByPairs(r, [0.5, ...tail])), lost), r) };
}

/** The same with p as a pair. */
export function precisely(x: Expr): { readonly power: Expr; readonly p: Pair } {
  const { power, r, lost } = remainder(x);
  const [square, squareLost] = product(r, r);
  const [p, pLost] = joined(r, mul(square, 0.5));
  const series = mul(mul(r, square), polynomialByPairs(r, tail));
  return { power, p: joined(p, add(pLost, add(series, add(add(mul(lost, r), lost), mul(squareLost, 0.5))))) };
}

/** Below this |x| the power of 2 in that of e is a normal number. */
const usualExponent = 708;

/** e^x: 2^n p + 2^n, rounded once. */
export function exp(x: Expr): Expr {
  const { power, p } = parts(x);
  const far = parts(clamp(x, -746, 710));
  return rarely(le(f64(usualExponent), abs(x)), scaled(add(far.p, 1), far.n), add(mul(power, p), power));
}

/** e^x - 1 = (2^n - 1) + 2^n p for x up to 700. */
function expm1Pair(x: Expr): Pair {
  const { power, p: [p, pLost] } = precisely(x);
  const [less, lessLost] = joined(power, f64(-1));
  const [e, lost] = sum(less, mul(power, p));
  return joined(e, add(add(lost, lessLost), mul(power, pLost)));
}

/** e^x - 1. */
export function expm1(x: Expr): Expr {
  const [e] = expm1Pair(clamp(x, -50, 700));
  return rarely(le(f64(700), x), called("expm1", x), withSign(abs(e), signOf(x)));
}

/** Of two pairs, rounded once. */
export function quotient([over, overLost]: Pair, [under, underLost]: Pair): Expr {
  const q = exact(div(over, under));
  const [whole, wholeLost] = product(q, under);
  const rest = sub(add(sub(exact(sub(over, whole)), wholeLost), overLost), mul(q, underLost));
  return add(div(rest, under), q);
}

/** e / (e + 2) with e = e^(2 |x|) - 1. */
export function tanh(x: Expr): Expr {
  const a = min(abs(x), 22);
  const [e, lost] = expm1Pair(add(a, a));
  const [under, underLost] = sum(e, f64(2));
  return withSign(quotient([e, lost], [under, add(underLost, lost)]), signOf(x));
}
