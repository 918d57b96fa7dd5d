/**
 * The exponential function and those made of it: e^x = 2^n e^r with |r| <= ln 2 / 2.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import {
  abs,
  add,
  bits,
  clamp,
  div,
  eq,
  exact,
  f32,
  float,
  ln2,
  lt,
  max,
  min,
  mul,
  nearest,
  or,
  polynomial,
  powerOfTwo,
  reduced,
  scaled,
  scaledDown,
  signBit,
  signOf,
  sub,
  withSign,
} from "./terms.ts";

/** e^x = 2^n (1 + p) with p = e^r - 1; `word` ends in the bits of n. */
interface Parts {
  readonly n: Expr;
  readonly word: Expr;
  readonly p: Expr;
}

/** For a remainder r, rounded, and what that lost. */
function partsOf(n: ReturnType<typeof nearest>, r: Expr, lost?: Expr): Parts {
  const q = polynomial(r, [0.49999997, 0.16666538, 0.04166746, 0.0083674025, 0.0013869762]);
  const curved = mul(mul(r, r), q);
  return { n: n.integer, word: n.word, p: exact(add(lost ? add(curved, lost) : curved, r)) };
}

/** The parts of e^x. */
export function expParts(x: Expr): Parts {
  const n = nearest(mul(x, Math.LOG2E));
  return partsOf(n, reduced(x, n.value, ln2));
}

/** Those of e^(x + low), for a small `low`, where half a unit in the last place counts. */
export function expPartsOfSum(x: Expr, low?: Expr): Parts {
  const n = nearest(mul(x, Math.LOG2E));
  const coarse = reduced(x, n.value, [ln2[0]]);
  const fine = reduced(coarse, n.value, [ln2[1]]);
  const r = low ? exact(add(fine, low)) : fine;
  const lost = sub(exact(sub(coarse, r)), mul(n.value, ln2[1]));
  return partsOf(n, r, low ? add(lost, low) : lost);
}

/** e^x 2^shift. */
function expShifted(x: Expr, shift: number): Expr {
  const { n, p } = expParts(clamp(x, -105, 89.5));
  return scaled(add(p, 1), shift === 0 ? n : add(n, shift));
}

/** e^x, whose last product overflows where the result does: no sum may take it in before it is rounded. */
export const exp = (x: Expr): Expr => exact(expShifted(x, 0));

/** 2^x; of a whole number exactly. */
export function exp2(x: Expr): Expr {
  const inRange = clamp(x, -151, 129);
  const n = nearest(inRange);
  const r = sub(inRange, n.value);
  const tail = polynomial(r, [0.6931472, 0.2402265, 0.055503596, 0.0096180625, 0.0013390984, 0.00015462877]);
  return exact(scaled(add(mul(r, tail), 1), n.integer));
}

/**
 * y / (1 + e) less what the sum lost, where y is e or that counts little: 1 / (1 + e) is 1 less the quotient. Very close to 1 it is
 * nothing, as the sum of a large e and 1 is not known by its rounding.
 */
function shareOf(y: Expr, e: Expr): Expr {
  const under = exact(add(e, 1));
  const lost = sub(e, exact(sub(under, 1)));
  const q = exact(div(y, under));
  const reciprocal = max(sub(f32(1 - 2 ** -22), q), 0);
  return sub(q, mul(mul(q, reciprocal), lost));
}

const minusAbs = (x: Expr) => float(or(bits(x), signBit));

/** 1 / (1 + e^-x), below 0 e^x / (1 + e^x): the exponential does not overflow. */
export function sigmoid(x: Expr): Expr {
  const { word, p } = expParts(max(minusAbs(x), -103));
  const e = scaledDown(add(p, 1), word);
  const under = exact(add(e, 1));
  const q = exact(div(select(lt(x, 0), e, f32(1)), under));
  // What the sum lost, as a share of it where that counts: where e is near 1, its own error counts half.
  return sub(q, mul(q, sub(e, exact(sub(under, 1)))));
}

/**
 * x e^x / (1 + e^x) below 0, else x / (1 + e^-x), plus what the sum has too much; e^x is not rounded before it is multiplied by x, so that no
 * digits are lost where it is subnormal. At -infinity -0, the limit.
 */
export function silu(x: Expr): Expr {
  const least = max(x, -110);
  const { n, p } = expParts(max(minusAbs(x), -110));
  const e = mul(add(p, 1), powerOfTwo(max(n, -126)));
  const under = exact(add(e, 1));
  const excess = sub(exact(sub(under, 1)), e);
  const q = exact(div(select(lt(x, 0), scaled(add(mul(least, p), exact(least)), n), x), under));
  // About 1 / (1 + e), where that counts.
  const reciprocal = sub(f32(1), mul(e, 0.5));
  return select(lt(x, 30), add(q, mul(mul(q, reciprocal), excess)), x);
}

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
  return withSign(shareOf(abs(e), e), signOf(x));
}
