/**
 * What kernels have in common, and what is known of each kind.
 *
 * @module
 */
import type { DType } from "../../dtype.ts";
import type { Shape } from "../../shape.ts";
import type { Expr } from "../expr.ts";

/** Where in a buffer the point with index i lies: offset + sum of strides[axis] * i[axis]; a stride may be 0 or negative. */
export interface Access {
  readonly buffer: number;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A value and where it is written, one stride per axis of the kernel's `shape`. */
export interface Store extends Access {
  readonly value: Expr;
}

/** What all kernels have. Offsets and strides are in elements. */
export interface KernelBase {
  readonly kind: string;
  /** The output domain. May be empty ([]: one point) or hold a 0 (nothing to do). */
  readonly shape: Shape;
  /** What the result is computed from. Its kind determines over which extents the strides run. */
  readonly operands: readonly Access[];
  /** Loads with one stride per axis of `shape`; `load` expressions in the stores refer to them by slot. */
  readonly loads: readonly Access[];
  /** In order. No store of a kernel overlaps another; a buffer may be loaded and stored in place (same access). */
  readonly stores: readonly Store[];
}

/** An operand as its kernel sees it. */
export interface Operand {
  readonly shape: Shape;
  /** Whether the elements lie one after the other from the offset on, whatever the strides. */
  readonly contiguous: boolean;
}

/** An operand that may have any strides over a shape. */
export function strided(shape: Shape): Operand {
  return { shape, contiguous: false };
}

/** An operand whose elements lie one after the other. */
export function contiguous(...shape: Shape): Operand {
  return { shape, contiguous: true };
}

/** What is known of one kind of kernel. */
export interface KernelKind<K> {
  /** What each operand is, in order. */
  operands(kernel: K): readonly Operand[];
  /** The extents that one result sums or searches. */
  reduced(kernel: K): Shape;
  /** Additions and multiplications (or comparisons) up to the results, without the operations of expressions. */
  flops(kernel: K): number;
  /** The types of the results that `result` expressions in the stores name, from those of the operands. */
  results(kernel: K, operands: readonly DType[]): readonly DType[];
  /** Whether a result is a sum of products of its operands: 0 where one of them is empty. */
  readonly sumsProducts?: true;
  /** The extents of what it writes by itself, for kernels that have a `target` instead of stores. */
  target?(kernel: K): Shape;
  /** The number of axes of the domain, where the kind fixes it. */
  readonly rank?: number;
  /** Expressions beside those of the stores. Their `load`s name operands, and their points are those of `shape` then `reduced`. */
  expressions?(kernel: K): readonly Expr[];
  /** Facts beyond kind and domain, for printing. */
  details?(kernel: K): string;
}
