/**
 * Values of the benches' flags.
 *
 * @module
 */
import { InvalidArgumentError } from "../dev_deps.ts";

/** Reads an integer of at least `min`. */
export function integer(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min) {
      throw new InvalidArgumentError(`It must be an integer of at least ${min}.`);
    }
    return value;
  };
}

/** Reads names separated by commas, each one of `known`. */
export function namesOf<N extends string>(known: readonly N[]): (text: string) => N[] {
  return (text) =>
    text.split(",").map((name) => {
      const found = known.find((each) => each === name);
      if (!found) throw new InvalidArgumentError(`There is no "${name}", only ${known.join(", ")}.`);
      return found;
    });
}

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
