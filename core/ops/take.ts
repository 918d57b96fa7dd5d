/**
 * Choosing by index.
 *
 * The primitives choose rows: x [outer, size, inner] by indices [count] gives [outer, count, inner]. Examples of a `vmap` that have
 * indices of their own become one long list of rows.
 *
 * @module
 */
import { indexType, isBool, isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { normalizeAxis, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { add, maximum, minimum, mul } from "./binary.ts";
import { cast } from "./cast.ts";
import { lt } from "./compare.ts";
import { iota, zeros } from "./creation.ts";
import { apply } from "./define.ts";
import { batchAll, broadcastTo, permute, reshape } from "./movement.ts";
import { where } from "./select.ts";

/** What records that move rows by index know. */
export interface TakeAttrs {
  /** How many rows there are to choose from. */
  readonly size: number;
}

/** [examples, count] indices into `size` rows each, as one list into all examples' rows. */
function offsetByExample(indices: Tensor, size: number): Tensor {
  const [examples, count] = indices.shape;
  // Out of range must not become a row of the neighbour.
  const inside = maximum(minimum(indices, size - 1), 0);
  return reshape(add(inside, mul(iota([examples, count], 0), size)), [examples * count]);
}

/** [examples, outer, rows, inner] as [outer, examples * rows, inner], and back. */
function joinRows(x: Tensor): Tensor {
  const [examples, outer, rows, inner] = x.shape;
  return reshape(permute(x, [1, 0, 2, 3]), [outer, examples * rows, inner]);
}
function splitRows(x: Tensor, examples: number): Tensor {
  const [outer, rows, inner] = x.shape;
  return permute(reshape(x, [outer, examples, rows / examples, inner]), [1, 0, 2, 3]);
}

/** Their vmap rule, the indices being the last input: shared indices see more outer rows, own indices a longer list. */
export function chooseMany(
  op: Op<TakeAttrs>,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  { size }: TakeAttrs,
  examples: number,
): Tensor {
  const last = inputs.length - 1;
  const indices = inputs[last];
  const rows = batchAll(inputs.slice(0, last), batched, examples);
  if (batched[last]) {
    const joined = apply(op, [...rows.map(joinRows), offsetByExample(indices, size)], { size: examples * size });
    return splitRows(joined, examples);
  }
  const merged = rows.map((each) => reshape(each, [examples * each.shape[1], each.shape[2], each.shape[3]]));
  const y = apply(op, [...merged, indices], { size });
  return reshape(y, [examples, rows[0].shape[1], y.shape[1], y.shape[2]]);
}

export const takeOp: Op<TakeAttrs> = {
  name: "take",
  shape: ([[outer, , inner], [count]]) => [outer, count, inner],
  dtype: ([x]) => x,
  vjp: (g, [, indices], _, attrs) => [apply(takeGradOp, [g, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => [t && apply(takeOp, [t, indices], attrs)],
  vmap: (inputs, batched, attrs, examples) => chooseMany(takeOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, size, inner], [count]]) => ({
      kind: "gatherRows",
      shape: [outer, count, inner],
      outer,
      size,
      inner,
      count,
      operands: [source, indices],
    }),
  },
};

export const takeGradOp: Op<TakeAttrs> = {
  name: "takeGrad",
  shape: ([[outer, , inner]], { size }) => [outer, size, inner],
  dtype: ([g]) => g,
  vjp: (h, [, indices], _, attrs) => [apply(takeOp, [h, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => [t && apply(takeGradOp, [t, indices], attrs)],
  vmap: (inputs, batched, attrs, examples) => chooseMany(takeGradOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, count, inner]], { size }) => ({
      kind: "scatterAddRows",
      shape: [outer, size, inner],
      outer,
      size,
      inner,
      count,
      operands: [source, indices],
    }),
  },
};

/**
 * An index along an axis of `shape`, counted from the front.
 *
 * @throws {TypeError} If it is not whole.
 * @throws {ShapeError} If the axis is empty.
 * @throws {RangeError} If there is no such position.
 */
export function normalizeIndex(at: number, shape: Shape, axis: number, what: string): number {
  if (!Number.isInteger(at)) {
    throw new TypeError(`Cannot ${what} ${showShape(shape)} at ${at}: a position must be an integer`);
  }
  const extent = shape[axis];
  if (extent === 0) {
    throw new ShapeError(`Cannot ${what} ${showShape(shape)} at ${at} along axis ${axis}: it is empty`, { shape, axis });
  }
  if (at < -extent || at >= extent) {
    throw new RangeError(
      `Cannot ${what} ${showShape(shape)} at ${at} along axis ${axis}: positions are ${-extent} to ${extent - 1}`,
    );
  }
  return at < 0 ? at + extent : at;
}

/**
 * Indices along an axis of `shape` as i32 that count from the front and lie in range: negative ones count from the end, and those
 * outside are clamped (a program on a device cannot raise an error).
 *
 * @throws {DTypeError} If they are not integers.
 * @throws {ShapeError} If there are some, but the axis is empty.
 */
export function normalizeIndices(indices: TensorLike, shape: Shape, axis: number, what: string): Tensor {
  if (typeof indices === "number") return cast(normalizeIndex(indices, shape, axis, what), indexType);
  const list = asTensor(indices);
  if (!isInteger(list.dtype)) {
    const remedy = isBool(list.dtype) ? "choose by a mask with where(mask, x, y)" : 'use cast(indices, "i32")';
    throw new DTypeError(`Cannot ${what} by indices of type ${list.dtype}: they must be integers, ${remedy}`, {
      dtype: list.dtype,
    });
  }
  const size = shape[axis];
  if (size === 0 && list.size > 0) {
    throw new ShapeError(`Cannot ${what} ${showShape(shape)} by index along axis ${axis}: it is empty`, { shape, axis });
  }
  const whole = cast(list, indexType);
  const fromFront = where(lt(whole, 0), add(whole, size), whole);
  return maximum(minimum(fromFront, size - 1), 0);
}

/** Row-major indices from one tensor of indices per axis, all of one shape (NumPy's `ravel_multi_index`). */
export function ravelIndices(indices: readonly Tensor[], extents: Shape): Tensor {
  return indices.reduce((raveled, index, axis) => add(mul(raveled, extents[axis]), index));
}

/**
 * The elements of x at indices along adjacent axes, the first of which is `from`: one tensor of indices per axis, all of one shape and in
 * range; their shape replaces these axes.
 */
export function gather(x: Tensor, from: number, indices: readonly Tensor[]): Tensor {
  const [before, after]: [Shape, Shape] = [x.shape.slice(0, from), x.shape.slice(from + indices.length)];
  const extents = x.shape.slice(from, from + indices.length);
  const size = sizeOf(extents);
  const { shape } = indices[0];
  const list = reshape(ravelIndices(indices, extents), [sizeOf(shape)]);
  const rows = apply(takeOp, [reshape(x, [sizeOf(before), size, sizeOf(after)]), list], { size });
  return reshape(rows, [...before, ...shape, ...after]);
}

/** The transpose of `gather`: `values` are added at the positions that the indices name along axes of `extents`. */
export function scatter(values: Tensor, from: number, indices: readonly Tensor[], extents: Shape): Tensor {
  const { shape } = indices[0];
  const [before, after]: [Shape, Shape] = [values.shape.slice(0, from), values.shape.slice(from + shape.length)];
  const [size, count] = [sizeOf(extents), sizeOf(shape)];
  const list = reshape(ravelIndices(indices, extents), [count]);
  const rows = reshape(values, [sizeOf(before), count, sizeOf(after)]);
  return reshape(apply(takeGradOp, [rows, list], { size }), [...before, ...extents, ...after]);
}

/**
 * The slices of x along an axis (default the first) that the indices name, in their order; negative indices count from the end, and
 * those out of range are clamped to it (a program on a device cannot raise an error).
 *
 * ```ts
 * import { take, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(take(tensor([10, 20, 30]), tensor([2, 0], { dtype: "i32" })))); // [30, 10]
 * ```
 *
 * @param indices Integers of any shape, which replaces the axis; a plain number must be a position that exists.
 * @throws {DTypeError} If the indices are not integers.
 * @throws {RangeError} If a plain number is out of range.
 * @throws {ShapeError} If there is an index, but the axis is empty.
 */
export function take(x: TensorLike, indices: TensorLike, { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  const tensor = asTensor(x);
  const along = normalizeAxis(axis, tensor.rank, "take");
  return gather(tensor, along, [normalizeIndices(indices, tensor.shape, along, "take")]);
}

/** Indices along an axis, one per element, as arguments of `gather`. */
interface AlongAxis {
  /** The first axis of the block that is indexed as one list. */
  readonly from: number;
  /** One tensor of indices per axis of the block. */
  readonly indices: readonly Tensor[];
  /** Of what is chosen. */
  readonly shape: Shape;
}

/**
 * How `indices` choose along an axis of `shape`. Axes along which the indices are constant (extent 1) stay out of the block where they
 * are at its ends: whole rows are moved then.
 *
 * @throws {ShapeError} If the other axes do not fit.
 */
export function indicesAlong(shape: Shape, indices: TensorLike, axis: number, what: string): AlongAxis {
  const at = normalizeAxis(axis, shape.length, what);
  const list = normalizeIndices(indices, shape, at, what);
  const wrong = list.rank !== shape.length
    ? `both must have ${shape.length} axes`
    : list.shape.flatMap((extent, i) =>
      i === at || extent === shape[i] || extent === 1 || shape[i] === 1
        ? []
        : [`at axis ${i} the extents differ and neither is 1`]
    )[0];
  if (wrong !== undefined) {
    throw new ShapeError(
      `Cannot ${what} ${showShape(shape)} along axis ${at} by indices of shape ${showShape(list.shape)}: ${wrong}`,
      {
        shape,
        indices: list.shape,
        axis: at,
      },
    );
  }
  const out = shape.map((extent, i) => i === at || extent === 1 ? list.shape[i] : extent);
  const varying = list.shape.flatMap((extent, i) => i === at || extent !== 1 ? [i] : []);
  const [from, to] = [varying[0], varying[varying.length - 1] + 1];
  const block = out.slice(from, to);
  const indexAlong = (_: number, i: number) => {
    const each = from + i;
    if (each === at) return broadcastTo(reshape(list, list.shape.slice(from, to)), block);
    return shape[each] === 1 ? zeros(block, { dtype: indexType }) : iota(block, i);
  };
  return { from, indices: block.map(indexAlong), shape: out };
}

/**
 * Elements of x at indices along an axis, one index per element of the result: with axis 1, out[i, j] = x[i, indices[i, j]]. With
 * the indices from `argsort`, `topK` or `argmax` (with `keepDims`) it gives the elements that they name.
 *
 * ```ts
 * import { takeAlongAxis, tensor, toArray } from "../../mod.ts";
 * const x = tensor([[10, 30, 20], [6, 4, 5]]);
 * const order = tensor([[1, 2, 0], [0, 2, 1]], { dtype: "i32" });
 * console.log(await toArray(takeAlongAxis(x, order))); // [[30, 20, 10], [6, 5, 4]]
 * ```
 *
 * @param indices Integers, with as many axes as x; the other axes broadcast against those of x. Negative ones count from the end, those
 * out of range are clamped to it.
 * @param options `axis`: along which axis (default the last).
 * @returns A tensor of the shape of the indices, where they did not broadcast.
 * @throws {DTypeError} If the indices are not integers.
 * @throws {ShapeError} If the shapes do not fit, or there is an index, but nothing to choose from.
 * @see NumPy's take_along_axis; PyTorch's gather (which does not broadcast)
 */
export function takeAlongAxis(x: TensorLike, indices: TensorLike, { axis = -1 }: { readonly axis?: number } = {}): Tensor {
  const tensor = asTensor(x);
  const along = indicesAlong(tensor.shape, indices, axis, "take");
  return gather(tensor, along.from, along.indices);
}
