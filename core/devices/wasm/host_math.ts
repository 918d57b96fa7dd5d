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
  /** As IEEE 754 has it: unlike in JavaScript, 1 to any power is 1, and so is -1 to an infinite one. */
  const pow = (x: number, y: number): number => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
  /** The low 32 bits of x^y, signed; the reciprocal truncated for negative y. */
  const integerPow = (x: number, y: number): number => {
    if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 === 0 ? 1 : -1) : 0;
    let product = 1;
    let square = x;
    for (let left = y; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) product = Math.imul(product, square);
      square = Math.imul(square, square);
    }
    return product;
  };
  const rem = (x: number, y: number) => x % y;
  const { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, atan2 } = Math;
  return { exp, log, expm1, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, pow, integerPow, atan2, rem };
}
