/**
 * The error function and its kin in double precision.
 *
 * @module
 */
import type { Pair, pairArithmetic } from "./double_pairs.ts";

/** Creates them. The function stands alone (no imports, no outer names), so that its text can be part of a script. */
export function doubleErrorFunctions(pairs: ReturnType<typeof pairArithmetic>) {
  const { add, div, expParts, mul, neg, over, plus, product, scaled, times, value } = pairs;
  const twoOverRootPi: Pair = [1.1283791670955126, 1.533545961316588e-17];
  const rootHalf: Pair = [0.7071067811865476, -4.833646656726457e-17];

  /** e^(-a^2) = 2^n m. */
  const gaussian = (a: number) => {
    const { n, p } = expParts(neg(product(a, a)));
    return { n, m: plus(p, 1) };
  };
  /** erf a = 2 / sqrt(pi) e^(-a^2) times the sum of 2^n a^(2n+1) / (2n+1)!! for a up to 2: all terms are positive. */
  const series = (a: number): Pair => {
    const square = times(product(a, a), 2);
    let term: Pair = [a, 0];
    let total = term;
    for (let n = 1; term[0] > total[0] * 1e-23; n++) {
      term = over(mul(term, square), 2 * n + 1);
      total = add(total, term);
    }
    const { n, m } = gaussian(a);
    return mul(mul(total, twoOverRootPi), times(m, 2 ** n));
  };
  /** erfc a = 2^n m for a from 2 on: the continued fraction, from the far end. Errors of its far part fade. */
  const complement = (a: number) => {
    let far = 0;
    for (let n = 100; n > 16; n--) far = n / 2 / (a + far);
    let tail: Pair = [far, 0];
    for (let n = 16; n > 0; n--) tail = div([n / 2, 0], plus(tail, a));
    const { n, m } = gaussian(a);
    return { n: n - 1, m: div(mul(m, twoOverRootPi), plus(tail, a)) };
  };

  const erf = (x: number): number => {
    const a = Math.abs(x);
    if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
    if (a < 1e-150) return x * twoOverRootPi[0] + x * twoOverRootPi[1];
    if (a < 2) return Math.sign(x) * value(series(a));
    const { n, m } = complement(a);
    return Math.sign(x) * value(plus(neg(times(m, 2 ** n)), 1));
  };
  const erfc = (x: number): number => {
    if (Number.isNaN(x)) return x;
    if (x < -2) return 1 + erf(-x);
    if (x < 2) return Math.abs(x) < 1e-20 ? 1 : value(plus(x < 0 ? series(-x) : neg(series(x)), 1));
    if (x > 28) return 0;
    const { n, m } = complement(x);
    return scaled(m, n);
  };
  /** x erfc(-x / sqrt 2) / 2 */
  const gelu = (x: number): number => {
    if (!(Math.abs(x) < 39)) return x > 0 ? x : x < 0 ? -0 : x;
    if (Math.abs(x) < 1e-150) return x / 2;
    const z = times(rootHalf, Math.abs(x));
    // erfc(high + low), low being tiny.
    const slope = -Math.exp(-z[0] * z[0]) * twoOverRootPi[0] * z[1];
    if (x > -2 / Math.SQRT1_2) {
      const inner = plus(z[0] < 2 ? series(z[0]) : [erf(z[0]), 0], -slope);
      return value(times(plus(x < 0 ? neg(inner) : inner, 1), x / 2));
    }
    const { n, m } = complement(z[0]);
    // Of the complement the slope is about -2 z of itself, which its fraction has more precisely.
    const { m: density, n: power } = gaussian(z[0]);
    const corrected = plus(m, -value(mul(density, twoOverRootPi)) * 2 ** (power - n) * z[1]);
    return scaled(times(corrected, x), n - 1);
  };
  /** A guess by S. Winitzki, refined by Halley's method on erf x = a or, close to 1, on erfc x = 1 - a, which is exact there. */
  const erfinv = (y: number): number => {
    const a = Math.abs(y);
    if (!(a < 1)) return a === 1 ? y * Infinity : NaN;
    if (a < 1e-150) return y / twoOverRootPi[0];
    const w = -Math.log1p(-a) - Math.log1p(a);
    const [b, c] = [4.330746750799873 - w / 2, w / 0.147];
    const root = Math.sqrt(b * b + c);
    let x = Math.sqrt(b > 0 ? c / (root + b) : root - b);
    for (let step = 0; step < 3; step++) {
      const rest = x < 2 ? value(plus(series(x), -a)) : 1 - a - erfc(x);
      const u = rest / (twoOverRootPi[0] * Math.exp(-x * x));
      x -= u / (1 + x * u);
    }
    return Math.sign(y) * x;
  };
  return { erf, erfc, erfinv, gelu };
}
