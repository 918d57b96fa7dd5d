/**
 * Arithmetic on pairs of doubles that stand for their sum, twice as precise, and the elementary functions of such pairs: what
 * functions of doubles are computed in where a double's own rounding would show (T. J. Dekker, 1971; Y. Hida, X. S. Li and D. H. Bailey,
 * "Library for double-double and quad-double arithmetic", 2007).
 *
 * @module
 */

/** The sum of both, the second less than half a unit in the last place of the first. */
export type Pair = readonly [high: number, low: number];

/** Creates them. The function stands alone (no imports, no outer names), so that its text can be part of a script. */
export function pairArithmetic() {
  const sum = (x: number, y: number): Pair => {
    const s = x + y;
    const z = s - x;
    return [s, (x - (s - z)) + (y - z)];
  };
  /** The same where |x| is not below |y|. */
  const joined = (x: number, y: number): Pair => {
    const s = x + y;
    return [s, y - (s - x)];
  };
  const product = (x: number, y: number): Pair => {
    const p = x * y;
    const a = 134217729 * x, b = 134217729 * y;
    const xh = a - (a - x), yh = b - (b - y);
    const xl = x - xh, yl = y - yh;
    return [p, ((xh * yh - p) + xh * yl + xl * yh) + xl * yl];
  };
  const add = (x: Pair, y: Pair): Pair => {
    const high = sum(x[0], y[0]), low = sum(x[1], y[1]);
    const both = joined(high[0], high[1] + low[0]);
    return joined(both[0], both[1] + low[1]);
  };
  const times = (x: Pair, y: number): Pair => {
    const p = product(x[0], y);
    return joined(p[0], p[1] + x[1] * y);
  };
  const mul = (x: Pair, y: Pair): Pair => {
    const p = product(x[0], y[0]);
    return joined(p[0], p[1] + (x[0] * y[1] + x[1] * y[0]));
  };
  const neg = (x: Pair): Pair => [-x[0], -x[1]];
  const sub = (x: Pair, y: Pair): Pair => add(x, neg(y));
  const plus = (x: Pair, y: number): Pair => {
    const s = sum(x[0], y);
    return joined(s[0], s[1] + x[1]);
  };
  const div = (x: Pair, y: Pair): Pair => {
    const first = x[0] / y[0];
    const rest = sub(x, times(y, first));
    const second = rest[0] / y[0];
    const third = sub(rest, times(y, second))[0] / y[0];
    return plus(joined(first, second), third);
  };
  const over = (x: Pair, y: number): Pair => {
    const first = x[0] / y;
    const p = product(first, y);
    return joined(first, ((x[0] - p[0]) - p[1] + x[1]) / y);
  };
  const sqrt = (x: Pair): Pair => {
    const root = Math.sqrt(x[0]);
    if (root === 0 || root === Infinity) return [root, 0];
    return joined(root, sub(x, product(root, root))[0] / (2 * root));
  };
  /** c0 + c1 x + ..., in doubles. */
  const polynomial = (x: number, coefficients: readonly number[]): number => {
    let y = 0;
    for (let k = coefficients.length - 1; k >= 0; k--) y = y * x + coefficients[k];
    return y;
  };
  const value = (x: Pair): number => x[0] + x[1];
  /** The sum of a pair times 2^n, rounded to a double. */
  const scaled = (x: Pair, n: number): number => {
    const half = Math.trunc(n / 2);
    return value(x) * 2 ** half * 2 ** (n - half);
  };

  /** ln 2: the first part has 33 bits, so that products with exponents are exact. */
  const ln2: Pair = [0.6931471803691238, 1.9082149292705877e-10];
  /** 1 / k!, of which products with r^6 and more lose nothing in doubles. */
  const sixth: Pair = [0.16666666666666666, 9.25185853854297e-18];
  const quarter: Pair = [0.041666666666666664, 2.3129646346357427e-18];
  const fifth: Pair = [0.008333333333333333, 1.1564823173178714e-19];
  const reciprocals = Array.from({ length: 24 }, (_, k) => {
    let factorial = 1;
    for (let i = 2; i <= k; i++) factorial *= i;
    return 1 / factorial;
  });
  const ofExp = reciprocals.slice(6, 20);
  const alternating = (from: number) => Array.from({ length: 8 }, (_, k) => (k % 2 ? -1 : 1) * reciprocals[from + 2 * k]);
  const [ofSine, ofCosine] = [alternating(7), alternating(6)];

  /** e^x = 2^n (1 + p). */
  const expParts = (x: Pair): { readonly n: number; readonly p: Pair } => {
    const n = Math.round(x[0] * Math.LOG2E);
    const r = sub(plus(x, -n * ln2[0]), product(n, ln2[1]));
    const rest = plus(fifth, r[0] * polynomial(r[0], ofExp));
    // r + r^2 (1/2 + r (1/6 + r (1/24 + r rest)))
    const inner = add(sixth, mul(r, add(quarter, mul(r, rest))));
    return { n, p: add(r, mul(mul(r, r), plus(mul(r, inner), 0.5))) };
  };
  /** e^x - 1 for |x| up to 700. */
  const expm1 = (x: Pair): Pair => {
    const { n, p } = expParts(x);
    if (n === 0) return p;
    const scale = 2 ** n;
    return plus(plus([p[0] * scale, p[1] * scale], scale), -1);
  };
  /** log(1 + x), one step of Newton's method behind the double's. */
  const log1p = (x: Pair): Pair => {
    const y = Math.log1p(x[0]);
    if (!Number.isFinite(y) || x[0] === 0) return [y, 0];
    const e = expm1([-y, 0]);
    const z = value(add(x, add(e, mul(x, e))));
    return joined(y, z);
  };
  /** log(2^shift x) for a positive normal number. */
  const log = (x: Pair, shift = 0): Pair => {
    const n = Math.round(Math.log2(x[0]));
    const half = Math.trunc(n / 2);
    const [first, second] = [2 ** -half, 2 ** (half - n)];
    const y = log1p(plus([x[0] * first * second, x[1] * first * second], -1));
    return add(plus(y, (n + shift) * ln2[0]), product(n + shift, ln2[1]));
  };

  /** sin(pi x) and cos(pi x) for |x| up to 1/2. */
  const sinCosPi = (x: number): readonly [sine: Pair, cosine: Pair] => {
    const small = Math.abs(x) <= 0.25;
    const r = times([Math.PI, 1.2246467991473532e-16], small ? x : 0.5 - Math.abs(x));
    const square = mul(r, r);
    const z = square[0];
    // r (1 - r^2 (1/6 - r^2 (1/120 - ...))), 1 - r^2 (1/2 - r^2 (1/24 - ...))
    const ofCube = sub(sixth, mul(square, plus(fifth, -z * polynomial(z, ofSine))));
    const ofSquare = plus(neg(mul(square, plus(quarter, -z * polynomial(z, ofCosine)))), 0.5);
    const sine = sub(r, mul(mul(r, square), ofCube));
    const cosine = plus(neg(mul(square, ofSquare)), 1);
    return small ? [sine, cosine] : [x < 0 ? neg(cosine) : cosine, sine];
  };

  return {
    sum,
    product,
    add,
    sub,
    mul,
    div,
    over,
    neg,
    plus,
    times,
    sqrt,
    value,
    scaled,
    polynomial,
    expParts,
    expm1,
    log1p,
    log,
    sinCosPi,
  };
}
