/**
 * Rows moved by index: gathered, summed, or written over others. Indices count from 0 and were checked or clamped before: a device
 * clamps them into range all the same.
 *
 * @module
 */
import { type Access, contiguous, type KernelBase, type KernelKind } from "./base.ts";

/** Rows and their indices: `outer` times `size` (or `count`) rows of `inner` elements, and i32 [count]. All are contiguous. */
interface RowsKernel extends KernelBase {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly count: number;
  readonly operands: readonly [source: Access, indices: Access];
}

/** Rows that are read or written where they lie in a block, of which they are parts. */
interface SteppedRowsKernel extends RowsKernel {
  /** Elements from where a row begins to where the next one does: `inner` if it is not given; fewer, and they overlap. */
  readonly step?: number;
}

/** Elements from row to row. */
export function stepOf({ step, inner }: SteppedRowsKernel): number {
  return step ?? inner;
}

/** Elements of a block of rows. */
export function blockOf({ size, step, inner }: SteppedRowsKernel): number {
  return step === undefined ? size * inner : (size - 1) * step + inner;
}

/** x [outer, size, inner] -> [outer, count, inner]: the rows that the indices name. */
export interface GatherRowsKernel extends SteppedRowsKernel {
  readonly kind: "gatherRows";
}

/** g [outer, count, inner] -> [outer, size, inner]: every row added at its index, in order of the indices. */
export interface ScatterAddRowsKernel extends RowsKernel {
  readonly kind: "scatterAddRows";
}

/**
 * Rows [outer, count, inner] written over those of a buffer, of two at one index the last; the other rows are unchanged. The domain
 * is [outer, count, inner]; there is no result, and no stores follow. Where the rows of the buffer overlap, those that are written do not.
 */
export interface ScatterRowsKernel extends SteppedRowsKernel {
  readonly kind: "scatterRows";
  /** [outer, size, inner] (or blocks of rows that overlap), contiguous: what is written. */
  readonly target: Access;
}

export const gatherRowsKind: KernelKind<GatherRowsKernel> = {
  operands: (kernel) => [contiguous(kernel.outer, blockOf(kernel)), contiguous(kernel.count)],
  reduced: () => [],
  flops: () => 0,
  results: (_, [source]) => [source],
  rank: 3,
};

export const scatterAddRowsKind: KernelKind<ScatterAddRowsKernel> = {
  operands: ({ outer, inner, count }) => [contiguous(outer, count, inner), contiguous(count)],
  reduced: () => [],
  flops: ({ outer, count, inner }) => outer * count * inner,
  results: (_, [source]) => [source],
  rank: 3,
};

export const scatterRowsKind: KernelKind<ScatterRowsKernel> = {
  operands: ({ outer, inner, count }) => [contiguous(outer, count, inner), contiguous(count)],
  target: (kernel) => [kernel.outer, blockOf(kernel)],
  reduced: () => [],
  flops: () => 0,
  results: () => [],
  rank: 3,
};
