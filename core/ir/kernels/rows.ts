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

/** x [outer, size, inner] -> [outer, count, inner]: the rows that the indices name. */
export interface GatherRowsKernel extends RowsKernel {
  readonly kind: "gatherRows";
}

/** g [outer, count, inner] -> [outer, size, inner]: every row added at its index, in order of the indices. */
export interface ScatterAddRowsKernel extends RowsKernel {
  readonly kind: "scatterAddRows";
}

/**
 * Rows [outer, count, inner] written over those of a buffer, of two at one index the last; the other rows are unchanged. The domain
 * is [outer, count, inner]; there is no result, and no stores follow.
 */
export interface ScatterRowsKernel extends RowsKernel {
  readonly kind: "scatterRows";
  /** [outer, size, inner], contiguous: what is written. */
  readonly target: Access;
}

export const gatherRowsKind: KernelKind<GatherRowsKernel> = {
  operands: ({ outer, size, inner, count }) => [contiguous(outer, size, inner), contiguous(count)],
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
  target: ({ outer, size, inner }) => [outer, size, inner],
  reduced: () => [],
  flops: () => 0,
  results: () => [],
  rank: 3,
};
