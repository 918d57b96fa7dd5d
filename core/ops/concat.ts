/**
 * Tensors put together: one after the other, side by side, or the same one again.
 *
 * @module
 */
import { argument, tensorLikeList, wholes } from "../kinds.ts";
import { axesOption, axisOption, checkOptions } from "../options.ts";
import { hostArray, indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { contiguousStrides, normalizeAxis, sameShape, type Shape, showShape } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { asTensor } from "./literal.ts";
import { tensor as constant } from "./from_values.ts";
import { zeroTangent } from "./constant.ts";
import { apply, sameDType } from "./define.ts";
import { broadcastInDim } from "./sum.ts";
import { broadcastTo, expandDims } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { slice } from "./slice.ts";
import { take } from "./take.ts";

export const concatOp: Op<{ readonly axis: number }> = {
  name: "concat",
  shape: (inputs, { axis }) => {
    const [first] = inputs;
    const wrong = inputs.findIndex((shape) =>
      shape.length !== first.length || shape.some((extent, i) => i !== axis && extent !== first[i])
    );
    if (wrong >= 0) {
      throw new ShapeError(
        `Cannot concat along axis ${axis}: tensor ${wrong} of ${inputs.length} has shape ${
          showShape(inputs[wrong])
        }, the first ` +
          `${showShape(first)}, and the other axes must be equal`,
        { shapes: inputs, axis, operand: wrong },
      );
    }
    return first.map((extent, i) => i === axis ? inputs.reduce((total, shape) => total + shape[axis], 0) : extent);
  },
  dtype: sameDType,
  vjp: (g, inputs, _, { axis }) => {
    let at = 0;
    return inputs.map(({ shape }) => slice(g, { axis, start: at, stop: at += shape[axis] }));
  },
  jvp: (tangents, inputs, _, attrs) => [apply(concatOp, inputs.map((x, i) => tangents[i] ?? zeroTangent(x)), attrs)],
  vmap: (inputs, batched, { axis }, size) =>
    concat(inputs.map((x, i) => batched[i] ? x : broadcastTo(x, [size, ...x.shape])), { axis: axis + 1 }),
  lower: {
    kind: "assemble",
    layouts: (inputs, { axis }) => {
      const total = inputs.reduce((sum, shape) => sum + shape[axis], 0);
      const strides = contiguousStrides(inputs[0].map((extent, i) => i === axis ? total : extent));
      let at = 0;
      return inputs.map((shape) => {
        const offset = at * strides[axis];
        at += shape[axis];
        return { offset, strides };
      });
    },
  },
};
/**
 * Joins tensors along an axis (default the first).
 *
 * ```ts
 * import { concat, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(concat([tensor([1, 2]), tensor([3])]))); // [1, 2, 3]
 * ```
 *
 * @throws {ShapeError} If another axis differs, or there are no tensors.
 */
export function concat(xs: readonly TensorLike[], options: { readonly axis?: number } = {}): Tensor {
  const { axis = 0 } = checkOptions(options, axisOption, "concat");
  argument(xs, tensorLikeList, "xs", "concat");
  if (xs.length === 0) throw new ShapeError("Cannot concat an empty list of tensors", {});
  const tensors = promoteAll(xs);
  return apply(concatOp, tensors, { axis: normalizeAxis(axis, tensors[0].rank, "concat") });
}

/**
 * Joins tensors of one shape along a new axis (default the first).
 *
 * ```ts
 * import { stack, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(stack([tensor([1, 2]), tensor([3, 4])], { axis: 1 }))); // [[1, 3], [2, 4]]
 * ```
 *
 * @throws {ShapeError} If the shapes differ, or there are no tensors.
 */
export function stack(xs: readonly TensorLike[], options: { readonly axis?: number } = {}): Tensor {
  const { axis = 0 } = checkOptions(options, axisOption, "stack");
  argument(xs, tensorLikeList, "xs", "stack");
  if (xs.length === 0) throw new ShapeError("Cannot stack an empty list of tensors", {});
  const tensors = promoteAll(xs);
  const { shape } = tensors[0];
  const wrong = tensors.findIndex((each) => !sameShape(each.shape, shape));
  if (wrong >= 0) {
    throw new ShapeError(
      `Cannot stack tensors of different shapes: tensor ${wrong} of ${xs.length} has shape ${showShape(tensors[wrong].shape)}, ` +
        `the first ${showShape(shape)}`,
      { shapes: tensors.map((each) => each.shape), operand: wrong },
    );
  }
  return concat(tensors.map((each) => expandDims(each, { axis })), { axis });
}

/** Each index repeated by its count: [2, 0, 1] gives 0, 0, 2. */
function expandCounts(counts: readonly number[]): Int32Array {
  const expanded = hostArray(indexType, counts.reduce((sum, count) => sum + count, 0)) as Int32Array;
  let at = 0;
  counts.forEach((count, i) => expanded.fill(i, at, at += count));
  return expanded;
}

/**
 * Every element of x several times in a row, along an axis or (by default) with x flattened.
 *
 * ```ts
 * import { repeat, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(repeat(tensor([1, 2]), 3))); // [1, 1, 1, 2, 2, 2]
 * console.log(await toArray(repeat(tensor([[1, 2]]), [0, 2], { axis: 1 }))); // [[2, 2]]
 * ```
 *
 * @param counts How often: one number for all, or one per position along the axis.
 * @throws {ShapeError} If there is not one number of at least 0 per position.
 * @see NumPy's repeat, PyTorch's repeat_interleave
 */
export function repeat(
  x: TensorLike,
  counts: number | readonly number[],
  options: { readonly axis?: number } = {},
): Tensor {
  const { axis } = checkOptions(options, axisOption, "repeat");
  argument(counts, wholes, "counts", "repeat");
  const tensor = asTensor(x);
  if (axis === undefined) return repeat(reshape(tensor, [tensor.size]), counts, { axis: 0 });
  const at = normalizeAxis(axis, tensor.rank, "repeat");
  const { shape } = tensor;
  const [list, one] = typeof counts === "number" ? [[counts], true] : [counts, false];
  if ((!one && list.length !== shape[at]) || list.some((count) => count < 0)) {
    throw new ShapeError(
      `Cannot repeat ${showShape(shape)} along axis ${at} by [${list.join(", ")}]: ` +
        `${shape[at]} numbers of at least 0 are needed, or one for all`,
      { shape, axis: at, counts },
    );
  }
  if (typeof counts !== "number") return take(tensor, constant(expandCounts(counts)), { axis: at });
  const [before, after] = [shape.slice(0, at + 1), shape.slice(at + 1)];
  const wide = broadcastInDim(tensor, [...before, counts, ...after], shape.map((_, i) => i <= at ? i : i + 1));
  return reshape(wide, [...shape.slice(0, at), shape[at] * counts, ...after]);
}

/**
 * x repeated as a whole, `counts` times along each axis.
 *
 * ```ts
 * import { tensor, tile, toArray } from "../../mod.ts";
 * console.log(await toArray(tile(tensor([1, 2]), 2))); // [1, 2, 1, 2]
 * console.log(await toArray(tile(tensor([1, 2]), [2, 1]))); // [[1, 2], [1, 2]]
 * ```
 *
 * @param counts For the last axes, one number each, as in NumPy: missing ones are 1, and where there are more than axes, x gets new
 * axes in front.
 * @throws {ShapeError} If a number is below 0.
 */
export function tile(x: TensorLike, counts: number | readonly number[]): Tensor {
  argument(counts, wholes, "counts", "tile");
  const tensor = asTensor(x);
  const given = typeof counts === "number" ? [counts] : counts;
  if (given.some((count) => count < 0)) {
    throw new ShapeError(`Cannot tile by [${given.join(", ")}]: every number must be at least 0`, { counts: given });
  }
  const rank = Math.max(tensor.rank, given.length);
  const pairs = Array.from({ length: rank }, (_, i) => ({
    times: given[i - rank + given.length] ?? 1,
    extent: tensor.shape[i - rank + tensor.rank] ?? 1,
  }));
  const wide: Shape = pairs.flatMap(({ times, extent }) => [times, extent]);
  const own = tensor.shape.map((_, i) => 2 * (i + rank - tensor.rank) + 1);
  return reshape(broadcastInDim(tensor, wide, own), pairs.map(({ times, extent }) => times * extent));
}

/**
 * x shifted along axes, circularly: elements that leave at the end come in at the beginning.
 *
 * ```ts
 * import { arange, roll, toArray } from "../../mod.ts";
 * console.log(await toArray(roll(arange(5), 2))); // [3, 4, 0, 1, 2]
 * console.log(await toArray(roll(arange(5), -1))); // [1, 2, 3, 4, 0]
 * ```
 *
 * @param shift By how many positions; negative ones go towards the beginning.
 * @param options `axis`: one axis, or several with a shift for each. By default x is shifted as if it were flattened, and keeps
 * its shape.
 * @throws {ShapeError} If the numbers of axes and shifts differ.
 * @throws {RangeError} If a shift is not an integer.
 */
export function roll(
  x: TensorLike,
  shift: number | readonly number[],
  options: { readonly axis?: number | readonly number[] } = {},
): Tensor {
  const { axis } = checkOptions(options, axesOption, "roll");
  argument(shift, wholes, "shift", "roll");
  const tensor = asTensor(x);
  const shifts = typeof shift === "number" ? [shift] : shift;
  const axes = axis === undefined || typeof axis === "number" ? [axis ?? 0] : axis;
  if (axes.length !== shifts.length) {
    throw new ShapeError(`Cannot roll along axes [${axes.join(", ")}] by [${shifts.join(", ")}]: one shift per axis is needed`, {
      axis: axes,
      shifts,
    });
  }
  if (axis === undefined) return reshape(roll(reshape(tensor, [tensor.size]), shift, { axis: 0 }), tensor.shape);
  return axes.reduce((turned, each, i) => {
    const at = normalizeAxis(each, tensor.rank, "roll");
    const extent = tensor.shape[at];
    const cut = extent === 0 ? 0 : (extent - shifts[i] % extent) % extent;
    if (cut === 0) return turned;
    return concat([slice(turned, { axis: at, start: cut }), slice(turned, { axis: at, stop: cut })], { axis: at });
  }, tensor);
}
