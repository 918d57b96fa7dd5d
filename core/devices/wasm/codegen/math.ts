/**
 * Functions of f32 that have no instruction, as arithmetic that vectorises: ranges are reduced, then polynomials are evaluated,
 * special values come out of the same arithmetic or are selected at the end. There are no branches.
 *
 * The polynomials are minimax fits (weighted for relative error, found by Lawson's iteration in high precision, coefficients rounded
 * to f32 one after the other); their own error is below 2e-8, so that rounding dominates: results are good to a few units in
 * the last place. Sines and cosines keep that to |x| of about 1e5 and are bounded, but meaningless, beyond 1e7.
 *
 * Methods: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980, for the reductions; T. J. Dekker, "A
 * floating-point technique for extending the available precision", 1971, for the products in `pow`.
 *
 * @module
 */
import { binary, type BinaryOp, bitcast, cast, constant, type Expr, select, unary, type UnaryOp } from "../../../ir/expr.ts";

/** The expression for an operation of one f32, or undefined if there is an instruction. */
export function expandUnary(op: UnaryOp, x: Expr): Expr | undefined {
  return functions[op]?.(x);
}

/** The expression for an operation of two f32, or undefined if there is an instruction. */
export function expandBinary(op: BinaryOp, x: Expr, y: Expr): Expr | undefined {
  if (x.type !== "f32") return undefined;
  return op === "pow" ? pow(x, y) : op === "atan2" ? atan2(x, y) : undefined;
}

const f32 = (value: number) => constant("f32", value);
const i32 = (value: number) => constant("i32", value);
const add = (x: Expr, y: Expr | number) => binary("add", x, y);
const sub = (x: Expr, y: Expr | number) => binary("sub", x, y);
const mul = (x: Expr, y: Expr | number) => binary("mul", x, y);
const div = (x: Expr, y: Expr | number) => binary("div", x, y);
const and = (x: Expr, y: Expr | number) => binary("and", x, y);
const or = (x: Expr, y: Expr | number) => binary("or", x, y);
const xor = (x: Expr, y: Expr | number) => binary("xor", x, y);
const lt = (x: Expr, y: Expr | number) => binary("lt", x, y);
const gt = (x: Expr, y: number) => binary("lt", f32(y), x);
const eq = (x: Expr, y: Expr | number) => binary("eq", x, y);
const abs = (x: Expr) => unary("abs", x);
const isNaN = (x: Expr) => unary("isNaN", x);
const bits = (x: Expr) => bitcast("i32", x);
const float = (x: Expr) => bitcast("f32", x);
const clamp = (x: Expr, low: number, high: number) => binary("max", binary("min", x, high), low);

/** c0 + c1 x + c2 x^2 + ... */
function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  return coefficients.slice(0, -1).reduceRight<Expr>((sum, c) => add(mul(sum, x), c), f32(coefficients.at(-1)!));
}

const signBit = -(2 ** 31);

/** The sign bit of x, the rest 0. */
const signOf = (x: Expr) => and(bits(x), signBit);
/** `magnitude` with its sign flipped by a sign bit. */
const withSign = (magnitude: Expr, sign: Expr) => float(xor(bits(magnitude), sign));

/** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
const rounder = 12582912;

/** The nearest integer as f32 and i32; |x| below 2^22. */
function nearest(x: Expr): { readonly value: Expr; readonly integer: Expr } {
  const shifted = add(x, rounder);
  return { value: sub(shifted, rounder), integer: sub(bits(shifted), 0x4b400000) };
}

/** x - n * (the sum of the parts), where all products but the last are exact. */
const reduced = (x: Expr, n: Expr, parts: readonly number[]) => parts.reduce((rest, part) => sub(rest, mul(n, part)), x);

const ln2 = [0.693145751953125, 1.428606765330187e-6];
const halfPi = [1.5703125, 0.0004825592041015625, 1.2665987014770508e-6, 9.92093629470503e-10];

/** 2^n for n in [-126, 127]. */
const powerOfTwo = (n: Expr) => float(binary("shl", add(n, 127), 23));

/** x * 2^n where the power alone may not be representable. */
function scaled(x: Expr, n: Expr): Expr {
  const half = binary("shr", n, 1);
  return mul(mul(x, powerOfTwo(half)), powerOfTwo(sub(n, half)));
}

