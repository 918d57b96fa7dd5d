/**
 * The same elements in the same order under another shape.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import { madeBy } from "../ir/operation.ts";
import { argument, wholeList } from "../kinds.ts";
import { reshapeStrides, sameShape, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { firstOf, viewOfConstant } from "./algebra.ts";
import { apply, linear } from "./define.ts";
import { asTensor } from "./literal.ts";

export const reshapeOp: Op<{ readonly shape: Shape }> = linear({
  name: "reshape",
  shape: (_, { shape }) => shape,
  transpose: (g, shape) => reshape(g, shape),
  vmap: (x, { shape }, size) => reshape(x, [size, ...shape]),
  lower: {
    kind: "view",
    view: (input, { shape }) => {
      const strides = reshapeStrides(input.shape, input.strides, shape);
      return strides && { shape, offset: input.offset, strides };
    },
  },
  simplify: firstOf(viewOfConstant, ({ inputs: [x], attrs, shape, make }) => {
    if (sameShape(x.shape, shape)) return x;
    const inner = madeBy(x, reshapeOp);
    return inner && make(reshapeOp, inner.inputs, attrs);
  }),
});
/**
 * The same elements in row-major order under another shape; one extent may be -1 and is worked out.
 *
 * ```ts
 * import { arange, reshape } from "../../mod.ts";
 * console.log(reshape(arange(12), [3, -1]).shape); // [3, 4]
 * ```
 *
 * @throws {ShapeError} If the number of elements differs, or does not tell what -1 stands for.
 */
export function reshape(x: TensorLike, shape: Shape): Tensor {
  const tensor = asTensor(x);
  argument(shape, wholeList, "shape", "reshape");
  const open = shape.indexOf(-1);
  const known = open < 0 ? sizeOf(shape) : sizeOf(shape.filter((_, i) => i !== open));
  if (open >= 0 && (known === 0 || shape.lastIndexOf(-1) !== open)) {
    throw new ShapeError(
      `Cannot reshape ${showShape(tensor.shape)} to ${showShape(shape)}: ` +
        (known === 0 ? "-1 could be anything beside an extent of 0" : "only one extent may be -1"),
      { shape: tensor.shape, to: shape },
    );
  }
  const full = open < 0 ? shape : shape.map((extent, i) => i === open ? tensor.size / known : extent);
  if (full.some((extent) => !Number.isInteger(extent) || extent < 0) || sizeOf(full) !== tensor.size) {
    throw new ShapeError(
      `Cannot reshape ${showShape(tensor.shape)} to ${showShape(shape)}: ${tensor.size} elements do not fit`,
      { shape: tensor.shape, to: shape },
    );
  }
  return sameShape(full, tensor.shape) ? tensor : apply(reshapeOp, [tensor], { shape: full });
}
