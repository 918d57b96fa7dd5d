/**
 * Slices whose start is a tensor: their position is known on the device only, their size before.
 *
 * @module
 */
import { argument, tensorLikeList } from "../kinds.ts";
import { indexType, isInteger, roundTo } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { checkShape, contiguousStrides, type Shape, showShape, sizeOf } from "../shape.ts";
import { Tensor, type TensorLike } from "../tensor.ts";
import { ask } from "../traced_number.ts";
import { asTensor } from "./literal.ts";
import { add, mul } from "./arithmetic.ts";
import { maximum, minimum } from "./binary.ts";
import { cast } from "./cast.ts";
import { lt } from "./compare.ts";
import { iota } from "./creation.ts";
import { apply } from "./define.ts";
import { broadcastTo } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { valuesFor } from "./scatter.ts";
import { where } from "./select.ts";
import { type Run, sliceRuns } from "./slice.ts";
import { takeSpansOp, writeSpansOp } from "./spans.ts";

/** A range of `size` elements along one axis, whose start is a number or computed on the device. */
interface DynamicRange {
  readonly axis: number;
  readonly start: number | Tensor;
  readonly size: number;
}

function isKnown(range: DynamicRange): range is DynamicRange & { readonly start: number } {
  return typeof range.start === "number";
}

/** The ranges along the axes that are not taken whole, their starts clamped so that they lie inside. */
function dynamicRanges(shape: Shape, starts: readonly TensorLike[], sizes: Shape, what: string): DynamicRange[] {
  argument(starts, tensorLikeList, "starts", what === "slice" ? "dynamicSlice" : "dynamicUpdateSlice");
  checkShape(sizes, `${what} ${showShape(shape)}`);
  if (starts.length !== shape.length || sizes.length !== shape.length) {
    throw new ShapeError(
      `Cannot ${what} ${showShape(shape)} with ${starts.length} starts and sizes ${showShape(sizes)}: one per axis is needed`,
      { shape, starts: starts.length, sizes },
    );
  }
  return shape.flatMap((extent, axis): DynamicRange[] => {
    const size = sizes[axis];
    if (size > extent) {
      throw new ShapeError(
        `Cannot ${what} ${showShape(shape)} with sizes ${showShape(sizes)}: along axis ${axis} there are 0 to ${extent} elements`,
        { shape, sizes, axis },
      );
    }
    const given = starts[axis];
    const start = scalar(given, what, axis);
    if (size === extent) return [];
    if (typeof given === "number") {
      return [{ axis, start: Math.max(Math.min(given < 0 ? given + extent : given, extent - size), 0), size }];
    }
    const fromFront = where(lt(start, 0), add(start, extent), start);
    return [{ axis, start: maximum(minimum(fromFront, extent - size), 0), size }];
  });
}

/** Whether a number is one that starts can be. */
function isStart(value: number): boolean {
  return Number.isInteger(value) && roundTo(indexType, value) === value;
}

function scalar(start: TensorLike, what: string, axis: number): Tensor {
  const isWhole = !(start instanceof Tensor) && typeof start !== "boolean" && ask(start, "is a start", isStart);
  const whole = asTensor(start, isWhole ? indexType : undefined);
  if (!isInteger(whole.dtype)) {
    throw new DTypeError(`Cannot ${what} from a start of type ${whole.dtype} along axis ${axis}: it must be an integer`, {
      dtype: whole.dtype,
      axis,
    });
  }
  if (whole.rank !== 0) {
    throw new ShapeError(
      `Cannot ${what} from a start of shape ${showShape(whole.shape)} along axis ${axis}: it must be a scalar`,
      {
        shape: whole.shape,
        axis,
      },
    );
  }
  return cast(whole, indexType);
}

