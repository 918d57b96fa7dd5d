/**
 * Logarithms: x = 2^e m with m near 1, log x = e ln 2 + log m.
 *
 * @module
 */
import { cast, type Expr, select } from "../expr.ts";
import { add, bits, div, eq, exact, f32, float, gt, ln2, lt, mul, polynomialByPairs, shl, shr, split, sub } from "./terms.ts";

/** The bits of sqrt(1/2). */
const rootOfHalf = 0x3f3504f3;

/** x = 2^e m for positive x, m in [least, 2 least), `least` given by its bits; subnormal numbers are scaled first. */
export function exponentAndFraction(x: Expr, least = rootOfHalf): { readonly e: Expr; readonly m: Expr } {
  const subnormal = lt(x, 2 ** -126);
  const word = bits(select(subnormal, mul(x, 2 ** 23), x));
  const e = shr(sub(word, least), 23);
  const m = float(sub(word, shl(e, 23)));
  return { e: sub(cast("f32", e), select(subnormal, f32(23), f32(0))), m };
}

/** log m = f - f^2 / 2 + f^3 tail(f) with f = m - 1. */
const tail = (f: Expr) =>
  polynomialByPairs(f, [
    0.3333333,
    -0.2500082,
    0.20001237,
    -0.16623399,
    0.14201711,
    -0.13159914,
    0.12761302,
    -0.076342635,
  ]);

/** `value` where x is positive and finite, and what the logarithms have in common elsewhere. */
function withEnds(x: Expr, value: Expr): Expr {
  const outside = select(eq(x, 0), f32(-Infinity), f32(NaN));
  return select(gt(x, 0), select(lt(x, Infinity), value, x), outside);
}

/** log x + correction, which is small. */
function logPlus(x: Expr, correction?: Expr): Expr {
  const { e, m } = exponentAndFraction(x);
  const f = sub(m, 1);
  const square = mul(f, f);
  const fine = correction ? add(mul(e, ln2[1]), correction) : mul(e, ln2[1]);
  const small = add(fine, mul(mul(f, square), tail(f)));
  return withEnds(x, add(mul(e, ln2[0]), add(f, sub(small, mul(square, 0.5)))));
}

/** The natural logarithm. */
export const log = (x: Expr): Expr => logPlus(x);

/** log x in two parts of which only the second is rounded, for positive finite x. */
export function logParts(x: Expr): readonly [high: Expr, low: Expr] {
  const { e, m } = exponentAndFraction(x);
  const f = sub(m, 1);
  const square = mul(f, f);
  const main = mul(e, ln2[0]);
  const high = exact(add(main, f));
  const lost = sub(f, exact(sub(high, main)));
  const small = add(mul(e, ln2[1]), mul(mul(f, square), tail(f)));
  return [high, add(lost, sub(small, mul(square, 0.5)))];
}

/** log(1 + x + low), for a small `low`: the logarithm of the sum as rounded, u, and what the rounding lost, over u. */
export function log1p(x: Expr, low?: Expr): Expr {
  const u = exact(add(x, 1));
  const lost = sub(x, exact(sub(u, 1)));
  return select(eq(x, 0), x, logPlus(u, div(low ? add(lost, low) : lost, u)));
}

/**
 * log m / log b with log m in two parts, the first of 12 bits, as is that of 1 / log b: the product of both is exact. A whole e is
 * added to it last, so that logarithms of powers of two are exact.
 *
 * @see FreeBSD's e_log2f.c, for the two parts
 */
function dividedLogarithm(
  x: Expr,
  scale: readonly [high: number, low: number],
  whole: (e: Expr) => readonly [Expr, Expr?],
): Expr {
  const { e, m } = exponentAndFraction(x);
  const f = sub(m, 1);
  const half = mul(mul(f, f), 0.5);
  const [high] = split(exact(sub(f, half)));
  const low = add(exact(sub(exact(sub(f, high)), half)), mul(mul(f, mul(f, f)), tail(f)));
  const [main, rest] = whole(e);
  const fine = add(mul(add(low, high), scale[1]), mul(low, scale[0]));
  const small = rest ? add(fine, rest) : fine;
  // main is 0 or at least as large as the product.
  const product = mul(high, scale[0]);
  const sum = exact(add(main, product));
  const lost = exact(sub(product, exact(sub(sum, main))));
  return withEnds(x, add(sum, add(small, lost)));
}

/** 1 / ln 2 in two parts, the first of 12 bits. */
const log2OfE = [1.4423828125, 0.00031222838896340733] as const;
/** The same of 1 / ln 10; log10 of 2, the first part of 15 bits. */
const log10OfE = [0.4342041015625, 9.038034075182765e-05] as const;
const log10Of2 = [0.301025390625, 4.605038981195214e-06] as const;

/** The logarithm to base 2. */
export const log2 = (x: Expr): Expr => dividedLogarithm(x, log2OfE, (e) => [e]);

/** The logarithm to base 10. */
export const log10 = (x: Expr): Expr => dividedLogarithm(x, log10OfE, (e) => [mul(e, log10Of2[0]), mul(e, log10Of2[1])]);