/** e^x = 2^n (1 + p), p = e^r - 1 with |r| <= ln 2 / 2. */
function expParts(x: Expr): { readonly n: Expr; readonly p: Expr } {
  const n = nearest(mul(x, Math.LOG2E));
  const r = reduced(x, n.value, ln2);
  const q = polynomial(r, [0.49999997, 0.16666538, 0.04166746, 0.0083674025, 0.0013869762]);
  return { n: n.integer, p: add(mul(mul(r, r), q), r) };
}

/** e^x 2^shift. */
function exp(x: Expr, shift = 0): Expr {
  const { n, p } = expParts(clamp(x, -105, 89.5));
  return scaled(add(p, 1), shift === 0 ? n : add(n, shift));
}

/** e^x - 1 for x in [-26, 88.8]: 2 (2^(n-1) p + 2^(n-1) - 1/2), which cancels nowhere. */
function expm1Inside(x: Expr): Expr {
  const { n, p } = expParts(x);
  const half = powerOfTwo(sub(n, 1));
  return mul(add(mul(half, p), sub(half, 0.5)), 2);
}

function expm1(x: Expr): Expr {
  return select(eq(x, 0), x, expm1Inside(clamp(x, -26, 88.8)));
}

/** x = 2^e m for positive x, m in [1/sqrt 2, sqrt 2); subnormal numbers are scaled first. */
function exponentAndFraction(x: Expr): { readonly e: Expr; readonly m: Expr } {
  const subnormal = lt(x, 2 ** -126);
  const word = bits(select(subnormal, mul(x, 2 ** 23), x));
  const e = binary("shr", sub(word, 0x3f3504f3), 23);
  const m = float(sub(word, binary("shl", e, 23)));
  return { e: sub(cast("f32", e), select(subnormal, f32(23), f32(0))), m };
}

function log(x: Expr): Expr {
  const { e, m } = exponentAndFraction(x);
  const f = sub(m, 1);
  const square = mul(f, f);
  const tail = polynomial(f, [0.3333333, -0.2500082, 0.20001237, -0.16623399, 0.14201711, -0.13159914, 0.12761302, -0.076342635]);
  const small = add(mul(e, ln2[1]), mul(mul(f, square), tail));
  const value = add(mul(e, ln2[0]), add(f, sub(small, mul(square, 0.5))));
  const outside = select(eq(x, 0), f32(-Infinity), f32(NaN));
  return select(gt(x, 0), select(lt(x, Infinity), value, x), outside);
}

/** log u * x / (u - 1) with u = 1 + x rounded: the rounding of u cancels. */
function log1p(x: Expr): Expr {
  const u = add(x, 1);
  const d = sub(u, 1);
  const value = mul(log(u), div(x, d));
  return select(or(eq(d, 0), eq(x, Infinity)), x, value);
}

/** |x| = n pi/2 + r. */
function quadrant(x: Expr): { readonly n: Expr; readonly sine: Expr; readonly cosine: Expr } {
  const a = abs(x);
  const n = nearest(mul(a, 2 / Math.PI));
  const r = clamp(reduced(a, n.value, halfPi), -1, 1);
  const z = mul(r, r);
  const sine = add(mul(mul(r, z), polynomial(z, [-0.16666654, 0.008332101, -0.00019506694])), r);
  const cosine = add(mul(mul(z, z), polynomial(z, [0.041666646, -0.0013887291, 2.442876e-5])), sub(f32(1), mul(z, 0.5)));
  return { n: n.integer, sine, cosine };
}

const isOdd = (n: Expr) => eq(and(n, 1), 1);

function sin(x: Expr): Expr {
  const { n, sine, cosine } = quadrant(x);
  return withSign(select(isOdd(n), cosine, sine), xor(signOf(x), binary("shl", and(n, 2), 30)));
}

function cos(x: Expr): Expr {
  const { n, sine, cosine } = quadrant(x);
  return withSign(select(isOdd(n), sine, cosine), binary("shl", and(add(n, 1), 2), 30));
}

function tan(x: Expr): Expr {
  const { n, sine, cosine } = quadrant(x);
  const odd = isOdd(n);
  const ratio = div(select(odd, cosine, sine), select(odd, sine, cosine));
  return withSign(ratio, xor(signOf(x), binary("shl", n, 31)));
}

