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
