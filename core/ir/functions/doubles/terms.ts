/**
 * The words in which functions of doubles are written, beside those of `../terms.ts`.
 *
 * @module
 */
import { constant, type Expr } from "../../expr.ts";
import { add, and, exact, mul, shl, shr, sub, xor } from "../terms.ts";

export const f64 = (value: number): Expr => constant("f64", value);

/** Two doubles that stand for their sum. */
export type Pair = readonly [high: Expr, low: Expr];

/** The sign bit of x, the rest 0. */
export const signOf = (x: Expr): Expr => and(x, -0);

/** `magnitude` with its sign flipped by a sign bit. */
export const withSign = (magnitude: Expr, sign: Expr): Expr => xor(magnitude, sign);

/** 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits. */
const rounder = 2 ** 52 + 2 ** 51;

/** The nearest integer, and a double whose lower bits are those of it plus a small `bias`; |x| below 2^50. */
export function nearest(x: Expr, bias = 0): { readonly value: Expr; readonly word: Expr } {
  const word = exact(add(x, rounder + bias));
  return { value: sub(word, rounder + bias), word };
}

/** What the exponent of a double is more than that of its power of two. */
export const exponentBias = 1023;

/** 2^n, a normal number, by a word whose lowest bits are n + 1023. */
export const powerOfWord = (word: Expr): Expr => shl(word, 52);

/** x * 2^n, for a whole n, where the power alone may not be representable. */
export function scaled(x: Expr, n: Expr): Expr {
  const half = nearest(mul(n, 0.5), exponentBias);
  const rest = nearest(sub(n, half.value), exponentBias);
  return mul(mul(x, powerOfWord(half.word)), powerOfWord(rest.word));
}

/** x + y, with what its rounding lost. */
export function sum(x: Expr, y: Expr): Pair {
  const s = exact(add(x, y));
  const z = exact(sub(s, x));
  return [s, add(exact(sub(x, exact(sub(s, z)))), exact(sub(y, z)))];
}

/** The same where |x| is not below |y|. */
export function joined(x: Expr, y: Expr): Pair {
  const s = exact(add(x, y));
  return [s, exact(sub(y, exact(sub(s, x))))];
}

/** The upper 26 bits of a number, and the rest: products of these are exact. */
function split(x: Expr): Pair {
  const high = shl(shr(x, 27), 27);
  return [high, sub(x, high)];
}

/** x y, with what its rounding lost. */
export function product(x: Expr, y: Expr): Pair {
  const p = exact(mul(x, y));
  const [[xh, xl], [yh, yl]] = [split(x), split(y)];
  const lost = add(sub(mul(xh, yh), p), mul(xh, yl));
  return [p, add(add(lost, mul(xl, yh)), mul(xl, yl))];
}
