/**
 * The functions of this folder in double precision, for devices that may call JavaScript: those of `Math`, and what it lacks, defines
 * otherwise than IEEE 754 or has with more than one unit in the last place of error, in pairs of doubles (`double_pairs.ts`).
 *
 * @module
 */
import { pairArithmetic } from "./double_pairs.ts";
import { doubleErrorFunctions } from "./double_error_functions.ts";
import { doubleGamma } from "./double_gamma.ts";

/** What is made of exponentials. It stands alone, as all makers here do. */
function doubleFunctions(pairs: ReturnType<typeof pairArithmetic>) {
  const { add, div, expm1, expParts, log, log1p, mul, plus, product, scaled, sqrt, times, value } = pairs;
  /** Odd functions by their values for positive numbers. */
  const odd = (f: (a: number) => number) => (x: number): number => x > 0 ? f(x) : x < 0 ? -f(-x) : x;

  const sinh = odd((a) => {
    if (a > 711) return Infinity;
    if (a > 40) {
      const { n, p } = expParts([a, 0]);
      return scaled(plus(p, 1), n - 1);
    }
    const e = expm1([a, 0]);
    return value(times(add(e, div(e, plus(e, 1))), 0.5));
  });
  const tanh = odd((a) => {
    if (a > 22) return 1;
    const e = expm1([2 * a, 0]);
    return value(div(e, plus(e, 2)));
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
  /** e^-|x| = 2^n m over 1 + e^-|x|, times a factor. */
  const decaying = (x: number, factor: number): number => {
    const { n, p } = expParts([-Math.abs(x), 0]);
    const m = plus(p, 1);
    const scale = 2 ** Math.max(n, -1000);
    const e = [m[0] * scale, m[1] * scale] as const;
    const under = plus(e, 1);
    return x < 0 ? scaled(times(div(m, under), factor), n) : value(div([factor, 0], under));
  };
  const sigmoid = (x: number): number => x > 40 ? 1 : x < -750 ? 0 : Number.isNaN(x) ? x : decaying(x, 1);
  const silu = (x: number): number => x > 40 ? x : x < -800 ? -0 : x === 0 ? x : Number.isNaN(x) ? x : decaying(x, x);
  /** As IEEE 754 has it: unlike in JavaScript, 1 to any power is 1, and so is -1 to an infinite one. */
  const pow = (x: number, y: number): number => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
  const exp2 = (x: number): number => 2 ** x;
  const rem = (x: number, y: number) => x % y;
  const { cbrt, exp, expm1: ownExpm1, log: ownLog, log2, log10, log1p: ownLog1p, sin, cos, tan, asin, acos, atan, cosh, atan2 } =
    Math;
  return {
    ...{ cbrt, exp, exp2, expm1: ownExpm1, log: ownLog, log2, log10, log1p: ownLog1p, sigmoid, silu, pow, rem },
    ...{ sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, tanh, asinh, acosh, atanh },
  };
}

/** What one function makes of the results of the others. */
function assembled(
  pairs: ReturnType<typeof pairArithmetic>,
  functions: typeof doubleFunctions,
  errorFunctions: typeof doubleErrorFunctions,
  gamma: typeof doubleGamma,
) {
  return { ...functions(pairs), ...errorFunctions(pairs), ...gamma(pairs) };
}

let made: ReturnType<typeof assembled> | undefined;

/** The functions by name. */
export function doubleMath(): ReturnType<typeof assembled> {
  return made ??= assembled(pairArithmetic(), doubleFunctions, doubleErrorFunctions, doubleGamma);
}

/** An expression whose value are these functions, for the script of another thread. */
export const doubleMathText =
  `(${assembled})((${pairArithmetic})(), ${doubleFunctions}, ${doubleErrorFunctions}, ${doubleGamma})`;

/** Their names. */
export type DoubleFunction = keyof ReturnType<typeof doubleMath>;
