/**
 * The functions of this folder in double precision, for devices that may call JavaScript: those of `Math`, and what it lacks or
 * defines otherwise than IEEE 754.
 *
 * @module
 */

/**
 * Creates them. The function stands alone (no imports, no outer names), so that its text can be the script of another thread.
 */
export function doubleMath() {
  /**
   * The error function: its power series with positive terms, erf x = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, and
   * for larger x the continued fraction of its complement, evaluated from the far end. About one unit in the last place.
   */
  const erf = (x: number): number => {
    const a = Math.abs(x);
    if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
    const scale = Math.exp(-a * a) / Math.sqrt(Math.PI);
    if (a < 2.5) {
      let term = a;
      let sum = a;
      for (let n = 1; term > sum * 1e-18; n++) {
        term *= 2 * a * a / (2 * n + 1);
        sum += term;
      }
      return Math.sign(x) * 2 * scale * sum;
    }
    let tail = 0;
    for (let n = 120; n > 0; n--) tail = n / 2 / (a + tail);
    return Math.sign(x) * (1 - scale / (a + tail));
  };
  /** As IEEE 754 has it: unlike in JavaScript, 1 to any power is 1, and so is -1 to an infinite one. */
  const pow = (x: number, y: number): number => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
  const rem = (x: number, y: number) => x % y;
  const { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, atan2 } = Math;
  return { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, pow, atan2, rem };
}

/** Their names. */
export type DoubleFunction = keyof ReturnType<typeof doubleMath>;
