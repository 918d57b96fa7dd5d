/**
 * Adding elements where indices say.
 *
 * @module
 */
import { axisOption, checkOptions } from "../options.ts";
import { isBool } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { type Shape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ask } from "../traced_number.ts";
import { commonType } from "./arguments.ts";
import { asTensor, isNumber } from "./literal.ts";
import { add } from "./arithmetic.ts";
import { cast } from "./cast.ts";
import { broadcastTo } from "./movement.ts";
import { indicesAlong } from "./indices.ts";
import { scatter } from "./rows.ts";

/**
 * What goes into x: a tensor of x's type and of this shape.
 *
 * @throws {DTypeError} If the type of `values` does not fit into that of x.
 * @throws {ShapeError} If they do not broadcast to the shape.
 */
export function valuesFor(x: Tensor, values: TensorLike, shape: Shape, what: string): Tensor {
  const whole = isNumber(values) && !isBool(x.dtype) && ask(values, "is whole", Number.isInteger);
  const type = whole ? x.dtype : commonType([x, values]);
  if (type !== x.dtype) {
    const given = isNumber(values)
      ? ask(values, `${what} as ${x.dtype}`, (value) => `the number ${value}`)
      : `values of type ${asTensor(values).dtype}`;
    throw new DTypeError(`Cannot ${what} ${given} to a tensor of type ${x.dtype}: cast one of them`, { dtype: x.dtype, type });
  }
  const tensor = isNumber(values) ? asTensor(values, x.dtype) : cast(asTensor(values), x.dtype);
  const lead = shape.length - tensor.rank;
  if (lead < 0 || tensor.shape.some((extent, i) => extent !== 1 && extent !== shape[i + lead])) {
    throw new ShapeError(
      `Cannot ${what} values of shape ${showShape(tensor.shape)} to positions of shape ${
        showShape(shape)
      }: they do not broadcast to it`,
      { values: tensor.shape, positions: shape },
    );
  }
  return broadcastTo(tensor, shape);
}

/**
 * x with values added at indices beside them along an axis: with axis 1, out[i, indices[i, j]] += updates[i, j]. Values at one
 * position are summed. It is the transpose of `takeAlongAxis`.
 *
 * ```ts
 * import { scatterAdd, tensor, toArray, zeros } from "../../mod.ts";
 * const indices = tensor([[0, 0, 2]], { dtype: "i32" });
 * console.log(await toArray(scatterAdd(zeros([1, 3]), indices, tensor([[1, 2, 3]])))); // [[3, 0, 3]]
 * ```
 *
 * @param indices Integers, with as many axes as x; the other axes broadcast against those of x (PyTorch instead leaves out rows
 * of x that have no indices: add to a slice of x for that). Negative ones count from the end; those out of range are treated as `take` does.
 * @param updates Numbers that broadcast to the shape of the (broadcast) indices.
 * @param options `axis`: along which axis (default the last).
 * @throws {DTypeError} If the indices are not integers, or the type of the updates does not fit into that of x.
 * @throws {RangeError} If an index is known to be out of range.
 * @throws {ShapeError} If the shapes do not fit.
 */
export function scatterAdd(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  options: { readonly axis?: number } = {},
): Tensor {
  const { axis = -1 } = checkOptions(options, axisOption, "scatterAdd");
  const tensor = asTensor(x);
  const along = indicesAlong(tensor.shape, indices, axis, "scatter to");
  const values = valuesFor(tensor, updates, along.shape, "add");
  const extents = tensor.shape.slice(along.from, along.from + along.indices.length);
  return add(tensor, scatter(values, along.from, along.indices, extents));
}
