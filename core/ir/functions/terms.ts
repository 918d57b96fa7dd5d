/**
 * The words in which the functions of this folder are written: arithmetic on scalar expressions, and steps that several functions
 * share.
 *
 * @module
 */
import { binary, bitcast, constant, type Expr, unary } from "../expr.ts";

export const f32 = (value: number): Expr => constant("f32", value);
export const i32 = (value: number): Expr => constant("i32", value);
export const u32 = (value: number): Expr => constant("u32", value);
export const add = (x: Expr, y: Expr | number): Expr => binary("add", x, y);
export const sub = (x: Expr, y: Expr | number): Expr => binary("sub", x, y);
export const mul = (x: Expr, y: Expr | number): Expr => binary("mul", x, y);
export const div = (x: Expr, y: Expr | number): Expr => binary("div", x, y);
export const and = (x: Expr, y: Expr | number): Expr => binary("and", x, y);
export const or = (x: Expr, y: Expr | number): Expr => binary("or", x, y);
export const xor = (x: Expr, y: Expr | number): Expr => binary("xor", x, y);
export const shl = (x: Expr, y: Expr | number): Expr => binary("shl", x, y);
export const shr = (x: Expr, y: Expr | number): Expr => binary("shr", x, y);
export const lt = (x: Expr, y: Expr | number): Expr => binary("lt", x, y);
export const le = (x: Expr, y: Expr | number): Expr => binary("le", x, y);
export const gt = (x: Expr, y: Expr | number): Expr => lt(typeof y === "number" ? constant(x.type, y) : y, x);
export const eq = (x: Expr, y: Expr | number): Expr => binary("eq", x, y);
export const ne = (x: Expr, y: Expr | number): Expr => binary("ne", x, y);
export const min = (x: Expr, y: Expr | number): Expr => binary("min", x, y);
export const max = (x: Expr, y: Expr | number): Expr => binary("max", x, y);
export const abs = (x: Expr): Expr => unary("abs", x);
export const neg = (x: Expr): Expr => unary("neg", x);
export const trunc = (x: Expr): Expr => unary("trunc", x);
export const sqrt = (x: Expr): Expr => unary("sqrt", x);
export const not = (x: Expr): Expr => unary("not", x);
export const isNaN = (x: Expr): Expr => unary("isNaN", x);

/** x, rounded here: what is done with it must not be merged with what it comes from, as if floats were real numbers. */
export const exact = (x: Expr): Expr => unary("exact", x);

/** The bits of an f32 as i32, and back. */
export const bits = (x: Expr): Expr => bitcast("i32", x);
export const float = (x: Expr): Expr => bitcast("f32", x);

export const clamp = (x: Expr, low: number, high: number): Expr => max(min(x, high), low);

/** c0 + c1 x + c2 x^2 + ... */
export function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  return horner(x, coefficients.map((c) => constant(x.type, c)));
}

/** The same by pairs of terms, which do not wait for each other: shorter for many terms. */
export function polynomialByPairs(x: Expr, coefficients: readonly number[]): Expr {
  const pairs = coefficients.flatMap((_, i) => i % 2 === 0 ? [polynomial(x, coefficients.slice(i, i + 2))] : []);
  return horner(mul(x, x), pairs);
}

const horner = (x: Expr, terms: readonly Expr[]): Expr => terms.reduceRight((sum, term) => add(mul(sum, x), term));

/** The sign bit of an i32. */
export const signBit = -(2 ** 31);

/** The sign bit of x, the rest 0. */
export const signOf = (x: Expr): Expr => and(bits(x), signBit);

/** `magnitude` with its sign flipped by a sign bit. */
export const withSign = (magnitude: Expr, sign: Expr): Expr => float(xor(bits(magnitude), sign));

/**
 * Whether |x| is at least a limit, or x is NaN: the sign of an integer, which costs less than to compare floats. Adding to the bits carries into
 * the sign from the limit on; the sign of x itself is taken off again.
 */
export function isBeyond(x: Expr, limit: number): Expr {
  const [limitBits] = new Int32Array(Float32Array.of(limit).buffer);
  return lt(xor(add(bits(x), signBit - limitBits | 0), bits(x)), 0);
}

/** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
const rounder = 12582912;

/** The nearest integer as f32 and i32, and a word whose lower 22 bits are those of it plus a small `bias`; |x| below 2^21. */
export function nearest(x: Expr, bias = 0): { readonly value: Expr; readonly integer: Expr; readonly word: Expr } {
  const shifted = exact(add(x, rounder + bias));
  const word = bits(shifted);
  return { value: sub(shifted, rounder + bias), integer: sub(word, 0x4b400000 + bias), word };
}

/** x - n * (the sum of the parts), where all products but the last are exact. */
export function reduced(x: Expr, n: Expr, parts: readonly number[]): Expr {
  return parts.reduce((rest, part) => exact(sub(rest, mul(n, part))), x);
}

/** ln 2 in two parts, the first of 16 bits. */
export const ln2: readonly [high: number, low: number] = [0.693145751953125, 1.428606765330187e-6];

/** What the exponent of a float is more than that of its power of two. */
export const exponentBias = 127;

/** 2^n, which must be a normal number; of n the lowest bits count. */
const powerOfTwo = (n: Expr): Expr => float(shl(add(n, exponentBias), 23));

/** x * 2^n where the power alone may not be representable. */
export function scaled(x: Expr, n: Expr): Expr {
  const half = shr(n, 1);
  return mul(mul(x, powerOfTwo(half)), powerOfTwo(sub(n, half)));
}

/** A number in two parts of 12 bits each, whose products are exact. */
export function split(x: Expr): readonly [high: Expr, low: Expr] {
  const high = float(and(bits(x), 0xfffff000 | 0));
  return [high, sub(x, high)];
}
