/**
 * Activations of doubles that are made of e^-|x|.
 *
 * @module
 */
import { called, type Expr, rarely, select } from "../../expr.ts";
import { abs, add, and, clamp, le, lt, max, mul, neg, not, sub } from "../terms.ts";
import { precisely, quotient } from "./exponential.ts";
import { logarithm } from "./logarithm.ts";
import { f64, joined, type Pair, product, signOf, sum, withSign } from "./terms.ts";

/** From here on down e^x is below the normal numbers, or the power of 2 in it. */
const leastUsual = -700;

const isUnusual = (x: Expr): Expr => not(and(le(f64(leastUsual), x), lt(x, Infinity)));

/** e^-|x| as a pair. */
function decay(x: Expr): Pair {
  const { power, p: [p, pLost] } = precisely(clamp(neg(abs(x)), leastUsual, 0));
  const [e, lost] = sum(power, mul(power, p));
  return joined(e, add(lost, mul(power, pLost)));
}

/** Something over 1 + e^-x; below 0, where e^x is the smaller one, both times that. */
function shareOf(x: Expr, over: { readonly above: Pair; readonly below: (e: Pair) => Pair }): Expr {
  const small = decay(x);
  const [under, underLost] = joined(f64(1), small[0]);
  const isBelow = lt(x, 0);
  const below = over.below(small);
  const choose = (i: 0 | 1) => select(isBelow, below[i], over.above[i]);
  return quotient([choose(0), choose(1)], [under, add(underLost, small[1])]);
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: Expr): Expr {
  const share = shareOf(x, { above: [f64(1), f64(0)], below: (e) => e });
  return rarely(lt(x, leastUsual), called("sigmoid", x), share);
}

/** x / (1 + e^-x). */
export function silu(x: Expr): Expr {
  const below = ([e, lost]: Pair): Pair => {
    const [p, pLost] = product(x, e);
    return [p, add(pLost, mul(x, lost))];
  };
  const share = shareOf(x, { above: [x, f64(0)], below });
  return rarely(isUnusual(x), called("silu", x), withSign(abs(share), signOf(x)));
}

/** log(1 + e^x): the larger of x and 0, and log(1 + e^-|x|), rounded as one sum. */
export function softplus(x: Expr): Expr {
  const [e, lost] = decay(x);
  const isLarge = lt(f64(Math.SQRT2 - 1), e);
  const [less, lessLost] = joined(f64(-1), e);
  const f = select(isLarge, mul(less, 0.5), e);
  const low = select(isLarge, mul(add(lost, lessLost), 0.5), lost);
  const value = logarithm(select(isLarge, f64(1), f64(0)), f, {
    beside: max(x, 0),
    low: mul(low, add(sub(f64(1), f), mul(f, f))),
  });
  return rarely(isUnusual(x), called("softplus", x), value);
}
