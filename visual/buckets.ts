/**
 * Histograms as TensorBoard keeps them: counts in intervals that grow by a tenth from 1e-12 to 1e20, on both sides of zero, so
 * that numbers of any size can be counted without knowing them.
 *
 * @see tensorflow/core/lib/histogram/histogram.cc
 * @module
 */
import { bisectRight } from "./deps.ts";

/** Counted numbers. Bucket i holds those below `limits[i]` and not below `limits[i - 1]`. */
export interface Buckets {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

const limits = edges();

function edges(): readonly number[] {
  const positive: number[] = [];
  for (let edge = 1e-12; edge < 1e20; edge *= 1.1) positive.push(edge);
  positive.push(Number.MAX_VALUE);
  return [...positive.map((edge) => -edge).reverse(), 0, ...positive];
}

/** Counts the finite ones among numbers. Buckets that hold none become one with their neighbours that hold none. */
export function bucketsOf(values: ArrayLike<number>): Buckets {
  const all = new Float64Array(limits.length);
  let min = Infinity, max = -Infinity, count = 0, sum = 0, sumOfSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    all[Math.min(bisectRight(limits, value), limits.length - 1)]++;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [Number.MAX_VALUE], counts: [0] };
  const last = all.findLastIndex((n) => n > 0);
  const kept = limits.map((limit, i) => ({ limit, count: all[i] }))
    .slice(all.findIndex((n) => n > 0), last + 1)
    .filter(({ count }, i, buckets) => count > 0 || buckets[i + 1].count > 0);
  return {
    min,
    max,
    count,
    sum,
    sumOfSquares,
    limits: kept.map(({ limit }) => limit),
    counts: kept.map(({ count }) => count),
  };
}
