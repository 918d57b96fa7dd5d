/**
 * Logarithms: x = 2^e m with m near 1, log x = e ln 2 + log m.
 *
 * @module
 */
import { cast, type Expr, select } from "../expr.ts";
import { add, bits, div, eq, exact, f32, float, gt, ln2, lt, mul, polynomialByPairs, shl, shr, sub } from "./terms.ts";

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

/** log x + correction, which is small. */
function logPlus(x: Expr, correction?: Expr): Expr {
  const { e, m } = exponentAndFraction(x);
  const f = sub(m, 1);
  const square = mul(f, f);
  const tail = polynomialByPairs(f, [
    0.3333333,
    -0.2500082,
    0.20001237,
    -0.16623399,
    0.14201711,
    -0.13159914,
    0.12761302,
    -0.076342635,
  ]);
  const fine = correction ? add(mul(e, ln2[1]), correction) : mul(e, ln2[1]);
  const small = add(fine, mul(mul(f, square), tail));
  const value = add(mul(e, ln2[0]), add(f, sub(small, mul(square, 0.5))));
  const outside = select(eq(x, 0), f32(-Infinity), f32(NaN));
  return select(gt(x, 0), select(lt(x, Infinity), value, x), outside);
}

/** The natural logarithm. */
export const log = (x: Expr): Expr => logPlus(x);

/** log(1 + x): the logarithm of the sum as rounded, u, and what the rounding lost, over u. */
export function log1p(x: Expr): Expr {
  const u = exact(add(x, 1));
  const lost = div(sub(x, exact(sub(u, 1))), u);
  return select(eq(x, 0), x, logPlus(u, lost));
}
