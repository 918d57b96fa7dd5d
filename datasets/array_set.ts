/**
 * What is done with a set of arrays: told from images, and cut into parts.
 *
 * @module
 */
import type { ArrayBatch, Arrays, ArraySet } from "./arrays.ts";
import { gatherArrays as gather } from "./loader/make.ts";

/** Whether a set is one of arrays. */
export function isArraySet(set: object): set is ArraySet {
  return typeof set === "object" && set !== null && "arrays" in set && "shapes" in set;
}

/** The examples at some indices, copied; they are in the set. */
export function gatherArrays<F extends Arrays>(set: ArraySet<F>, indices: ArrayLike<number>): F {
  const { count: _, shapes: __, ...arrays } = arrayBatch(set, indices);
  return arrays as unknown as F;
}

/** The batch of the examples at some indices. */
export function arrayBatch<F extends Arrays>(set: ArraySet<F>, indices: ArrayLike<number>): ArrayBatch<F> {
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    if (!Number.isInteger(from) || from < 0 || from >= set.count) {
      throw new RangeError(`Cannot take example ${from} of ${set.count}: indices are integers from 0 to ${set.count - 1}`);
    }
  }
  return gather(set, indices) as ArrayBatch<F>;
}
