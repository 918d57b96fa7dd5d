/**
 * The error function.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { expParts } from "./exponential.ts";
import { abs, add, f32, lt, min, mul, neg, polynomial, powerOfTwo, signOf, sub, withSign } from "./terms.ts";

/** Up to 1 an odd polynomial, beyond 1 - e^-g with g = -log erfc. */
export function erf(x: Expr): Expr {
  const a = min(abs(x), 4);
  const z = mul(a, a);
  const inner = [0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806904e-5];
  const near = add(mul(a, polynomial(z, inner)), a);
  const outer = [7.806815, 5.35268, 0.94389325, 0.0108602885, -0.0021559247, 0.00043895977, -5.87983e-5, 2.2135524e-5];
  const { word, p } = expParts(neg(polynomial(sub(a, 2.5), outer)));
  const far = sub(f32(1), mul(add(p, 1), powerOfTwo(word)));
  return withSign(select(lt(a, 1), near, far), signOf(x));
}
