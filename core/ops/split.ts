/**
 * Tensors cut into pieces along an axis.
 *
 * @module
 */
import { argument, whole, wholes } from "../kinds.ts";
import { axisOption, checkOptions } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { tensorCount } from "../ranges.ts";
import { normalizeAxis, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { squeeze } from "./movement.ts";
import { slice } from "./slice.ts";

/** Consecutive pieces of these sizes. */
function pieces(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  let at = 0;
  return sizes.map((size) => slice(x, { axis, start: at, stop: at += size }));
}

/**
 * x cut along an axis into pieces one after the other: a number of equal ones, or pieces of the given sizes.
 *
 * ```ts
 * import { split, zeros } from "../../mod.ts";
 * const [q, k, v] = split(zeros([8, 192]), 3, { axis: -1 });
 * console.log(q.shape, k.shape, v.shape); // [8, 64] [8, 64] [8, 64]
 * console.log(split(zeros([10]), [7, 3]).map((part) => part.shape)); // [[7], [3]]
 * ```
 *
 * @param parts How many pieces, as in NumPy (PyTorch's number is the size of one), or their sizes.
 * @param options `axis`: default the first.
 * @throws {ShapeError} If the axis cannot be cut into equal pieces, or the sizes do not add up to it.
 */
export function split(
  x: TensorLike,
  parts: number | readonly number[],
  options: { readonly axis?: number } = {},
): Tensor[] {
  const { axis = 0 } = checkOptions(options, axisOption, "split");
  argument(parts, wholes, "parts", "split");
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "split");
  const extent = tensor.shape[at];
  const refuse = (why: string) => {
    const asked = typeof parts === "number" ? `${parts} parts` : `sizes [${parts.join(", ")}]`;
    return new ShapeError(`Cannot split ${showShape(tensor.shape)} along axis ${at} into ${asked}: ${why}`, {
      shape: tensor.shape,
      axis: at,
      parts,
    });
  };
  if (typeof parts === "number") {
    if (parts < 1) throw refuse("their number must be at least 1");
    if (extent % parts !== 0) throw refuse(`its extent ${extent} is no multiple, use chunk or a list of sizes`);
    return pieces(tensor, Array.from({ length: tensorCount(parts, "The number of parts") }, () => extent / parts), at);
  }
  if (parts.some((size) => size < 0)) throw refuse("sizes must be at least 0");
  const total = parts.reduce((sum, size) => sum + size, 0);
  if (total !== extent) throw refuse(`they add up to ${total}, its extent is ${extent}`);
  return pieces(tensor, parts, at);
}

/**
 * x cut along an axis (default the first) into at most `count` pieces of one size; the last may be smaller.
 *
 * ```ts
 * import { arange, chunk } from "../../mod.ts";
 * console.log(chunk(arange(10), 4).map((part) => part.shape)); // [[3], [3], [3], [1]]
 * ```
 *
 * @throws {RangeError} If `count` is not an integer of at least 1.
 * @see PyTorch's chunk
 */
export function chunk(x: TensorLike, count: number, options: { readonly axis?: number } = {}): Tensor[] {
  const { axis = 0 } = checkOptions(options, axisOption, "chunk");
  argument(count, whole, "count", "chunk");
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "chunk");
  const extent = tensor.shape[at];
  const size = Math.ceil(extent / tensorCount(count, "The number of chunks"));
  // An empty axis still gives `count` pieces.
  const sizes = size === 0 ? new Array<number>(count).fill(0) : Array.from(
    { length: Math.ceil(extent / size) },
    (_, i) => Math.min(size, extent - i * size),
  );
  return pieces(tensor, sizes, at);
}

/**
 * The slices of x along an axis (default the first), without that axis: the inverse of `stack`.
 *
 * ```ts
 * import { toArray, tensor, unstack } from "../../mod.ts";
 * const [first, second] = unstack(tensor([[1, 2], [3, 4]]), { axis: 1 });
 * console.log(await toArray(first), await toArray(second)); // [1, 3] [2, 4]
 * ```
 */
export function unstack(x: TensorLike, options: { readonly axis?: number } = {}): Tensor[] {
  const { axis = 0 } = checkOptions(options, axisOption, "unstack");
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "unstack");
  const count = tensorCount(tensor.shape[at], "The extent of an axis to unstack", 0);
  return pieces(tensor, new Array<number>(count).fill(1), at).map((part) => squeeze(part, { axis: at }));
}
