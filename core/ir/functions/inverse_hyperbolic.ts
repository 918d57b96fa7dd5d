/**
 * The inverse hyperbolic functions, by logarithms of 1 + something that keeps its digits near 0.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { log, log1p } from "./logarithm.ts";
import { abs, add, div, eq, exact, f32, lt, mul, neg, signOf, sqrt, sub, withSign } from "./terms.ts";

/** From here on they are the logarithm of 2 x, and x^2 might overflow. */
const far = 2 ** 30;
const farLogarithm = (x: Expr) => add(log(x), Math.LN2);

/** log(a + sqrt(a^2 + 1)) */
export function asinh(x: Expr): Expr {
  const a = abs(x);
  const square = mul(a, a);
  const near = log1p(add(a, div(square, add(sqrt(add(square, 1)), 1))));
  return select(eq(x, 0), x, withSign(select(lt(a, far), near, farLogarithm(a)), signOf(x)));
}

/** log(x + sqrt(x^2 - 1)) with t = x - 1, and what the sum of t and the root lost; NaN below 1. */
export function acosh(x: Expr): Expr {
  const t = sub(x, 1);
  const root = exact(sqrt(add(mul(t, t), add(t, t))));
  const both = exact(add(root, t));
  const near = log1p(both, sub(t, exact(sub(both, root))));
  return select(lt(x, 1), f32(NaN), select(lt(x, far), near, farLogarithm(x)));
}

/** log(1 + q) / 2 with q = 2 a / (1 - a), less what the rounding of 1 - a lost, over 1 - a, which is 1 / (1 + q / 2). */
export function atanh(x: Expr): Expr {
  const a = abs(x);
  const under = exact(sub(f32(1), a));
  const lost = sub(exact(sub(f32(1), under)), a);
  const q = exact(div(add(a, a), under));
  const less = mul(mul(q, lost), add(mul(q, 0.5), 1));
  const half = mul(log1p(q, select(lt(a, 0.5), neg(less), f32(0))), 0.5);
  return select(eq(x, 0), x, withSign(half, signOf(x)));
}
