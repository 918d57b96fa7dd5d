/**
 * Sums along axes, and repetition along axes: the rules of each need the other, its transpose. And what all reductions share.
 *
 * @module
 */
import { isFloat } from "../dtype.ts";
import { constantValue } from "../ir/operation.ts";
import { flag, wholes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { normalizeAxes, otherAxes, sameShape, type Shape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { firstOf, viewOfConstant } from "./algebra.ts";
import { upcast } from "./cast.ts";
import { constantNode } from "./constant.ts";
import { apply, linear, numberDType } from "./define.ts";
import { asTensor } from "./literal.ts";
import { reshape } from "./reshape.ts";

interface BroadcastAttrs {
  readonly shape: Shape;
  /** Which axis of the output each axis of the input becomes. */
  readonly axes: readonly number[];
}

export const broadcastOp: Op<BroadcastAttrs> = linear({
  name: "broadcastInDim",
  shape: (_, { shape }) => shape,
  transpose: (g, input, { shape, axes }) => {
    const repeated = (extent: number, axis: number) => extent !== 1 && (input[axes.indexOf(axis)] ?? 1) === 1;
    return reshape(sum(g, { axis: shape.flatMap((extent, axis) => repeated(extent, axis) ? [axis] : []) }), input);
  },
  vmap: (x, { shape, axes }, size) => broadcastInDim(x, [size, ...shape], [0, ...axes.map((axis) => axis + 1)]),
  lower: {
    kind: "view",
    view: (input, { shape, axes }) => {
      const strides = shape.map(() => 0);
      axes.forEach((axis, i) => {
        if (input.shape[i] !== 1) strides[axis] = input.strides[i];
      });
      return { shape, offset: input.offset, strides };
    },
  },
  simplify: firstOf(viewOfConstant, ({ inputs: [x], shape }) => sameShape(x.shape, shape) ? x : undefined),
});
/** Repeats x along new axes and along axes of extent 1: axis i of x becomes axis `axes[i]` (ascending) of `shape`. */
export function broadcastInDim(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastOp, [x], { shape, axes });
}

/** For batching rules: gives every unbatched input a leading axis of extent `size`. */
export function batchAll(inputs: readonly Tensor[], batched: readonly boolean[], size: number): Tensor[] {
  return inputs.map((input, i) =>
    batched[i] ? input : broadcastInDim(input, [size, ...input.shape], input.shape.map((_, axis) => axis + 1))
  );
}

/** `broadcastTo` a shape that is known to fit. */
export function broadcastToKnown(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = shape.length - x.rank;
  return broadcastInDim(x, shape, x.shape.map((_, axis) => axis + lead));
}

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

/** The shape rule of reductions. */
export function reducedShape([shape]: readonly Shape[], { axes }: ReduceAttrs): Shape {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** The reduced tensor repeated along the axes it lost. */
export function broadcastBack(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return broadcastInDim(x, shape, otherAxes(shape, axes));
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
