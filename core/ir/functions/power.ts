/**
 * Powers, of floats and of integers.
 *
 * @module
 */
import { constant, type Expr, select } from "../expr.ts";
import { exponentAndFraction } from "./logarithm.ts";
import {
  abs,
  add,
  and,
  clamp,
  div,
  eq,
  exact,
  f32,
  i32,
  isNaN,
  lt,
  mul,
  ne,
  nearest,
  not,
  or,
  polynomial,
  scaled,
  signBit,
  signOf,
  split,
  sqrt,
  sub,
  trunc,
  withSign,
  xor,
} from "./terms.ts";

/** A power whose exponent is known, where it takes less than the general formula. */
export function constantPower(x: Expr, y: number): Expr | undefined {
  if (x.type === "i32" || x.type === "u32") return y < 0 ? undefined : repeatedSquares(x, y);
  const one = constant(x.type, 1);
  const square = mul(x, x);
  switch (y) {
    case 0:
      return one;
    case 1:
      return x;
    case 2:
      return square;
    case 3:
      return mul(square, x);
    case 4:
      return mul(square, square);
    case -1:
      return div(one, x);
    case -2:
      return div(one, square);
    case 0.5:
      // Unlike the root, this power of -0 is 0 and of -infinity is infinity.
      return select(eq(x, -Infinity), constant(x.type, Infinity), sqrt(add(x, 0)));
    default:
      return undefined;
  }
}

/** Whether a power with this exponent is a product, a quotient or a root rather than the general formula. */
export function hasProduct(y: number): boolean {
  return constantPower(constant("f32", 1), y) !== undefined;
}

/**
 * |x|^y = 2^(y log2 |x|) with the logarithm and the product in two parts of f32, because an error in the exponent becomes a relative
 * error of the power; then signs and special values.
 */
export function pow(x: Expr, y: Expr): Expr {
  const a = abs(x);
  const [high, low] = binaryLogarithm(a);
  const inRange = clamp(y, -1e12, 1e12);
  const [yHigh, yLow] = split(inRange);
  const [lHigh, lLow] = split(high);
  const zHigh = clamp(mul(yHigh, lHigh), -160, 160);
  const zLow = clamp(add(mul(yHigh, lLow), add(mul(yLow, high), mul(inRange, low))), -1, 1);
  const n = nearest(add(zHigh, zLow));
  const coarse = exact(sub(zHigh, n.value));
  const r = exact(add(coarse, zLow));
  const rLost = add(exact(sub(coarse, r)), zLow);
  // 1 + r tail with the product and the sum in two parts, so that what is a float comes out as one.
  const tail = polynomial(r, [0.6931472, 0.24022648, 0.05550359, 0.009618505, 0.0013391458, 0.00015327815]);
  const product = exact(mul(r, tail));
  const [rHigh, rLow] = split(r);
  const [tHigh, tLow] = split(tail);
  const productLost = [mul(rHigh, tLow), mul(rLow, tHigh), mul(rLow, tLow)]
    .reduce((rest, part) => exact(add(rest, part)), exact(sub(mul(rHigh, tHigh), product)));
  const power = exact(add(product, 1));
  const powerLost = add(sub(product, exact(sub(power, 1))), productLost);
  const finite = scaled(add(power, add(powerLost, mul(mul(rLost, Math.LN2), power))), n.integer);

  const zero = eq(a, 0);
  const infinite = eq(a, Infinity);
  const atEnds = select(xor(lt(y, 0), zero), f32(0), f32(Infinity));
  const magnitude = select(or(zero, infinite), atEnds, finite);
  const whole = eq(trunc(y), y);
  const half = mul(y, 0.5);
  const odd = and(whole, ne(trunc(half), half));
  const signed = withSign(magnitude, and(signOf(x), select(odd, i32(signBit), i32(0))));
  const undefinedThere = and(lt(x, 0), not(or(whole, infinite)));
  const value = select(or(undefinedThere, or(isNaN(x), isNaN(y))), f32(NaN), signed);
  return select(or(eq(y, 0), eq(x, 1)), f32(1), value);
}

/** The bits of sqrt(3/4). */
const rootOfThreeQuarters = 0x3f5db3d7;

/** log2 of 3/2, the first part of 10 bits. */
const log2OfMiddle = [0.5849609375, 1.5632211561814537e-6] as const;

/**
 * log2 of a positive number in two parts: e + log2 c + 2/ln 2 atanh t with c = 1 or 3/2, whichever is nearer to m, and
 * t = (m - c) / (m + c), itself in two parts.
 */
function binaryLogarithm(a: Expr): readonly [high: Expr, low: Expr] {
  const { e: exponent, m } = exponentAndFraction(a, rootOfThreeQuarters);
  const upper = lt(f32(Math.sqrt(1.5)), m);
  const center = select(upper, f32(1.5), f32(1));
  const e = add(exponent, select(upper, f32(log2OfMiddle[0]), f32(0)));
  const [over, under] = [sub(m, center), exact(add(m, center))];
  const underLost = sub(m, exact(sub(under, center)));
  const t = div(over, under);
  const [tHigh, tLow] = split(t);
  const [uHigh, uLow] = split(under);
  const remainder = [mul(tHigh, uHigh), mul(tHigh, uLow), mul(tLow, uHigh), mul(tLow, uLow), mul(t, underLost)]
    .reduce((rest, product) => exact(sub(rest, product)), over);
  const z = mul(t, t);
  const series = mul(mul(t, z), polynomial(z, [0.33333334, 0.19999026, 0.14484537]));
  const rest = add(add(series, div(remainder, under)), tLow);
  const main = mul(tHigh, 2.884765625);
  const fine = add(mul(tHigh, 0.0006244567921385169), select(upper, f32(log2OfMiddle[1]), f32(0)));
  const minor = add(mul(rest, 2 / Math.LN2), fine);
  const sum = exact(add(e, main));
  const lost = add(add(exact(sub(e, sum)), main), minor);
  const high = exact(add(sum, lost));
  return [high, sub(lost, exact(sub(high, sum)))];
}

/** The cube root: the power, and one step of Newton's method, which takes away what the rounding of 1/3 put in. */
export function cbrt(x: Expr): Expr {
  const a = abs(x);
  const y = pow(a, f32(1 / 3));
  const excess = sub(y, div(div(a, y), y));
  const root = withSign(sub(y, div(excess, f32(3))), signOf(x));
  return select(or(eq(a, 0), eq(a, Infinity)), x, root);
}

function repeatedSquares(x: Expr, y: number): Expr {
  if (y === 0) return constant(x.type, 1);
  const rest = Math.floor(y / 2);
  if (rest === 0) return x;
  const power = repeatedSquares(mul(x, x), rest);
  return y % 2 === 1 ? mul(x, power) : power;
}

/** x^y of integers, wrapping: squares by the bits of y. A negative exponent gives the reciprocal, truncated. */
export function integerPower(x: Expr, y: Expr): Expr {
  const [zero, one] = [constant(x.type, 0), constant(x.type, 1)];
  const signed = x.type === "i32";
  const bitCount = signed ? 31 : 32;
  let product: Expr = one;
  let square = x;
  for (let bit = 0; bit < bitCount; bit++) {
    product = select(eq(and(y, 2 ** bit), 0), product, bit === 0 ? x : mul(product, square));
    square = mul(square, square);
  }
  if (!signed) return product;
  const ofMinusOne = select(eq(and(y, 1), 0), one, constant(x.type, -1));
  const reciprocal = select(eq(x, 1), one, select(eq(x, -1), ofMinusOne, zero));
  return select(lt(y, 0), reciprocal, product);
}
