/**
 * Axes of loops: how few of them visit all points, which one runs innermost, and whether an access runs straight through memory. All
 * are facts of extents and strides alone, in whatever unit the strides are.
 *
 * @module
 */
import { contiguousStrides } from "../shape.ts";

/** Axes of a loop nest, outermost first, and the strides of all accesses along them. */
export interface Axes {
  readonly extents: readonly number[];
  /** For each that moves: how far from one point to the next, along each axis. */
  readonly strides: readonly (readonly number[])[];
}

/**
 * Merges neighbouring axes over which all accesses have one stride, and drops axes of one point; order is kept.
 *
 * @param keepLast Leaves the last axis unchanged.
 */
export function mergeAxes(extents: readonly number[], strides: Axes["strides"], keepLast = false): Axes {
  const merged: number[] = [];
  const steps: number[][] = strides.map(() => []);
  extents.forEach((extent, axis) => {
    const kept = keepLast && axis === extents.length - 1;
    if (extent === 1 && !kept) return;
    const last = merged.length - 1;
    if (!kept && last >= 0 && strides.every((of, i) => steps[i][last] === of[axis] * extent)) {
      merged[last] *= extent;
      strides.forEach((of, i) => steps[i][last] = of[axis]);
    } else {
      merged.push(extent);
      strides.forEach((of, i) => steps[i].push(of[axis]));
    }
  });
  return { extents: merged, strides: steps };
}

/** The same axes with one of them moved to the end; without axes, one of a single point. */
export function withInner(axes: Axes, inner: number): Axes {
  if (axes.extents.length === 0) return withPoint(axes);
  const move = (list: readonly number[]) => [...list.filter((_, axis) => axis !== inner), list[inner]];
  return { extents: move(axes.extents), strides: axes.strides.map(move) };
}

/** The axes with one more, innermost, of a single point. */
export function withPoint(axes: Axes): Axes {
  return { extents: [...axes.extents, 1], strides: axes.strides.map((strides) => [...strides, 0]) };
}

/** The last axis cut into tiles of `tile` points (a divisor of its extent), and the loop over the tiles put outermost. */
export function tileInner({ extents, strides }: Axes, tile: number): Axes {
  const last = extents.length - 1;
  return {
    extents: [extents[last] / tile, ...extents.slice(0, -1), tile],
    strides: strides.map((of) => [of[last] * tile, ...of]),
  };
}

/** Whether strides visit memory element by element in row-major order; axes of one point do not matter. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  const whole = contiguousStrides(shape);
  return shape.every((extent, axis) => extent === 1 || strides[axis] === whole[axis]);
}

/** Strides of axes of extent 1 have no effect; 0 makes equal accesses look equal. */
export function canonicalStrides(shape: readonly number[], strides: readonly number[]): number[] {
  return strides.map((stride, axis) => shape[axis] === 1 ? 0 : stride);
}
