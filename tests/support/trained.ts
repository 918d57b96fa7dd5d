/**
 * What `tests/distributed/programs/train.ts` reports of the parameters that it ends with.
 *
 * @module
 */

/** What one process has ended with. */
export interface Trained {
  readonly rank: number;
  /** Of all parameters, bit by bit. */
  readonly digest: string;
  /** Fifty of the parameters at most, from all over. */
  readonly sample: readonly number[];
}

/** The digests that occur: one, if all have the same bits. */
export const digests = (trained: readonly Trained[]) => new Set(trained.map(({ digest }) => digest));

/** How far the parameters of `a` are from those of `b`, in units of the norm of these. */
export function relativeDistance(a: Trained, b: Trained): number {
  return Math.hypot(...a.sample.map((value, i) => value - b.sample[i])) / Math.hypot(...b.sample);
}
