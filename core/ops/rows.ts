/**
 * Rows by index: the primitives of `take` and its kin, and gathering and scattering along several axes by them.
 *
 * The primitives choose rows: x [outer, size, inner] by indices [count] gives [outer, count, inner]. Examples of a `vmap` that have
 * indices of their own become one long list of rows.
 *
 * @module
 */
import { type Shape, sizeOf } from "../shape.ts";
import type { Op, Tensor } from "../tensor.ts";
import { add, mul } from "./arithmetic.ts";
import { maximum, minimum } from "./binary.ts";
import { iota } from "./creation.ts";
import { apply } from "./define.ts";
import { batchAll } from "./sum.ts";
import { permute } from "./movement.ts";
import { reshape } from "./reshape.ts";

/** Attributes of operations on rows. */
export interface RowAttrs {
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

/** The vmap rule of operations on rows whose last input is the indices: shared indices see more outer rows, own indices a longer list. */
export function batchRows(
  op: Op<RowAttrs>,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  { size }: RowAttrs,
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

export const takeOp: Op<RowAttrs> = {
  name: "take",
  shape: ([[outer, , inner], [count]]) => [outer, count, inner],
  dtype: ([x]) => x,
  vjp: (g, [, indices], _, attrs) => [apply(takeGradOp, [g, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => [t && apply(takeOp, [t, indices], attrs)],
  vmap: (inputs, batched, attrs, examples) => {
    const [x, indices] = inputs;
    if (batched[0]) return batchRows(takeOp, inputs, batched, attrs, examples);
    // All examples choose from the same rows.
    const [outer, , inner] = x.shape;
    const count = indices.shape[1];
    const taken = apply(takeOp, [x, reshape(indices, [examples * count])], attrs);
    return permute(reshape(taken, [outer, examples, count, inner]), [1, 0, 2, 3]);
  },
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

export const takeGradOp: Op<RowAttrs> = {
  name: "takeGrad",
  shape: ([[outer, , inner]], { size }) => [outer, size, inner],
  dtype: ([g]) => g,
  vjp: (h, [, indices], _, attrs) => [apply(takeOp, [h, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => [t && apply(takeGradOp, [t, indices], attrs)],
  vmap: (inputs, batched, attrs, examples) => batchRows(takeGradOp, inputs, batched, attrs, examples),
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