/** asin |x| up to 1/2, else t with asin |x| = pi/2 - 2 t. */
function arcsine(a: Expr): { readonly large: Expr; readonly t: Expr } {
  const large = gt(a, 0.5);
  const z = select(large, mul(sub(f32(1), a), 0.5), mul(a, a));
  const s = select(large, unary("sqrt", z), a);
  const tail = polynomial(z, [0.16666752, 0.07495307, 0.04546964, 0.024181498, 0.04216512]);
  return { large, t: add(mul(mul(s, z), tail), s) };
}

const piLow = -8.742277657347586e-8;
/** pi * share - x, with more digits of pi than f32 has. */
const piMinus = (share: number, x: Expr) => add(sub(f32(Math.PI * share), x), piLow * share);

function asin(x: Expr): Expr {
  const { large, t } = arcsine(abs(x));
  return withSign(select(large, piMinus(0.5, add(t, t)), t), signOf(x));
}

function acos(x: Expr): Expr {
  const { large, t } = arcsine(abs(x));
  const twice = add(t, t);
  const outer = select(lt(x, 0), piMinus(1, twice), twice);
  return select(large, outer, piMinus(0.5, withSign(t, signOf(x))));
}

/** atan t for |t| <= tan(pi/8). */
function atanInside(t: Expr): Expr {
  const z = mul(t, t);
  return add(mul(mul(t, z), polynomial(z, [-0.33333316, 0.19998527, -0.14244346, 0.105987534, -0.060888384])), t);
}

function atan(x: Expr): Expr {
  const a = abs(x);
  const large = gt(a, 1 + Math.SQRT2);
  const middle = gt(a, Math.SQRT2 - 1);
  const over = select(large, f32(-1), select(middle, sub(a, 1), a));
  const under = select(large, a, select(middle, add(a, 1), f32(1)));
  const base = select(large, f32(Math.PI / 2), select(middle, f32(Math.PI / 4), f32(0)));
  return withSign(add(base, atanInside(div(over, under))), signOf(x));
}

function atan2(y: Expr, x: Expr): Expr {
  const [a, b] = [abs(y), abs(x)];
  const steep = lt(b, a);
  const less = select(steep, b, a);
  const more = select(steep, a, b);
  // Two zeros stand for the ratio 0, two infinities for 1.
  const one = f32(1);
  const infinite = eq(less, Infinity);
  const low = select(infinite, one, less);
  const high = select(or(infinite, eq(more, 0)), one, more);
  const middle = lt(mul(high, Math.SQRT2 - 1), low);
  const over = select(middle, sub(mul(low, 0.5), mul(high, 0.5)), low);
  const under = select(middle, add(mul(low, 0.5), mul(high, 0.5)), high);
  const octant = add(select(middle, f32(Math.PI / 4), f32(0)), atanInside(div(over, under)));
  const right = select(steep, piMinus(0.5, octant), octant);
  const angle = select(lt(bits(x), 0), piMinus(1, right), right);
  return select(or(isNaN(x), isNaN(y)), f32(NaN), withSign(angle, signOf(y)));
}

function sinh(x: Expr): Expr {
  const a = abs(x);
  const half = exp(a, -1);
  const z = mul(a, a);
  const near = add(mul(mul(a, z), polynomial(z, [0.16666667, 0.0083333105, 0.00019842896, 2.7822132e-6])), a);
  return withSign(select(lt(a, 1), near, sub(half, div(f32(0.25), half))), signOf(x));
}

function cosh(x: Expr): Expr {
  const half = exp(abs(x), -1);
  return add(half, div(f32(0.25), half));
}

/** With E = e^(2|x|) - 1: E / (E + 2). */
function tanh(x: Expr): Expr {
  const e = expm1Inside(mul(binary("min", abs(x), 10), 2));
  return withSign(div(e, add(e, 2)), signOf(x));
}

/** Up to 1 an odd polynomial, beyond 1 - e^-g with g = -log erfc. */
function erf(x: Expr): Expr {
  const a = binary("min", abs(x), 4);
  const z = mul(a, a);
  const inner = [0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806904e-5];
  const near = add(mul(a, polynomial(z, inner)), a);
  const outer = [7.806815, 5.35268, 0.94389325, 0.0108602885, -0.0021559247, 0.00043895977, -5.87983e-5, 2.2135524e-5];
  const { n, p } = expParts(unary("neg", polynomial(sub(a, 2.5), outer)));
  const far = sub(f32(1), mul(add(p, 1), powerOfTwo(n)));
  return withSign(select(lt(a, 1), near, far), signOf(x));
}

