/**
 * The functions of this folder in double precision, for devices that may call JavaScript: those of `Math`, and what it lacks, defines
 * otherwise than IEEE 754 or has with more than one unit in the last place of error, in pairs of doubles (`double_pairs.ts`). `wasm`
 * computes some by arithmetic (`doubles`).
 *
 * @module
 */
import { pairArithmetic } from "./double_pairs.ts";
import { doubleActivations } from "./double_activations.ts";
import { doubleErrorFunctions } from "./double_error_functions.ts";
import { doubleGamma } from "./double_gamma.ts";

/** What is made of exponentials. It stands alone, as all makers here do. */
function doubleFunctions(pairs: ReturnType<typeof pairArithmetic>) {
  const { add, div, expm1, expParts, log, log1p, mul, plus, product, scaled, sinCosPi, sqrt, sub, times, value } = pairs;
  /** Odd functions by their values for positive numbers. */
  const odd = (f: (a: number) => number) => (x: number): number => x > 0 ? f(x) : x < 0 ? -f(-x) : x;

  /** For a up to 40. */
  const sinhPair = (a: number) => {
    const e = expm1([a, 0]);
    return times(add(e, div(e, plus(e, 1))), 0.5);
  };
  const sinh = odd((a) => {
    if (a > 711) return Infinity;
    if (a <= 40) return value(sinhPair(a));
    const { n, p } = expParts([a, 0]);
    return scaled(plus(p, 1), n - 1);
  });
  const powersOfTwo = Array.from({ length: 65 }, (_, n) => 2 ** n);
  /** 1 / 6, 1 / 24, ..., by which powers of up to ln 2 / 2 add what can be noticed. */
  const ofExp = [6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800, 87178291200].map((k) => 1 / k);
  /**
   * e / (e + 2) with e = e^(2 a) - 1 = (2^n - 1) + 2^n p, each in two parts. Written out: pairs that are made for each step would take
   * most of the time.
   */
  const tanh = odd((a) => {
    if (a > 22) return 1;
    const n = Math.round(2 * a * Math.LOG2E);
    const least = n * 1.9082149292705877e-10;
    const most = 2 * a - n * 0.6931471803691238;
    const r = most - least;
    const rest = (most - r) - least;
    // p = r + r^2 / 2 + r^3 (1 / 6 + ...)
    const square = r * r;
    const wide = 134217729 * r;
    const high = wide - (wide - r), low = r - high;
    const squareLow = ((high * high - square) + 2 * high * low) + low * low;
    let series = 0;
    for (let k = ofExp.length - 1; k >= 0; k--) series = series * r + ofExp[k];
    const p = r + square / 2;
    const pLow = (square / 2 - (p - r)) + (r * square * series + (rest + rest * r + squareLow / 2));
    const scale = powersOfTwo[n], less = scale - 1;
    const scaled = scale * p;
    const sum = less + scaled, part = sum - less;
    const sumLow = ((less - (sum - part)) + (scaled - part)) + scale * pLow;
    const e = sum + sumLow, eLow = sumLow - (e - sum);
    const under = e + 2, two = under - e;
    const underLow = ((e - (under - two)) + (2 - two)) + eLow;
    const quotient = e / under;
    const [quotientWide, underWide] = [134217729 * quotient, 134217729 * under];
    const quotientHigh = quotientWide - (quotientWide - quotient), underHigh = underWide - (underWide - under);
    const quotientRest = quotient - quotientHigh, underRest = under - underHigh;
    const whole = quotient * under;
    const wholeLow = ((quotientHigh * underHigh - whole) + quotientHigh * underRest + quotientRest * underHigh) +
      quotientRest * underRest;
    return quotient + ((((e - whole) - wholeLow) + eLow) - quotient * underLow) / under;
  });
  /** From here on they are log(2 a). */
  const far = 2 ** 28;
  const logOfDouble = (a: number) => a === Infinity ? a : value(log([a, 0], 1));
  const asinh = odd((a) => {
    if (a > far) return logOfDouble(a);
    const square = product(a, a);
    return value(log1p(plus(div(square, plus(sqrt(plus(square, 1)), 1)), a)));
  });
  const acosh = (x: number): number => {
    if (!(x >= 1)) return NaN;
    if (x > far) return logOfDouble(x);
    const t = x - 1;
    return value(log1p(plus(sqrt(mul([t, 0], plus([t, 0], 2))), t)));
  };
  const atanh = odd((a) => {
    if (a >= 1) return a === 1 ? Infinity : NaN;
    return value(log1p(div([2 * a, 0], plus([-a, 0], 1)))) / 2;
  });
  /** The arctangent of s = sinh a: an angle near it, and the arctangent of (s - tan) / (1 + s tan), which is tiny. */
  const gudermannian = odd((a) => {
    if (a > 40) return Math.PI / 2;
    if (a < 1e-100) return a;
    const s = sinhPair(a);
    const turn = Math.atan(s[0]) / Math.PI;
    const [sine, cosine] = sinCosPi(turn);
    const rest = value(sub(mul(s, cosine), sine)) / (cosine[0] + s[0] * sine[0]);
    return value(plus(times([Math.PI, 1.2246467991473532e-16], turn), rest));
  });
  /** The root of the sum of the squares of numbers that are brought to a size at which squares neither overflow nor vanish. */
  const hypot = (x: number, y: number): number => {
    const large = Math.max(Math.abs(x), Math.abs(y));
    if (Math.abs(x) === Infinity || Math.abs(y) === Infinity) return Infinity;
    if (!(large > 0)) return large;
    const scale = large > 2 ** 400 ? 2 ** -600 : large < 2 ** -400 ? 2 ** 600 : 1;
    return value(sqrt(add(product(x * scale, x * scale), product(y * scale, y * scale)))) / scale;
  };
  /** As IEEE 754 has it: unlike in JavaScript, 1 to any power is 1, and so is -1 to an infinite one. */
  const pow = (x: number, y: number): number => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
  const exp2 = (x: number): number => 2 ** x;
  const rem = (x: number, y: number) => x % y;
  const { cbrt, exp, expm1: ownExpm1, log: ownLog, log2, log10, log1p: ownLog1p, sin, cos, tan, asin, acos, atan, cosh, atan2 } =
    Math;
  return {
    ...{ cbrt, exp, exp2, expm1: ownExpm1, log: ownLog, log2, log10, log1p: ownLog1p, pow, rem, hypot },
    ...{ sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, tanh, asinh, acosh, atanh, gudermannian },
  };
}

/** What one function makes of the results of the others. */
function assembled(
  pairs: ReturnType<typeof pairArithmetic>,
  functions: typeof doubleFunctions,
  activations: typeof doubleActivations,
  errorFunctions: typeof doubleErrorFunctions,
  gamma: typeof doubleGamma,
) {
  return { ...functions(pairs), ...activations(pairs), ...errorFunctions(pairs), ...gamma(pairs) };
}

let made: ReturnType<typeof assembled> | undefined;

/** The functions by name. */
export function doubleMath(): ReturnType<typeof assembled> {
  return made ??= assembled(pairArithmetic(), doubleFunctions, doubleActivations, doubleErrorFunctions, doubleGamma);
}

/** An expression whose value are these functions, for the script of another thread. */
export const doubleMathText =
  `(${assembled})((${pairArithmetic})(), ${doubleFunctions}, ${doubleActivations}, ${doubleErrorFunctions}, ${doubleGamma})`;

/** Their names. */
export type DoubleFunction = keyof ReturnType<typeof doubleMath>;
