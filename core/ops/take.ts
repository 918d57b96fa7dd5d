/**
 * Choosing elements by index.
 *
 * @module
 */
import { axisOption, checkOptions } from "../options.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { indicesAlong, normalizeIndices } from "./indices.ts";
import { asTensor } from "./literal.ts";
import { gather } from "./rows.ts";

/**
 * The slices of x along an axis (default the first) that the indices name, in their order; negative indices count from the end. Those
 * out of range are an error where they are known, and are clamped where they are not, as inside `jit` (a program on a device cannot
 * raise an error).
 *
 * ```ts
 * import { take, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(take(tensor([10, 20, 30]), tensor([2, 0], { dtype: "i32" })))); // [30, 10]
 * ```
 *
 * @param indices Integers of any shape, which replaces the axis.
 * @throws {DTypeError} If the indices are not integers.
 * @throws {RangeError} If an index is known to be out of range.
 * @throws {ShapeError} If there is an index, but the axis is empty.
 */
export function take(x: TensorLike, indices: TensorLike, options: { readonly axis?: number } = {}): Tensor {
  const { axis = 0 } = checkOptions(options, axisOption, "take");
  const tensor = asTensor(x);
  const along = normalizeAxis(axis, tensor.rank, "take");
  return gather(tensor, along, [normalizeIndices(indices, tensor.shape, along, "take")]);
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
 * @param indices Integers, with as many axes as x; the other axes broadcast against those of x. Negative ones count from the end; those
 * out of range are treated as `take` does.
 * @param options `axis`: along which axis (default the last).
 * @returns A tensor of the shape of the indices, where they did not broadcast.
 * @throws {DTypeError} If the indices are not integers.
 * @throws {RangeError} If an index is known to be out of range.
 * @throws {ShapeError} If the shapes do not fit, or there is an index, but nothing to choose from.
 * @see NumPy's take_along_axis; PyTorch's gather (which does not broadcast)
 */
export function takeAlongAxis(x: TensorLike, indices: TensorLike, options: { readonly axis?: number } = {}): Tensor {
  const { axis = -1 } = checkOptions(options, axisOption, "takeAlongAxis");
  const tensor = asTensor(x);
  const along = indicesAlong(tensor.shape, indices, axis, "take");
  return gather(tensor, along.from, along.indices);
}
