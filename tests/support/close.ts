/**
 * Comparing lists of numbers with a tolerance.
 *
 * @module
 */

/** How far a value may be from the expected one: absolute + relative * |expected|. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** No difference allowed. */
export const exact: Tolerance = { relative: 0, absolute: 0 };

/** The smallest normal f32: devices may round smaller values to zero. */
export const smallestNormal = 2 ** -126;

/**
 * What may be lost on a real GPU: it takes numbers below the smallest normal one for 0 wherever they occur, and what is computed from
 * them may be a little larger.
 */
export const flushedSize = 2 ** -118;

/** Whether two numbers agree: NaN with NaN, an infinity with itself, else within the tolerance; the sign of zero does not count. */
export function isClose(actual: number, expected: number, { relative, absolute }: Tolerance): boolean {
  if (Number.isNaN(expected) || !Number.isFinite(expected) || !Number.isFinite(actual)) {
    return actual === expected || (Number.isNaN(actual) && Number.isNaN(expected));
  }
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected);
}

/**
 * Asserts that two lists agree element by element.
 *
 * @throws {Error} With the worst few elements, if they do not.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  what: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} elements, expected ${expected.length}`);
  }
  const wrong: number[] = [];
  for (let i = 0; i < expected.length; i++) if (!isClose(actual[i], expected[i], tolerance)) wrong.push(i);
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, 5).map((i) => `  [${i}] is ${actual[i]}, expected ${expected[i]}`).join("\n");
  throw new Error(
    `${what}: ${wrong.length} of ${expected.length} elements differ ` +
      `(relative ${tolerance.relative}, absolute ${tolerance.absolute})\n${shown}`,
  );
}
