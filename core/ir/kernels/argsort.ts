/**
 * Sorting rows by index.
 *
 * @module
 */
import { indexType } from "../../dtype.ts";
import { sizeOf } from "../../shape.ts";
import { type Access, type KernelBase, type KernelKind, strided } from "./base.ts";

/**
 * The indices of each row's elements in sorted order; f32, f64, i32 or u32. The domain is [rows, n], the result i32: the index in its
 * row of the element that comes there. Equal elements (as 0 and -0 are) keep their order; NaN counts as the largest.
 */
export interface ArgsortKernel extends KernelBase {
  readonly kind: "argsort";
  readonly descending: boolean;
  /** Strides over [rows, n]. */
  readonly operands: readonly [source: Access];
}

export const argsortKind: KernelKind<ArgsortKernel> = {
  operands: ({ shape }) => [strided(shape)],
  reduced: () => [],
  flops: ({ shape }) => sizeOf(shape) * Math.ceil(Math.log2(Math.max(shape[1], 1))),
  results: () => [indexType],
  rank: 2,
  details: ({ descending }) => descending ? " descending" : " ascending",
};
