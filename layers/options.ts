/**
 * Checks of options that several layers share.
 *
 * @module
 */

/**
 * A number of features, channels or groups.
 *
 * @throws {RangeError} If it is not a whole number of at least 1.
 */
export function positiveInteger(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number of at least 1, but is ${value}`);
  }
  return value;
}

/**
 * A probability.
 *
 * @throws {RangeError} If it is not in [0, 1].
 */
export function probability(value: number, name: string): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must be a probability in [0, 1], but is ${value}`);
  return value;
}

/**
 * A small positive number.
 *
 * @throws {RangeError} If it is not positive and finite.
 */
export function positive(value: number, name: string): number {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${name} must be positive and finite, but is ${value}`);
  return value;
}
