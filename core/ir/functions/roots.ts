/**
 * Functions with the root of a sum of squares.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { abs, add, div, eq, f32, lt, max, min, mul, or, signOf, sqrt, withSign } from "./terms.ts";

/** sqrt(1 + x^2) - 1 for |x| up to 1, in which the root's own error is a small part. */
function rootLessOne(x: Expr): Expr {
  const square = mul(x, x);
  return div(square, add(sqrt(add(square, 1)), 1));
}

/** sqrt(x^2 + y^2): the larger one times the root of 1 + ratio^2, so that no square overflows. */
export function hypot(x: Expr, y: Expr): Expr {
  const [a, b] = [abs(x), abs(y)];
  const large = max(a, b);
  const ratio = div(min(a, b), select(eq(large, 0), f32(1), large));
  return select(or(eq(a, Infinity), eq(b, Infinity)), f32(Infinity), add(large, mul(large, rootLessOne(ratio))));
}

/** x / sqrt(1 + x^2): beyond 1 by 1 / x^2, whose square does not overflow. */
export function isru(x: Expr): Expr {
  const a = abs(x);
  const [small, inverse] = [lt(a, 1), div(f32(1), a)];
  const root = add(rootLessOne(select(small, a, inverse)), 1);
  return withSign(div(select(small, a, f32(1)), root), signOf(x));
}
