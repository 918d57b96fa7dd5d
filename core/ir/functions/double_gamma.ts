/**
 * The logarithm of the gamma function and its derivative in double precision.
 *
 * @module
 */
import type { Pair, pairArithmetic } from "./double_pairs.ts";

/** Creates them. The function stands alone (no imports, no outer names), so that its text can be part of a script. */
export function doubleGamma(pairs: ReturnType<typeof pairArithmetic>) {
  const { add, div, log, mul, neg, plus, polynomial, product, sinCosPi, sub, times, value } = pairs;
  const pi: Pair = [Math.PI, 1.2246467991473532e-16];
  const euler: Pair = [0.5772156649015329, -4.942915152430645e-18];
  const halfLogTwoPi: Pair = [0.9189385332046728, -3.8782941580672414e-17];
  /** Half of zeta(2) - 1. */
  const half: Pair = [0.3224670334241132, 1.520336175199238e-17];
  /** zeta(k) - 1 from k = 3 on. */
  const zetas = [
    0.2020569031595943,
    0.08232323371113819,
    0.03692775514336993,
    0.01734306198444914,
    0.008349277381922827,
    0.00407735619794434,
    0.0020083928260822143,
    0.0009945751278180853,
    0.0004941886041194645,
    0.0002460865533080483,
    0.00012271334757848915,
    6.124813505870483e-5,
    3.058823630702049e-5,
    1.528225940865187e-5,
    7.637197637899763e-6,
    3.81729326499984e-6,
    1.908212716553939e-6,
    9.539620338727962e-7,
    4.769329867878064e-7,
    2.38450502727733e-7,
    1.1921992596531106e-7,
    5.960818905125948e-8,
    2.980350351465228e-8,
    1.4901554828365043e-8,
    7.45071178983543e-9,
    3.725334024788457e-9,
  ];
  /** Bernoulli numbers B(4), B(6), ... */
  const bernoulli = [-1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330];
  const twelfth: Pair = [0.08333333333333333, 4.625929269271485e-18];

  /** log gamma(2 + d) for |d| up to 1/4: the zero at d = 0 is a factor. */
  const nearTwo = (d: number): Pair => {
    const rest = polynomial(-d, ofNearTwo) * -d * d * d;
    return plus(add(times(plus(neg(euler), 1), d), mul(half, product(d, d))), rest);
  };
  /** From here on the asymptotic series. */
  const far = 20;
  /** Corrections behind the first: the sum of B(2 k) / divisor(k) z^(2 - 2 k) from k = 2 on. */
  const corrections = (divisor: (k: number) => number) => {
    const coefficients = bernoulli.map((b, i) => b / divisor(i + 2));
    return (z: number) => polynomial(1 / (z * z), coefficients) / (z * z);
  };
  const ofLogarithm = corrections((k) => 2 * k * (2 * k - 1));
  const ofSlope = corrections((k) => 2 * k);
  const ofNearTwo = zetas.map((zeta, k) => zeta / (k + 3));
  const stirling = (z: Pair): Pair => {
    const rest = plus(div(twelfth, z), ofLogarithm(z[0]) / z[0]);
    return add(add(sub(mul(plus(z, -0.5), log(z)), z), halfLogTwoPi), rest);
  };
  /** log gamma z for positive z = x, or 1 - x. */
  const logGamma = (z: Pair): Pair => {
    if (z[0] > 1e17) {
      // Scaled, because products of pairs take the factors apart, which must not overflow.
      const [high, low] = times(plus(log(z), -1), z[0] * 2 ** -64);
      return [high * 2 ** 64, low * 2 ** 64];
    }
    let shifted = z;
    let factor: Pair = [1, 0];
    while (shifted[0] < far) {
      factor = mul(factor, shifted);
      shifted = plus(shifted, 1);
    }
    return sub(stirling(shifted), log(factor));
  };
  const lgamma = (x: number): number => {
    if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Infinity;
    if (x <= 0 && Number.isInteger(x)) return Infinity;
    if (Math.abs(x) < 1e-280) return -Math.log(Math.abs(x));
    if (Math.abs(x - 2) <= 0.25) return value(nearTwo(x - 2));
    // log gamma(1 + d) = log gamma(2 + d) - log(1 + d)
    if (Math.abs(x - 1) <= 0.25) return value(sub(nearTwo(x - 1), log([x, 0])));
    if (x > 0) return value(logGamma([x, 0]));
    // |gamma(x) gamma(1 - x)| = pi / |sin(pi x)|
    const [sine] = sinCosPi(x - Math.round(x));
    const size: Pair = sine[0] < 0 ? neg(sine) : sine;
    return value(sub(log(div(pi, size)), logGamma(plus([-x, 0], 1))));
  };
  /** The sum of 1 / (z + k) is taken away until the asymptotic series holds. */
  const logSlope = (z: Pair): Pair => {
    let shifted = z;
    let taken: Pair = [0, 0];
    while (shifted[0] < far) {
      taken = add(taken, div([1, 0], shifted));
      shifted = plus(shifted, 1);
    }
    const u = div([1, 0], shifted);
    const rest = plus(add(times(u, 0.5), mul(mul(u, u), twelfth)), u[0] * u[0] * ofSlope(shifted[0]));
    return sub(sub(log(shifted), rest), taken);
  };
  /** The zero of digamma above 0, and the function by the distance from it: its derivatives there over factorials. */
  const zero: Pair = [1.4616321449683622, 9.549995429965697e-17];
  const [slope, curvature]: readonly Pair[] = [
    [0.9676722454476212, -3.387874303038943e-17],
    [-0.4427631689835921, -2.4685968258808798e-17],
  ];
  const atZero = [
    0.258499760955651,
    -0.16394270544240652,
    0.10782405069126237,
    -0.07219956125645471,
    0.04880428816414311,
    -0.03316112647484736,
    0.022597648232218104,
    -0.01542476590494896,
    0.010538791616612175,
    -0.007204534386356869,
    0.004926781395729853,
    -0.003369801655439328,
    0.002305126326734928,
    -0.0015769367714301972,
    0.0010788252019162967,
  ];
  const nearZero = (x: number): number => {
    const d = plus([x - zero[0], 0], -zero[1]);
    const rest = d[0] * d[0] * polynomial(d[0], atZero);
    return value(mul(d, plus(add(slope, mul(curvature, d)), rest)));
  };
  const digamma = (x: number): number => {
    if (Math.abs(x - zero[0]) < 0.1) return nearZero(x);
    if (!Number.isFinite(x)) return x === Infinity ? x : NaN;
    if (Math.abs(x) < 1e-200) return -1 / x;
    if (x < 0 && Number.isInteger(x)) return NaN;
    if (x > 1e17) return Math.log(x);
    if (x > 0) return value(logSlope([x, 0]));
    const [sine, cosine] = sinCosPi(x - Math.round(x));
    return value(sub(logSlope(plus([-x, 0], 1)), mul(pi, div(cosine, sine))));
  };
  return { lgamma, digamma };
}
