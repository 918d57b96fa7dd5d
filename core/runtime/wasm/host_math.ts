/**
 * Functions of f64 that programs import from JavaScript.
 *
 * @module
 */

/**
 * Creates them. The function stands alone (no imports, no outer names), because its text is also part of the worker's.
 */
export function hostMath(): Record<string, (x: number, y: number) => number> {
  /**
   * The error function: its power series with positive terms, erf x = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, and
   * for larger x the continued fraction of its complement, evaluated from the far end.
   */
  const erf = (x: number): number => {
    const a = Math.abs(x);
    if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
    const scale = Math.exp(-a * a) / Math.sqrt(Math.PI);
    if (a < 2.5) {
      let term = a;
      let sum = a;
      for (let n = 1; term > sum * 1e-17; n++) {
        term *= 2 * a * a / (2 * n + 1);
        sum += term;
      }
      return (x < 0 ? -2 : 2) * scale * sum;
    }
    let tail = 0;
    for (let n = 60; n > 0; n--) tail = n / 2 / (a + tail);
    return Math.sign(x) * (1 - scale / (a + tail));
  };
  const { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, pow, atan2 } = Math;
  const rem = (x: number, y: number) => x % y;
  return { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, pow, atan2, rem };
}
