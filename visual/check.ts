/**
 * What options have in common: they are counts.
 *
 * @module
 */

/** No picture is larger: a mistaken size must not take all memory. */
const most = 100_000;

/** Checks that every option is an integer of at least `least`, and not enormous; `what` completes "cannot ...". */
export function atLeast(what: string, least: number, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(
        `Cannot ${what} with ${name} ${value}: it must be an integer of at least ${least}${
          value > most ? ` and at most ${most}` : ""
        }`,
      );
    }
  }
}
