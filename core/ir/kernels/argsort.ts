/**
 * Sorting rows by index.
 *
 * @module
 */
import { indexType } from "../../dtype.ts";
import { type Access, type KernelBase, type KernelKind, strided } from "./base.ts";

/**
 * The indices of each row's first elements in sorted order; f32, f64, i32 or u32. The domain is [rows, count] with a count of at most n,
 * the result i32: the index in its row of the element that comes there. Equal elements (as 0 and -0 are) keep their order; NaN
 * counts as the largest.
 */
export interface ArgsortKernel extends KernelBase {
  readonly kind: "argsort";
  readonly descending: boolean;
  /** How many elements a row has. */
  readonly n: number;
  /** Strides over [rows, n]. */
  readonly operands: readonly [source: Access];
}

export const argsortKind: KernelKind<ArgsortKernel> = {
  operands: ({ shape: [rows], n }) => [strided([rows, n])],
  reduced: () => [],
  flops: ({ shape: [rows, count], n }) => rows * n * Math.ceil(Math.log2(Math.max(count, 1))),
  results: () => [indexType],
  rank: 2,
  details: ({ descending, shape: [, count], n }) => (descending ? " descending" : " ascending") + (count < n ? ` of ${n}` : ""),
};