/**
 * A slice of x of fixed size whose start is computed on the device. A slice that would reach over an end is moved inside, as in
 * JAX; negative starts count from the end.
 *
 * ```ts
 * import { arange, dynamicSlice, reshape, tensor, toArray } from "../../mod.ts";
 * const x = reshape(arange(12), [3, 4]);
 * const row = tensor(1, { dtype: "i32" });
 * console.log(await toArray(dynamicSlice(x, [row, 0], [1, 4]))); // [[4, 5, 6, 7]]
 * console.log(await toArray(dynamicSlice(x, [9, 2], [1, 2]))); // [[10, 11]]
 * ```
 *
 * @param starts An integer scalar per axis.
 * @param sizes The shape of the result.
 * @throws {ShapeError} If there is not one start and one size per axis, or a size is larger than x.
 * @throws {DTypeError} If a start is not an integer.
 * @see jax.lax.dynamic_slice
 */
export function dynamicSlice(x: TensorLike, starts: readonly TensorLike[], sizes: Shape): Tensor {
  const tensor = asTensor(x);
  const ranges = dynamicRanges(tensor.shape, starts, sizes, "slice");
  if (ranges.every(isKnown)) {
    const runs = tensor.shape.map((count): Run => ({ start: 0, count, step: 1 }));
    for (const { axis, start, size } of ranges) runs[axis] = { start, count: size, step: 1 };
    return sliceRuns(tensor, runs);
  }
  const { outer, extent, length, indices } = spansOf(tensor.shape, ranges);
  return reshape(apply(takeSpansOp, [reshape(tensor, [outer, extent]), indices], { length }), sizes);
}

/**
 * x with a slice replaced whose start is computed on the device: with `dynamicSlice` of the same starts and of the update's shape,
 * the update is read back. A slice that would reach over an end is moved inside; negative starts count from the end.
 *
 * ```ts
 * import { dynamicUpdateSlice, tensor, toArray, zeros } from "../../mod.ts";
 * const step = tensor(1, { dtype: "i32" });
 * console.log(await toArray(dynamicUpdateSlice(zeros([3, 2]), tensor([[5, 6]]), [step, 0]))); // [[0, 0], [5, 6], [0, 0]]
 * ```
 *
 * @param update As many axes as x, none longer. The result has the type of x.
 * @param starts An integer scalar per axis.
 * @throws {ShapeError} If there is not one start per axis, or the update is larger than x.
 * @throws {DTypeError} If a start is no integer, or the update's type does not fit into that of x.
 * @see jax.lax.dynamic_update_slice
 */
export function dynamicUpdateSlice(x: TensorLike, update: TensorLike, starts: readonly TensorLike[]): Tensor {
  const [tensor, given] = [asTensor(x), asTensor(update)];
  const ranges = dynamicRanges(tensor.shape, starts, given.shape, "update part of");
  const values = valuesFor(tensor, update, given.shape, "set");
  if (ranges.length === 0) return values;
  const { outer, extent, length, indices } = spansOf(tensor.shape, ranges);
  const spans = reshape(values, [outer, indices.size, length]);
  return reshape(apply(writeSpansOp, [reshape(tensor, [outer, extent]), spans, indices], { length }), tensor.shape);
}

/** A slice as spans of neighbouring elements, which reach as far as the last axis that is not taken whole. */
interface Spans {
  /** Of x as [outer, extent]: what is before the first such axis, and the rest. */
  readonly outer: number;
  readonly extent: number;
  /** Elements of a span. */
  readonly length: number;
  /** Where they begin. */
  readonly indices: Tensor;
}

function spansOf(shape: Shape, ranges: readonly DynamicRange[]): Spans {
  const [first, last] = [ranges[0].axis, ranges[ranges.length - 1].axis];
  const strides = contiguousStrides(shape);
  const sizes = shape.slice(first, last);
  for (const { axis, size } of ranges) if (axis < last) sizes[axis - first] = size;
  // Positions along each axis but the last, then where the slice begins.
  const along = sizes.map((_, i) => mul(iota(sizes, i), strides[first + i]));
  const begin = ranges.map(({ axis, start }) =>
    typeof start === "number" ? asTensor(start * strides[axis], indexType) : mul(start, strides[axis])
  ).reduce(add);
  const at = broadcastTo(along.reduce(add, begin), sizes);
  return {
    outer: sizeOf(shape.slice(0, first)),
    extent: sizeOf(shape.slice(first)),
    length: ranges[ranges.length - 1].size * strides[last],
    indices: reshape(at, [sizeOf(sizes)]),
  };
}
