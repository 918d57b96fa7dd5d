/**
 * The exponential function and those made of it: e^x = 2^n e^r with |r| <= ln 2 / 2.
 *
 * @module
 */
import { type Expr, rarely, select } from "../expr.ts";
import {
  abs,
  add,
  clamp,
  div,
  eq,
  exact,
  exponentBias,
  f32,
  float,
  i32,
  isBeyond,
  ln2,
  lt,
  min,
  mul,
  nearest,
  polynomial,
  reduced,
  scaled,
  shl,
  signOf,
  sub,
  withSign,
} from "./terms.ts";

/** e^x = 2^n (1 + p) with p = e^r - 1; `power` is 2^(n + shift) where that is a normal number. */
interface Parts {
  readonly n: Expr;
  readonly power: Expr;
  readonly p: Expr;
}

/** x + low less the nearest multiple of ln 2, for a small `low`: rounded once. */
function remainderOf(x: Expr, bias: number, low?: Expr): { readonly n: ReturnType<typeof nearest>; readonly r: Expr } {
  const n = nearest(mul(low ? add(x, low) : x, Math.LOG2E), bias);
  const coarse = reduced(x, n.value, [ln2[0]]);
  return { n, r: low ? exact(add(coarse, reduced(low, n.value, [ln2[1]]))) : reduced(coarse, n.value, [ln2[1]]) };
}

/** The parts of e^(x + low). */
export function expParts(x: Expr, low?: Expr, shift = 0): Parts {
  const { n, r } = remainderOf(x, exponentBias + shift, low);
  const q = polynomial(r, [0.49999997, 0.16666538, 0.04166746, 0.0083674025, 0.0013869762]);
  return { n: n.integer, power: float(shl(n.word, 23)), p: exact(add(mul(mul(r, r), q), r)) };
}

/** e^-(x + low) 2^shift = power + power p for an x of which the power is a normal number. */
export function decayParts(x: Expr, shift: number, low?: Expr): { readonly power: Expr; readonly p: Expr } {
  const { n, r } = remainderOf(x, 0, low);
  const q = polynomial(r, [0.49999997, -0.16666538, 0.04166746, -0.0083674025, 0.0013869762]);
  return { power: float(shl(sub(i32(exponentBias + shift), n.word), 23)), p: exact(sub(mul(mul(r, r), q), r)) };
}

/** e^x 2^shift. */
function expShifted(x: Expr, shift: number): Expr {
  const { n, p } = expParts(clamp(x, -105, 89.5));
  return scaled(add(p, 1), shift === 0 ? n : add(n, shift));
}

/** Below this |x| the power of e and that of 2 in it are normal numbers. */
const usualExponent = 87;

/**
 * e^x: 2^n p + 2^n, rounded once, where 2^n is a normal number. Elsewhere the last product overflows where the result does: no sum may take
 * it in before it is rounded.
 */
export function exp(x: Expr): Expr {
  const usual = finitePart(x);
  const { power, p } = expParts(usual);
  return exact(rarely(isBeyond(usual, usualExponent), exact(expShifted(x, 0)), add(mul(power, p), power)));
}

/**
 * What x is as long as that is finite: y of `a is infinite ? 0 : y`, where y is a sum or difference of a, so that it is not finite wherever
 * the choice is 0. There the unusual branch computes e^x of the whole choice.
 */
function finitePart(x: Expr): Expr {
  if (x.kind !== "select" || x.x.kind !== "const" || x.x.value !== 0) return x;
  const { test, y } = x;
  if (test.kind !== "binary" || test.op !== "eq" || test.y.kind !== "const" || Math.abs(test.y.value) !== Infinity) return x;
  return y.kind === "binary" && (y.op === "add" || y.op === "sub") && (y.x === test.x || y.y === test.x) ? y : x;
}

/** 2^x; of a whole number exactly. */
export function exp2(x: Expr): Expr {
  const inRange = clamp(x, -151, 129);
  const n = nearest(inRange);
  const r = sub(inRange, n.value);
  const tail = polynomial(r, [0.6931472, 0.2402265, 0.055503596, 0.0096180625, 0.0013390984, 0.00015462877]);
  return exact(scaled(add(mul(r, tail), 1), n.integer));
}

/** What sums of 1 and an exponential are scaled by, so that those of large exponents are in range, too. */
const unitExponent = -32;
const unit = 2 ** unitExponent;

/** (1 + e^-(x + low)) 2^-32 for x from -110 to 30, rounded once, as the sum of two powers of two is exact or keeps what it lost. */
export function shareOf(x: Expr, low?: Expr): Expr {
  const { power, p } = decayParts(x, unitExponent, low);
  const powers = exact(add(power, unit));
  const lost = sub(f32(unit), exact(sub(powers, power)));
  return exact(add(exact(add(mul(power, p), lost)), powers));
}

/** x over 1 + e^-y, which `shareOf` has made. */
export const overShare = (x: Expr, share: Expr): Expr => mul(exact(div(x, share)), unit);

/** 1 / (1 + e^-x). */
export const sigmoid = (x: Expr): Expr => div(f32(unit), shareOf(clamp(x, -104, 30)));

/** (e^x - 1) / 2 for x in [-26, 88.8]: 2^(n-1) p + 2^(n-1) - 1/2, which cancels nowhere. */
function halfExpm1(x: Expr): Expr {
  const { power: half, p } = expParts(x, undefined, -1);
  return add(mul(half, p), exact(sub(half, 0.5)));
}

/** e^x - 1. */
export function expm1(x: Expr): Expr {
  return select(eq(x, 0), x, mul(halfExpm1(clamp(x, -26, 88.8)), 2));
}

/** Up to 1 an odd polynomial, beyond (e^|x| - e^-|x|) / 2. */
export function sinh(x: Expr): Expr {
  const a = abs(x);
  const half = expShifted(a, -1);
  const z = mul(a, a);
  const near = add(mul(mul(a, z), polynomial(z, [0.16666667, 0.0083333105, 0.00019842896, 2.7822132e-6])), a);
  return withSign(select(lt(a, 1), near, sub(half, div(f32(0.25), half))), signOf(x));
}

/** (e^|x| + e^-|x|) / 2. */
export function cosh(x: Expr): Expr {
  const half = expShifted(abs(x), -1);
  return add(half, div(f32(0.25), half));
}

/** (1 - e) / (1 + e) with e = e^(-2|x|) = s + s p, s a power of two: 1 - s and 1 + s are exact. */
export function tanh(x: Expr): Expr {
  const a = min(abs(x), 10);
  const { power, p } = decayParts(add(a, a), 0);
  const over = exact(sub(sub(f32(1), power), mul(power, p)));
  const under = exact(add(exact(add(power, 1)), mul(power, p)));
  return withSign(div(over, under), signOf(x));
}
