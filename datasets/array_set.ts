/**
 * What is done with a set of arrays: told from images, and cut into parts.
 *
 * @module
 */
import type { ArrayBatch, Arrays, ArraySet } from "./arrays.ts";
import { gatherArrays as gather } from "./loader/make.ts";
import { anArraySet } from "./option_kinds.ts";

/** Whether a set is one of arrays. */
export function isArraySet(set: object): set is ArraySet {
  return anArraySet.holds(set);
}

/** The examples at some indices, copied; they are in the set. */
export function gatherArrays<F extends Arrays>(set: ArraySet<F>, indices: ArrayLike<number>): F {
  const { count: _, shapes: __, ...arrays } = arrayBatch(set, indices);
  return arrays as unknown as F;
}

/** The batch of the examples at some indices, copied; they are in the set. */
export function arrayBatch<F extends Arrays>(set: ArraySet<F>, indices: ArrayLike<number>): ArrayBatch<F> {
  return gather(set, indices) as ArrayBatch<F>;
}
