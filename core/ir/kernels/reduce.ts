/**
 * Reductions over a window of axes.
 *
 * @module
 */
import { type DType, indexType } from "../../dtype.ts";
import { showShape, sizeOf } from "../../shape.ts";
import type { Expr } from "../expr.ts";
import { isArgReduction, type ReduceOp } from "../reductions.ts";
import { type KernelBase, type KernelKind, strided } from "./base.ts";

/** One or more reductions over the same window. */
export interface ReduceKernel extends KernelBase {
  readonly kind: "reduce";
  /** Extents of the axes reduced over, which follow those of `shape`: the operands have strides over both. */
  readonly window: readonly number[];
  /** `result` k of the stores is reduction k. An empty window gives the neutral element (0, 1, -inf, +inf, index 0). */
  readonly reductions: readonly { readonly op: ReduceOp; readonly value: Expr }[];
}

export const reduceKind: KernelKind<ReduceKernel> = {
  operands: ({ operands, shape, window }) => operands.map(() => strided([...shape, ...window])),
  reduced: ({ window }) => window,
  flops: ({ shape, window, reductions }) => sizeOf(shape) * sizeOf(window) * reductions.length,
  results: ({ reductions }): DType[] => reductions.map(({ op, value }) => isArgReduction(op) ? indexType : value.type),
  expressions: ({ reductions }) => reductions.map(({ value }) => value),
  details: ({ window }) => ` over ${showShape(window)}`,
};
