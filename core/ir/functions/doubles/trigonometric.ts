/**
 * Sine and cosine of doubles: x = n pi/2 + r with |r| <= pi/4, a polynomial in r, and n modulo 4 says which and with what sign.
 *
 * @module
 */
import { called, type Expr, rarely, select } from "../../expr.ts";
import { abs, add, exact, le, lt, mul, or, polynomialByPairs, shl, sub, xor } from "../terms.ts";
import { f64, joined, nearest, signOf, sum, withSign } from "./terms.ts";

/** pi/2 in three parts, the first two of 40 bits. */
const halfPi = [1.5707963267941523, 7.443547480480255e-13, 6.36831716351095e-25] as const;

/** Up to here n has 13 bits, and its products with the first two parts are exact. */
const farAway = 12800;

/** |x| in terms of a right angle: a word that ends in the bits of n, and the rest, with what its rounding lost. */
interface Angle {
  readonly word: Expr;
  readonly r: Expr;
  readonly lost: Expr;
}

function angle(a: Expr): Angle {
  const { value: n, word } = nearest(mul(a, 2 / Math.PI));
  const [first, second, third] = halfPi.map((part) => exact(mul(n, -part)));
  // The first difference is exact; where little is left of it, the next part may be larger.
  const [coarse, lostOfCoarse] = sum(exact(add(a, first)), second);
  const [r, lost] = joined(coarse, add(lostOfCoarse, third));
  return { word, r, lost };
}

/** r + r^3 (-1/6 + ...) and what r has lost times the slope. */
function sine({ r, lost }: Angle): Expr {
  const z = mul(r, r);
  const tail = polynomialByPairs(z, [
    -0.1666666666666664,
    0.008333333333324698,
    -0.0001984126983152284,
    2.7557314257898943e-6,
    -2.5050843157258446e-8,
    1.5901554923975713e-10,
  ]);
  return add(add(mul(mul(r, z), tail), sub(lost, mul(mul(z, 0.5), lost))), r);
}

/** 1 - r^2 / 2 + r^4 (1/24 - ...), where the first difference keeps what it loses. */
function cosine({ r, lost }: Angle): Expr {
  const z = mul(r, r);
  const half = mul(z, 0.5);
  const tail = polynomialByPairs(z, [
    0.0416666666666666,
    -0.0013888888888874138,
    2.4801587289490892e-5,
    -2.7557314354958647e-7,
    2.087572364434657e-9,
    -1.1359667715514102e-11,
  ]);
  const main = exact(sub(f64(1), half));
  const rest = exact(sub(exact(sub(f64(1), main)), half));
  return add(add(sub(mul(mul(z, z), tail), mul(r, lost)), rest), main);
}

/** Whether n is odd: its last bit as the sign of a one. */
const isOdd = (word: Expr): Expr => lt(or(shl(word, 63), 1), 0);

/** The sine. */
export function sin(x: Expr): Expr {
  const a = abs(x);
  const near = angle(a);
  const size = select(isOdd(near.word), cosine(near), sine(near));
  return rarely(le(f64(farAway), a), called("sin", x), withSign(size, signOf(xor(x, shl(near.word, 62)))));
}

/** The cosine. */
export function cos(x: Expr): Expr {
  const a = abs(x);
  const near = angle(a);
  const size = select(isOdd(near.word), sine(near), cosine(near));
  return rarely(le(f64(farAway), a), called("cos", x), withSign(size, signOf(shl(add(near.word, 1), 62))));
}
