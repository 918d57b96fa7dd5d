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
  const advance = (axis: number): void => {
    if (axis === shape.length) return see();
    const extent = shape[axis];
    for (let i = 0; i < extent; i++) {
      advance(axis + 1);
      for (let k = 0; k < linears.length; k++) at[k] += linears[k].strides[axis];
    }
    for (let k = 0; k < linears.length; k++) at[k] -= extent * linears[k].strides[axis];
  };
  advance(0);
}
