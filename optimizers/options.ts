/**
 * Checks of options that several optimizers share.
 *
 * @module
 */

/**
 * A share of something.
 *
 * @throws {RangeError} If it is not in [0, 1].
 */
export function fraction(value: number, name: string): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must be in [0, 1], but is ${value}`);
  return value;
}

/**
 * The weight of the past in a running mean.
 *
 * @throws {RangeError} If it is not in [0, 1).
 */
export function memory(value: number, name: string): number {
  if (!(value >= 0 && value < 1)) throw new RangeError(`${name} must be in [0, 1), but is ${value}`);
  return value;
}

/**
 * A number that is 0 or more.
 *
 * @throws {RangeError} If it is negative or not finite.
 */
export function notNegative(value: number, name: string): number {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name} must be at least 0 and finite, but is ${value}`);
  return value;
}

/**
 * A number above 0.
 *
 * @throws {RangeError} If it is not positive and finite.
 */
export function positive(value: number, name: string): number {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${name} must be positive and finite, but is ${value}`);
  return value;
}

/**
 * A count of steps.
 *
 * @throws {RangeError} If it is not a whole number of at least `least`.
 */
export function count(value: number, name: string, least = 1): number {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, but is ${value}`);
  }
  return value;
}
