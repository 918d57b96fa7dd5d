/**
 * Walking over all points of a domain while several strided positions follow.
 *
 * @module
 */
import type { Shape } from "../../shape.ts";

/** An integer that depends linearly on the point: offset + sum of strides[axis] * index[axis]. */
export interface Linear {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Calls `see` at every point of `shape` in row-major order, with `at[k]` holding the value of `linears[k]` there. */
export function walk(shape: Shape, linears: readonly Linear[], at: Float64Array, see: () => void): void {
  linears.forEach(({ offset }, k) => at[k] = offset);
  const steps = shape.map((_, axis) => Float64Array.from(linears, ({ strides }) => strides[axis]));
  const last = shape.length - 1;
  const advance = (axis: number): void => {
    const extent = shape[axis];
    const step = steps[axis];
    for (let i = 0; i < extent; i++) {
      if (axis === last) see();
      else advance(axis + 1);
      for (let k = 0; k < step.length; k++) at[k] += step[k];
    }
    for (let k = 0; k < step.length; k++) at[k] -= extent * step[k];
  };
  if (last < 0) see();
  else advance(0);
}

/** Points one after the other along an axis. */
export interface Run {
  /** How many there are, {@link longestRun} at most. */
  readonly count: number;
  /** The value of each linear integer at the first of them; used again for the next run. */
  readonly at: Float64Array;
  /** By how much each grows from one point to the next. */
  readonly steps: Float64Array;
}

/** The most points of a run: their values stay in the cache of a processor. */
export const longestRun = 256;

/** Calls `see` for all points of `shape` in row-major order, for many of the last axis at a time. */
export function walkRuns(shape: Shape, linears: readonly Linear[], see: (run: Run) => void): void {
  const axes = shape.flatMap((extent, axis) => extent === 1 ? [] : [axis]);
  const inner = axes.pop();
  const total = inner === undefined ? 1 : shape[inner];
  const steps = Float64Array.from(linears, ({ strides }) => inner === undefined ? 0 : strides[inner]);
  const outer = linears.map(({ offset, strides }) => ({ offset, strides: axes.map((axis) => strides[axis]) }));
  const first = new Float64Array(linears.length);
  const at = new Float64Array(linears.length);
  walk(axes.map((axis) => shape[axis]), outer, first, () => {
    for (let from = 0; from < total; from += longestRun) {
      for (let k = 0; k < at.length; k++) at[k] = first[k] + from * steps[k];
      see({ count: Math.min(longestRun, total - from), at, steps });
    }
  });
}
