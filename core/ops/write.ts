/**
 * Writing rows over others at indices: the counterpart of `take`.
 *
 * The primitive writes rows [outer, count, inner] over those of x [outer, size, inner] that the indices [count] name, in their order: of
 * two rows at one index the last stays. Where x is not used otherwise, as in a loop, only the rows are moved.
 *
 * @module
 */
import { indexType } from "../dtype.ts";
import { type Shape, sizeOf } from "../shape.ts";
import type { Op, Tensor } from "../tensor.ts";
import { eq } from "./compare.ts";
import { full, iota } from "./creation.ts";
import { zeroTangent } from "./constant.ts";
import { apply } from "./define.ts";
import { reshape } from "./reshape.ts";
import { where } from "./select.ts";
import { batchRows, ravelIndices, type RowAttrs, takeOp } from "./rows.ts";

/** Whether each of the indices [count] is the last of its value, so that its row stays: [1, count, 1]. */
function survivors(indices: Tensor, attrs: RowAttrs): Tensor {
  const own = iota([1, indices.size, 1], 1);
  const last = apply(writeOp, [full([1, attrs.size, 1], -1, { dtype: indexType }), own, indices], attrs);
  return eq(apply(takeOp, [last, indices], attrs), own);
}

export const writeOp: Op<RowAttrs> = {
  name: "write",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: (g, [, rows, indices], _, attrs) => {
    const taken = apply(takeOp, [g, indices], attrs);
    const own = indices.size > 1 ? where(survivors(indices, attrs), taken, zeroTangent(rows)) : taken;
    return [apply(writeOp, [g, zeroTangent(rows), indices], attrs), own, undefined];
  },
  jvp: ([tx, trows], [x, rows, indices], _, attrs) => {
    if (!tx && !trows) return [];
    return [apply(writeOp, [tx ?? zeroTangent(x), trows ?? zeroTangent(rows), indices], attrs)];
  },
  vmap: (inputs, batched, attrs, examples) => batchRows(writeOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    updatesFirst: true,
    build: ([source, indices], [[outer, size, inner], [, count]]) => ({
      kind: "scatterRows",
      shape: [outer, count, inner],
      outer,
      size,
      inner,
      count,
      operands: [source, indices],
    }),
  },
};

/**
 * x with values written at indices along adjacent axes, the first of which is `from`: one tensor of indices per axis, all of one shape and
 * in range; in the values their shape replaces these axes. Of several values at one position the last stays.
 */
export function write(x: Tensor, from: number, indices: readonly Tensor[], values: Tensor): Tensor {
  const [before, after]: [Shape, Shape] = [x.shape.slice(0, from), x.shape.slice(from + indices.length)];
  const extents = x.shape.slice(from, from + indices.length);
  const [size, count] = [sizeOf(extents), sizeOf(indices[0].shape)];
  const rows = (each: Tensor, rows: number) => reshape(each, [sizeOf(before), rows, sizeOf(after)]);
  const list = reshape(ravelIndices(indices, extents), [count]);
  return reshape(apply(writeOp, [rows(x, size), rows(values, count), list], { size }), x.shape);
}
