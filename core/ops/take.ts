/**
 * Choosing by index.
 *
 * The primitives choose rows: x [outer, size, inner] by indices [count] gives [outer, count, inner]. Examples of a `vmap` that have
 * indices of their own become one long list of rows.
 *
 * @module
 */
import { isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { normalizeAxis, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./arguments.ts";
import { add, maximum, minimum, mul } from "./binary.ts";
import { cast } from "./cast.ts";
import { lt } from "./compare.ts";
import { iota } from "./creation.ts";
import { apply, batchAll, type Op } from "./define.ts";
import { permute, reshape } from "./movement.ts";
import { where } from "./select.ts";

interface TakeAttrs {
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

/** The vmap rule of both: shared indices see more outer rows, own indices a longer list. */
function chooseMany(
  op: Op<TakeAttrs>,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  { size }: TakeAttrs,
  examples: number,
): Tensor {
  const [x] = batchAll([inputs[0]], [batched[0]], examples);
  const [, outer, rows, inner] = x.shape;
  if (!batched[1]) {
    const y = apply(op, [reshape(x, [examples * outer, rows, inner]), inputs[1]], { size });
    return reshape(y, [examples, outer, y.shape[1], inner]);
  }
  return splitRows(apply(op, [joinRows(x), offsetByExample(inputs[1], size)], { size: examples * size }), examples);
}

export const takeOp: Op<TakeAttrs> = {
  name: "take",
  shape: ([[outer, , inner], [count]]) => [outer, count, inner],
  dtype: ([x]) => x,
  vjp: (g, [, indices], _, attrs) => [apply(takeGradOp, [g, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => t && apply(takeOp, [t, indices], attrs),
  vmap: (inputs, batched, attrs, examples) => chooseMany(takeOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, size, inner], [count]]) => ({
      kind: "take",
      shape: [outer, count, inner],
      outer,
      size,
      inner,
      count,
      source,
      indices,
    }),
  },
};

export const takeGradOp: Op<TakeAttrs> = {
  name: "takeGrad",
  shape: ([[outer, , inner]], { size }) => [outer, size, inner],
  dtype: ([g]) => g,
  vjp: (h, [, indices], _, attrs) => [apply(takeOp, [h, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => t && apply(takeGradOp, [t, indices], attrs),
  vmap: (inputs, batched, attrs, examples) => chooseMany(takeGradOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, count, inner]], { size }) => ({
      kind: "takeGrad",
      shape: [outer, size, inner],
      outer,
      size,
      inner,
      count,
      source,
      indices,
    }),
  },
};

/**
 * The slices of x along an axis (default the first) that the indices name, in their order; negative indices count from the end, and
 * those out of range are clamped to it (a program on a device cannot raise an error).
 *
 * ```ts
 * import { take, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(take(tensor([10, 20, 30]), tensor([2, 0], { dtype: "i32" })))); // [30, 10]
 * ```
 *
 * @param indices Integers of any shape, which replaces the axis.
 * @throws {DTypeError} If the indices are not integers.
 * @throws {ShapeError} If there is an index, but nothing to choose from.
 */
export function take(x: TensorLike, indices: TensorLike, { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  const tensor = asTensor(x);
  const at = typeof indices === "number" ? cast(indices, "i32") : asTensor(indices);
  if (!isInteger(at.dtype)) {
    throw new DTypeError(`Cannot take by indices of type ${at.dtype}: they must be integers`, { dtype: at.dtype });
  }
  const along = normalizeAxis(axis, tensor.rank, "take");
  const size = tensor.shape[along];
  if (size === 0 && at.size > 0) {
    throw new ShapeError(`Cannot take from ${showShape(tensor.shape)} along axis ${along}: it is empty`, {
      shape: tensor.shape,
      axis: along,
    });
  }
  const [before, after]: [Shape, Shape] = [tensor.shape.slice(0, along), tensor.shape.slice(along + 1)];
  const list = reshape(cast(at, "i32"), [at.size]);
  const fromFront = where(lt(list, 0), add(list, size), list);
  const rows = apply(takeOp, [reshape(tensor, [sizeOf(before), size, sizeOf(after)]), fromFront], { size });
  return reshape(rows, [...before, ...at.shape, ...after]);
}
