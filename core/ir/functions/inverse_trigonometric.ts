/**
 * Arcsine, arccosine and arctangent.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import {
  abs,
  add,
  bits,
  div,
  eq,
  exact,
  f32,
  gt,
  isNaN,
  lt,
  mul,
  or,
  polynomial,
  polynomialByPairs,
  signOf,
  sqrt,
  sub,
  withSign,
} from "./terms.ts";

/** asin |x| up to 1/2, else t with asin |x| = pi/2 - 2 t. */
function arcsine(a: Expr): { readonly large: Expr; readonly t: Expr } {
  const large = gt(a, 0.5);
  const z = select(large, mul(sub(f32(1), a), 0.5), mul(a, a));
  const s = select(large, sqrt(z), a);
  const tail = polynomial(z, [0.16666752, 0.07495307, 0.04546964, 0.024181498, 0.04216512]);
  return { large, t: add(mul(mul(s, z), tail), s) };
}

const piLow = -8.742277657347586e-8;

/** pi * share - x, with more digits of pi than f32 has. */
const piMinus = (share: number, x: Expr) => add(exact(sub(f32(Math.PI * share), x)), piLow * share);

/** The arcsine. */
export function asin(x: Expr): Expr {
  const { large, t } = arcsine(abs(x));
  return withSign(select(large, piMinus(0.5, add(t, t)), t), signOf(x));
}

/** The arccosine. */
export function acos(x: Expr): Expr {
  const { large, t } = arcsine(abs(x));
  const twice = add(t, t);
  const outer = select(lt(x, 0), piMinus(1, twice), twice);
  return select(large, outer, piMinus(0.5, withSign(t, signOf(x))));
}

/** atan t for t in [0, 1]. */
function atanInside(t: Expr): Expr {
  const z = mul(t, t);
  const tail = [-0.33333153, 0.19993767, -0.14211002, 0.106657706, -0.07551671, 0.043204986, -0.016363451, 0.002919518];
  return add(mul(mul(t, z), polynomialByPairs(z, tail)), t);
}

/** The arctangent: beyond 1 that of the reciprocal, from pi/2. */
export function atan(x: Expr): Expr {
  const a = abs(x);
  const steep = lt(f32(1), a);
  const angle = atanInside(select(steep, div(f32(1), a), a));
  return withSign(select(steep, piMinus(0.5, angle), angle), signOf(x));
}

/** The angle of the point (x, y). */
export function atan2(y: Expr, x: Expr): Expr {
  const [a, b] = [abs(y), abs(x)];
  const steep = lt(b, a);
  const less = select(steep, b, a);
  const more = select(steep, a, b);
  // Two zeros stand for the ratio 0, two infinities for 1.
  const ratio = select(eq(more, 0), f32(0), select(eq(less, Infinity), f32(1), div(less, more)));
  const octant = atanInside(ratio);
  const right = select(steep, piMinus(0.5, octant), octant);
  const angle = select(lt(bits(x), 0), piMinus(1, right), right);
  return select(or(isNaN(x), isNaN(y)), f32(NaN), withSign(angle, signOf(y)));
}
