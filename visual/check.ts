/**
 * What options have in common: they are counts.
 *
 * @module
 */

/** Checks that every option is an integer of at least `least`; `what` completes "cannot ...". */
export function atLeast(what: string, least: number, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`Cannot ${what} with ${name} ${value}: it must be an integer of at least ${least}`);
    }
  }
}
