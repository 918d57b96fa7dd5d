/**
 * Logarithms of doubles: x = 2^e m with m near 1, log x = e ln 2 + log m.
 *
 * @module
 */
import { called, type Expr, rarely, select } from "../../expr.ts";
import { add, and, div, eq, le, lt, mul, not, or, polynomialByPairs, shr, sub } from "../terms.ts";
import { exponentBias, f64, sum } from "./terms.ts";
import { ln2 } from "./exponential.ts";

/** The bits of a double's fraction. */
const fractionMask = (2 ** 52 - 1) * 2 ** -1074;

/** log(1 + f) = 2 s + s z (2/3 + 2/5 z + ...) with s = f / (2 + f) and z = s^2. */
const tail = [
  0.6666666666666713,
  0.39999999999552477,
  0.2857142871219414,
  0.22222201640621805,
  0.18183406102175728,
  0.15318074165540718,
  0.14755898104908072,
];

/**
 * e ln 2 + log(1 + f) for f from sqrt(1/2) - 1 to sqrt(2) - 1, with what is given `beside` it as a summand; `low` is what it is known to be
 * more.
 */
export function logarithm(e: Expr, f: Expr, { beside, low }: { readonly beside?: Expr; readonly low?: Expr } = {}): Expr {
  const s = div(f, add(f, 2));
  const z = mul(s, s);
  const half = mul(mul(f, 0.5), f);
  const fine = low ? add(mul(e, ln2[1]), low) : mul(e, ln2[1]);
  const small = add(mul(s, add(half, mul(z, polynomialByPairs(z, tail)))), fine);
  const main = mul(e, ln2[0]);
  const [high, rest] = beside ? sum(beside, main) : [main, undefined];
  const below = sub(half, rest ? add(small, rest) : small);
  return add(high, sub(f, below));
}

/** log x + low for a positive normal number. */
function logPlus(x: Expr, low?: Expr): Expr {
  // The bits of the exponent behind those of 2^52 are the exponent, added to it.
  const exponent = sub(or(shr(x, 52), 2 ** 52), 2 ** 52 + exponentBias);
  const fraction = or(and(x, fractionMask), 1);
  const upper = lt(f64(Math.SQRT2), fraction);
  const e = add(exponent, select(upper, f64(1), f64(0)));
  return logarithm(e, sub(select(upper, mul(fraction, 0.5), fraction), 1), { low });
}

/** The natural logarithm. */
export function log(x: Expr): Expr {
  const usual = and(le(f64(2 ** -1022), x), lt(x, Infinity));
  return rarely(not(usual), called("log", x), logPlus(x));
}

/** log(1 + x): the logarithm of the sum as rounded, u, and what the rounding lost, over u. */
export function log1p(x: Expr): Expr {
  const [u, lost] = sum(x, f64(1));
  const usual = and(lt(f64(-1), x), lt(x, Infinity));
  return rarely(not(usual), called("log1p", x), select(eq(x, 0), x, logPlus(u, div(lost, u))));
}
