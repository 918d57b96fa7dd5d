/**
 * The exponential function and those made of it: e^x = 2^n e^r with |r| <= ln 2 / 2.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import {
  abs,
  add,
  clamp,
  div,
  eq,
  exact,
  f32,
  ln2,
  lt,
  min,
  mul,
  nearest,
  polynomial,
  powerOfTwo,
  reduced,
  scaled,
  signOf,
  sub,
  withSign,
} from "./terms.ts";

/** e^x = 2^n (1 + p) with p = e^r - 1; `word` ends in the bits of n. */
export function expParts(x: Expr): { readonly n: Expr; readonly word: Expr; readonly p: Expr } {
  const n = nearest(mul(x, Math.LOG2E));
  const r = reduced(x, n.value, ln2);
  const q = polynomial(r, [0.49999997, 0.16666538, 0.04166746, 0.0083674025, 0.0013869762]);
  return { n: n.integer, word: n.word, p: add(mul(mul(r, r), q), r) };
}

/** e^x 2^shift. */
function expShifted(x: Expr, shift: number): Expr {
  const { n, p } = expParts(clamp(x, -105, 89.5));
  return scaled(add(p, 1), shift === 0 ? n : add(n, shift));
}

/** e^x, whose last product overflows where the result does: no sum may take it in before it is rounded. */
export const exp = (x: Expr): Expr => exact(expShifted(x, 0));

/** (e^x - 1) / 2 for x in [-26, 88.8]: 2^(n-1) p + 2^(n-1) - 1/2, which cancels nowhere. */
function halfExpm1(x: Expr): Expr {
  const { word, p } = expParts(x);
  const half = powerOfTwo(word, -1);
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

/** Below this |2 x| is less than ln 2 / 2. */
const tanhNear = 0.17;

/** With E = (e^(2|x|) - 1) / 2: E / (E + 1), near 0 with -2|x| in place of 2|x|, where the errors of that are smaller. */
export function tanh(x: Expr): Expr {
  const a = min(abs(x), 10);
  const e = halfExpm1(mul(a, select(lt(a, tanhNear), f32(-2), f32(2))));
  return withSign(div(abs(e), add(e, 1)), signOf(x));
}