/** A number in two parts of 12 bits each, whose products are exact. */
function split(x: Expr): readonly [high: Expr, low: Expr] {
  const high = float(and(bits(x), 0xfffff000 | 0));
  return [high, sub(x, high)];
}

function pow(x: Expr, y: Expr): Expr {
  return (y.kind === "const" ? constantPower(x, y.value) : undefined) ?? generalPower(x, y);
}

/** Powers that take less than the general formula. */
function constantPower(x: Expr, y: number): Expr | undefined {
  const square = mul(x, x);
  switch (y) {
    case 0:
      return f32(1);
    case 1:
      return x;
    case 2:
      return square;
    case 3:
      return mul(square, x);
    case 4:
      return mul(square, square);
    case -1:
      return div(f32(1), x);
    case -2:
      return div(f32(1), square);
    case 0.5:
      // Unlike the root, this power of -0 is 0 and of -infinity is infinity.
      return select(eq(x, -Infinity), f32(Infinity), unary("sqrt", add(x, 0)));
    default:
      return undefined;
  }
}

/**
 * |x|^y = 2^(y log2 |x|) with the logarithm and the product in two parts of f32, because an error in the exponent becomes a relative
 * error of the power; then signs and special values.
 */
function generalPower(x: Expr, y: Expr): Expr {
  const a = abs(x);
  const [high, low] = binaryLogarithm(a);
  const inRange = clamp(y, -1e12, 1e12);
  const [yHigh, yLow] = split(inRange);
  const [lHigh, lLow] = split(high);
  const zHigh = clamp(mul(yHigh, lHigh), -160, 160);
  const zLow = clamp(add(mul(yHigh, lLow), add(mul(yLow, high), mul(inRange, low))), -1, 1);
  const n = nearest(add(zHigh, zLow));
  const r = add(sub(zHigh, n.value), zLow);
  const tail = polynomial(r, [0.6931472, 0.24022648, 0.05550359, 0.009618505, 0.0013391458, 0.00015327815]);
  const finite = scaled(add(mul(r, tail), 1), n.integer);

  const zero = eq(a, 0);
  const infinite = eq(a, Infinity);
  const atEnds = select(xor(lt(y, 0), zero), f32(0), f32(Infinity));
  const magnitude = select(or(zero, infinite), atEnds, finite);
  const whole = eq(unary("trunc", y), y);
  const half = mul(y, 0.5);
  const odd = and(whole, binary("ne", unary("trunc", half), half));
  const signed = withSign(magnitude, and(signOf(x), select(odd, i32(signBit), i32(0))));
  const undefinedThere = and(lt(x, 0), unary("not", or(whole, infinite)));
  const value = select(or(undefinedThere, or(isNaN(x), isNaN(y))), f32(NaN), signed);
  return select(or(eq(y, 0), eq(x, 1)), f32(1), value);
}

/** log2 of a positive number in two parts: e + 2/ln 2 atanh t with t = (m - 1) / (m + 1), itself in two parts. */
function binaryLogarithm(a: Expr): readonly [high: Expr, low: Expr] {
  const { e, m } = exponentAndFraction(a);
  const [over, under] = [sub(m, 1), add(m, 1)];
  const underLost = sub(m, sub(under, 1));
  const t = div(over, under);
  const [tHigh, tLow] = split(t);
  const [uHigh, uLow] = split(under);
  const remainder = [mul(tHigh, uHigh), mul(tHigh, uLow), mul(tLow, uHigh), mul(tLow, uLow), mul(t, underLost)]
    .reduce((rest, product) => sub(rest, product), over);
  const z = mul(t, t);
  const series = mul(mul(t, z), polynomial(z, [0.33333388, 0.19988754, 0.14937082]));
  const rest = add(add(series, div(remainder, under)), tLow);
  const main = mul(tHigh, 2.884765625);
  const minor = add(mul(tHigh, 0.0006244567921385169), mul(rest, 2 / Math.LN2));
  const sum = add(e, main);
  const lost = add(add(sub(e, sum), main), minor);
  const high = add(sum, lost);
  return [high, sub(lost, sub(high, sum))];
}

const functions: Partial<Record<UnaryOp, (x: Expr) => Expr>> = {
  exp: (x) => exp(x),
  log,
  expm1,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  erf,
};
