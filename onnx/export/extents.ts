/**
 * Extents that depend on the batch: what is known of a shape from tracing a function at several batch sizes.
 *
 * @module
 */
import type { Shape } from "../../core/shape.ts";

/** `per` for each example of the batch, and `plus` more. */
export interface BatchExtent {
  readonly per: number;
  readonly plus: number;
}

/** An extent: a number, or one that grows with the batch. */
export type Extent = number | BatchExtent;

/** The number that has these values at the batch sizes; undefined if it is not a whole multiple of the batch and a constant. */
export function extentOf(values: readonly number[], sizes: readonly number[]): Extent | undefined {
  if (values.every((value) => value === values[0])) return values[0];
  const per = (values[1] - values[0]) / (sizes[1] - sizes[0]);
  const plus = values[0] - per * sizes[0];
  const fits = Number.isInteger(per) && Number.isInteger(plus) && values.every((value, i) => value === per * sizes[i] + plus);
  return fits ? { per, plus } : undefined;
}

export function sameExtent(a: Extent, b: Extent): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return a.per === b.per && a.plus === b.plus;
}

/** Whether two shapes are equal at every batch size. */
export function sameExtents(a: readonly Extent[], b: readonly Extent[]): boolean {
  return a.length === b.length && a.every((extent, i) => sameExtent(extent, b[i]));
}

/** The product of extents, of which at most one may grow with the batch; undefined otherwise. */
export function productOf(extents: readonly Extent[]): Extent | undefined {
  return extents.reduce<Extent | undefined>((product, extent) => {
    if (product === undefined) return undefined;
    const [a, b] = typeof product === "number" ? [product, extent] : [extent, product];
    if (typeof a !== "number") return undefined;
    return typeof b === "number" ? a * b : { per: a * b.per, plus: a * b.plus };
  }, 1);
}

/** What to call an extent in a file, where equal names are equal extents. */
export function nameOfExtent({ per, plus }: BatchExtent): string {
  const batch = per === 1 ? "batch" : `${per}*batch`;
  return plus === 0 ? batch : `${batch}${plus < 0 ? "" : "+"}${plus}`;
}

/** Batch sizes to trace at: not 1, which broadcasts, and none that is the extent of something else. */
export function batchSizes(taken: readonly Shape[]): readonly number[] {
  const extents = new Set(taken.flat());
  const isPrime = (n: number) => Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).every((i) => n % i !== 0);
  const sizes: number[] = [];
  for (let n = 5; sizes.length < 3; n++) if (isPrime(n) && !extents.has(n)) sizes.push(n);
  return sizes;
}
