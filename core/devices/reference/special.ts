/**
 * Functions that JavaScript's `Math` lacks, beside those of `ir/functions/double.ts`. The reference takes functions from there, not from
 * their expansions: it is what those are compared with.
 *
 * @module
 */

/** To the nearest whole number, halves to the even one. */
export function roundHalfEven(x: number): number {
  if (!Number.isFinite(x)) return x;
  const floor = Math.floor(x);
  const over = x - floor;
  const up = over > 0.5 || (over === 0.5 && floor % 2 !== 0);
  const rounded = up ? floor + 1 : floor;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

/** x^y for 32-bit integers, wrapping; a negative exponent gives the reciprocal truncated. */
export function integerPower(x: number, y: number): number {
  if (y < 0) {
    if (x === 1) return 1;
    if (x === -1) return y % 2 === 0 ? 1 : -1;
    return 0;
  }
  let product = 1;
  let square = x;
  for (let left = y; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = Math.imul(product, square);
    square = Math.imul(square, square);
  }
  return product;
}
