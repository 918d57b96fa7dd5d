/**
 * Sums along axes, and what all reductions share.
 *
 * @module
 */
import { flag, wholes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { isFloat } from "../dtype.ts";
import { constantValue } from "../ir/operation.ts";
import { normalizeAxes, type Shape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { upcast } from "./cast.ts";
import { constantNode } from "./constant.ts";
import { apply, linear, numberDType } from "./define.ts";
import { asTensor } from "./literal.ts";
import { broadcastInDim, reshape } from "./movement.ts";

/** Which axes to reduce, and whether to keep them with extent 1. */
export interface ReduceOptions {
  /** One axis or several; negative ones count from the back. Default: all. */
  readonly axis?: number | readonly number[];
  /** Whether the reduced axes stay, with extent 1. Default false. */
  readonly keepDims?: boolean;
}

export const reduceOptions = optionTable<ReduceOptions>({ axis: wholes, keepDims: flag });

/** What the records of reductions need to know: the axes, from the front and in order. */
export interface ReduceAttrs {
  readonly axes: readonly number[];
}

/** The axes that are not reduced. */
function remainingAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

/** The shape rule of reductions. */
export function reducedShape([shape]: readonly Shape[], { axes }: ReduceAttrs): Shape {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** The reduced tensor repeated along the axes it lost. */
export function broadcastBack(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return broadcastInDim(x, shape, remainingAxes(shape, axes));
}

/** The same axes when there is one more in front. */
export function behind(axes: readonly number[]): number[] {
  return axes.map((axis) => axis + 1);
}

/** Whether the result of a reduction is where an element is, not the element itself. */
function givesIndices({ lower }: Op<ReduceAttrs>): boolean {
  return lower.kind === "reduce" && (lower.op === "argmax" || lower.op === "argmin");
}

/** Applies a reduction over the normalized axes, which `keepDims` keeps with extent 1. */
export function reduceBy(op: Op<ReduceAttrs>, x: Tensor, { axis, keepDims }: ReduceOptions): Tensor {
  const list = normalizeAxes(axis, x.rank, op.name);
  const result = list.length === 0 && !givesIndices(op) ? x : apply(op, [x], { axes: list });
  return keepDims ? reshape(result, x.shape.map((extent, i) => list.includes(i) ? 1 : extent)) : result;
}

export const sumOp: Op<ReduceAttrs> = linear({
  name: "sum",
  shape: reducedShape,
  dtype: numberDType("sum"),
  transpose: (g, shape, { axes }) => broadcastBack(g, shape, axes),
  vmap: (x, { axes }) => apply(sumOp, [x], { axes: behind(axes) }),
  lower: { kind: "reduce", op: "sum", axes: ({ axes }) => axes },
  simplify: (node) => {
    const [x] = node.inputs;
    if (!isFloat(node.dtype)) return undefined;
    const value = sizeOf(x.shape) === 0 ? 0 : constantValue(x);
    if (value === undefined) return undefined;
    const count = sizeOf(x.shape) / Math.max(1, sizeOf(node.shape));
    return constantNode(node, count === 0 ? 0 : value * count);
  },
});
/**
 * The sum over axes; bool and u8 are counted as i32, floats for storage as f32.
 *
 * ```ts
 * import { sum, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(sum(tensor([[1, 2], [3, 4]]), { axis: 0 }))); // [4, 6]
 * ```
 */
export function sum(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "sum");
  const tensor = asTensor(x);
  return reduceBy(sumOp, upcast(tensor), options);
}
