/**
 * Sine, cosine and tangent: x = n pi/2 + r with |r| <= pi/4, a polynomial in r, and n modulo 4 says which and with what sign.
 *
 * Up to `farAway` n is found by a product, and n pi/2 is subtracted in parts that have exact products (Cody and Waite). Beyond, the
 * bits of 2/pi that matter are multiplied by x in integers (M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric
 * functions", 1983).
 *
 * @module
 */
import { bitcast, cast, type Expr, rarely, select } from "../expr.ts";
import {
  abs,
  add,
  and,
  bits,
  div,
  eq,
  exact,
  f32,
  le,
  lt,
  min,
  mul,
  nearest,
  or,
  polynomial,
  reduced,
  shl,
  shr,
  signBit,
  split,
  sub,
  u32,
  withSign,
  xor,
} from "./terms.ts";

/** |x| in terms of a right angle: an i32 that is n modulo 4, and the rest r, with what its rounding lost. */
interface Angle {
  readonly n: Expr;
  readonly r: Expr;
  readonly lost: Expr;
}

/** Up to here n has 12 bits, and its products with the first parts of pi/2, which have as many, are exact. */
const farAway = 6400;

const halfPi = [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.5633440682570896e-12] as const;

function nearAngle(a: Expr): Angle {
  const n = nearest(mul(a, 2 / Math.PI));
  const [first, second, third, fourth] = halfPi;
  const coarse = reduced(a, n.value, [first, second]);
  const fine = reduced(coarse, n.value, [third]);
  const r = reduced(fine, n.value, [fourth]);
  const lostBy = (before: Expr, after: Expr, part: number) => sub(exact(sub(before, after)), mul(n.value, part));
  return { n: n.word, r, lost: add(lostBy(coarse, fine, third), lostBy(fine, r, fourth)) };
}

/** 2/pi in words of 32 bits, behind one of zeros: enough for the largest float. */
const twoOverPi = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561];

function farAngle(a: Expr): Angle {
  const word = bitcast("u32", a);
  const m = or(and(word, 0x7fffff), 0x800000);
  // The window of 96 bits starts two bits above the point of the product: what is higher is a multiple of 4.
  const start = sub(min(shr(word, 23), 254), 120);
  const at = shr(start, 5);
  const shift = and(start, 31);
  const wordAt = (offset: number) =>
    [3, 2, 1, 0].reduce<Expr>((rest, k) => select(eq(at, k), u32(twoOverPi[k + offset]), rest), u32(twoOverPi[4 + offset]));
  const words = [0, 1, 2, 3].map(wordAt);
  const window = [0, 1, 2].map((k) => {
    const next = shr(words[k + 1], and(sub(u32(32), shift), 31));
    return select(eq(shift, 0), words[k], or(shl(words[k], shift), next));
  });
  const carried = multiplyHigh(m, window[2]);
  const low = add(mul(m, window[1]), carried);
  const carry = select(lt(low, carried), u32(1), u32(0));
  const high = add(add(mul(m, window[0]), multiplyHigh(m, window[1])), carry);
  // Two bits of quarters, then the fraction, which is rounded to the nearest quarter.
  const n = bitcast("i32", shr(add(high, 0x20000000), 30));
  const fraction = bitcast("i32", or(shl(high, 2), shr(low, 30)));
  // Of its size the upper 24 bits and the next; the larger product is exact, so that r is rounded once.
  const sign = shr(fraction, 31);
  const size = xor(fraction, sign);
  const below = xor(shl(low, 2), bitcast("u32", sign));
  const upper = mul(cast("f32", and(size, -256)), 2 ** -32);
  const lower = mul(cast("f32", or(bitcast("u32", shl(size, 24)), shr(below, 8))), 2 ** -56);
  const [coarse, fine] = split(upper);
  const minor = add(mul(fine, halfPi[0]), add(mul(upper, Math.PI / 2 - halfPi[0]), mul(lower, Math.PI / 2)));
  const major = exact(mul(coarse, halfPi[0]));
  const r = exact(add(major, minor));
  const signed = (e: Expr) => withSign(e, and(sign, signBit));
  return { n, r: signed(r), lost: signed(sub(minor, exact(sub(r, major)))) };
}

/** The upper 32 bits of a product of u32. */
function multiplyHigh(x: Expr, y: Expr): Expr {
  const [xl, xh, yl, yh] = [and(x, 0xffff), shr(x, 16), and(y, 0xffff), shr(y, 16)];
  const middle = add(mul(xh, yl), shr(mul(xl, yl), 16));
  const other = add(mul(xl, yh), and(middle, 0xffff));
  return add(add(mul(xh, yh), shr(middle, 16)), shr(other, 16));
}

function sineAndCosine(r: Expr): readonly [sine: Expr, cosine: Expr] {
  const z = mul(r, r);
  const sine = add(mul(mul(r, z), polynomial(z, [-0.16666655, 0.008332189, -0.00019518276])), r);
  const cosine = add(mul(z, polynomial(z, [-0.5, 0.041666646, -0.001388731, 2.4432327e-5])), 1);
  return [sine, cosine];
}

const isOdd = (n: Expr) => eq(and(n, 1), 1);

/** A function of |x| by its angle; NaN where x has none. */
function byAngle(x: Expr, f: (angle: Angle) => Expr): Expr {
  const a = abs(x);
  const far = select(lt(a, Infinity), f(farAngle(a)), f32(NaN));
  return rarely(le(f32(farAway), a), far, f(nearAngle(a)));
}

/** The sine. */
export function sin(x: Expr): Expr {
  return byAngle(x, ({ n, r }) => {
    const [sine, cosine] = sineAndCosine(r);
    return withSign(select(isOdd(n), cosine, sine), and(xor(bits(x), shl(n, 30)), signBit));
  });
}

/** The cosine. */
export function cos(x: Expr): Expr {
  return byAngle(x, ({ n, r }) => {
    const [sine, cosine] = sineAndCosine(r);
    return withSign(select(isOdd(n), sine, cosine), and(shl(add(n, 1), 30), signBit));
  });
}

/** The tangent: r + r^3 P(r^2) and what r lost times the slope, 1 + r^2 and a little; beyond a quarter of pi -1 over it. */
export function tan(x: Expr): Expr {
  return byAngle(x, ({ n, r, lost }) => {
    const z = mul(r, r);
    const tail = polynomial(z, [0.3333335, 0.13332674, 0.054059166, 0.021284636, 0.010831988, 9.203776e-5, 0.0043759355]);
    const slope = add(mul(z, add(z, 0.94)), 1);
    const value = add(r, exact(add(mul(mul(r, z), tail), mul(lost, slope))));
    const odd = isOdd(n);
    return withSign(div(select(odd, f32(-1), value), select(odd, value, f32(1))), and(bits(x), signBit));
  });
}
