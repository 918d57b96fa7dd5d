/**
 * Seeing the same elements in another arrangement: most of these move nothing, they change how memory is read.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import { madeBy } from "../ir/operation.ts";
import { argument, axisPair, whole, wholeList, wholes } from "../kinds.ts";
import { axesOption, checkOptions, optionTable } from "../options.ts";
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  otherAxes,
  sameShape,
  type Shape,
  showShape,
  sizeOf,
} from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { firstOf, viewOfConstant } from "./algebra.ts";
import { apply, linear } from "./define.ts";
import { asTensor } from "./literal.ts";
import { reshape } from "./reshape.ts";
import { broadcastToKnown } from "./sum.ts";

export const permuteOp: Op<{ readonly order: readonly number[] }> = linear({
  name: "permute",
  shape: ([x], { order }) => order.map((axis) => x[axis]),
  transpose: (g, _, { order }) => permute(g, order.map((_, axis) => order.indexOf(axis))),
  vmap: (x, { order }) => permute(x, [0, ...order.map((axis) => axis + 1)]),
  lower: {
    kind: "view",
    view: ({ shape, offset, strides }, { order }) => ({
      shape: order.map((axis) => shape[axis]),
      offset,
      strides: order.map((axis) => strides[axis]),
    }),
  },
  simplify: firstOf(viewOfConstant, (node) => {
    const { inputs: [x], attrs: { order }, make } = node;
    const inner = madeBy(x, permuteOp);
    if (!inner) return x.made.kind === "op" ? x.made.op.permuted?.(order, x, node) : undefined;
    const both = order.map((axis) => inner.attrs.order[axis]);
    const [source] = inner.inputs;
    return both.every((axis, i) => axis === i) ? source : make(permuteOp, [source], { order: both });
  }),
});
/**
 * The axes in another order: axis i of the result is axis `order[i]` of x.
 *
 * ```ts
 * import { permute, zeros } from "../../mod.ts";
 * console.log(permute(zeros([32, 28, 28, 3]), [0, 3, 1, 2]).shape); // [32, 3, 28, 28]
 * ```
 *
 * @throws {ShapeError} If `order` does not name every axis once.
 */
export function permute(x: TensorLike, order: readonly number[]): Tensor {
  const tensor = asTensor(x);
  const axes = argument(order, wholeList, "order", "permute").map((axis) => normalizeAxis(axis, tensor.rank, "permute"));
  if (axes.length !== tensor.rank || axes.some((axis, i) => axes.indexOf(axis) !== i)) {
    throw new ShapeError(`Cannot permute ${showShape(tensor.shape)} by [${order.join(", ")}]: every axis must be named once`, {
      shape: tensor.shape,
      order,
    });
  }
  return axes.every((axis, i) => axis === i) ? tensor : apply(permuteOp, [tensor], { order: axes });
}

const transposeOptions = optionTable<{ readonly axis?: readonly [number, number] }>({ axis: axisPair });

/**
 * Swaps two axes, by default the last two: a matrix transposed.
 *
 * ```ts
 * import { toArray, tensor, transpose } from "../../mod.ts";
 * console.log(await toArray(transpose(tensor([[1, 2], [3, 4]])))); // [[1, 3], [2, 4]]
 * ```
 *
 * @throws {ShapeError} If there is no such axis.
 */
export function transpose(x: TensorLike, options: { readonly axis?: readonly [number, number] } = {}): Tensor {
  const { axis = [-2, -1] } = checkOptions(options, transposeOptions, "transpose");
  const tensor = asTensor(x);
  const [a, b] = axis.map((each) => normalizeAxis(each, tensor.rank, "transpose"));
  return permute(tensor, tensor.shape.map((_, i) => i === a ? b : i === b ? a : i));
}

/**
 * Repeats x to a larger shape by the rules of broadcasting.
 *
 * ```ts
 * import { broadcastTo, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(broadcastTo(tensor([1, 2]), [2, 2]))); // [[1, 2], [1, 2]]
 * ```
 *
 * @throws {ShapeError} If x does not broadcast to `shape`.
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const tensor = asTensor(x);
  checkShape(shape, "broadcast to a tensor");
  if (!sameShape(broadcastShapes(tensor.shape, shape, "broadcast"), shape)) {
    throw new ShapeError(`Cannot broadcast ${showShape(tensor.shape)} to ${showShape(shape)}: it is larger`, {
      shape: tensor.shape,
      to: shape,
    });
  }
  return broadcastToKnown(tensor, shape);
}

/**
 * Swaps two axes.
 *
 * ```ts
 * import { swapAxes, zeros } from "../../mod.ts";
 * console.log(swapAxes(zeros([2, 3, 4]), 0, -1).shape); // [4, 3, 2]
 * ```
 *
 * @throws {ShapeError} If there is no such axis.
 */
export function swapAxes(x: TensorLike, a: number, b: number): Tensor {
  argument(a, whole, "a", "swapAxes");
  argument(b, whole, "b", "swapAxes");
  return transpose(x, { axis: [a, b] });
}

/**
 * Moves axes elsewhere; the others stay in their order.
 *
 * ```ts
 * import { moveAxis, zeros } from "../../mod.ts";
 * console.log(moveAxis(zeros([32, 28, 28, 3]), -1, 1).shape); // [32, 3, 28, 28]
 * ```
 *
 * @param from The axes to move.
 * @param to Where each is in the result.
 * @throws {ShapeError} If there is no such axis, one is named twice, or the lists differ in length.
 */
export function moveAxis(x: TensorLike, from: number | readonly number[], to: number | readonly number[]): Tensor {
  const tensor = asTensor(x);
  argument(from, wholes, "from", "moveAxis");
  argument(to, wholes, "to", "moveAxis");
  const [sources, targets] = [from, to].map((axes) => {
    const list = (typeof axes === "number" ? [axes] : axes).map((axis) => normalizeAxis(axis, tensor.rank, "move"));
    normalizeAxes(list, tensor.rank, "move"); // none twice
    return list;
  });
  if (sources.length !== targets.length) {
    throw new ShapeError(`Cannot move axes [${sources.join(", ")}] to [${targets.join(", ")}]: the lists differ in length`, {
      from: sources,
      to: targets,
    });
  }
  const rest = otherAxes(tensor.shape, sources);
  let next = 0;
  return permute(
    tensor,
    tensor.shape.map((_, axis) => targets.includes(axis) ? sources[targets.indexOf(axis)] : rest[next++]),
  );
}

/**
 * Adds axes of extent 1.
 *
 * ```ts
 * import { expandDims, zeros } from "../../mod.ts";
 * console.log(expandDims(zeros([2, 3]), { axis: [0, -1] }).shape); // [1, 2, 3, 1]
 * ```
 *
 * @param options `axis`: the position in the result, or several (default in front).
 * @throws {ShapeError} If the result has no such axis.
 */
export function expandDims(x: TensorLike, options: { readonly axis?: number | readonly number[] } = {}): Tensor {
  const { axis = 0 } = checkOptions(options, axesOption, "expandDims");
  const tensor = asTensor(x);
  const rank = tensor.rank + (typeof axis === "number" ? 1 : axis.length);
  const added = normalizeAxes(axis, rank, "expand dims");
  let next = 0;
  return reshape(tensor, Array.from({ length: rank }, (_, i) => added.includes(i) ? 1 : tensor.shape[next++]));
}

/**
 * Removes axes of extent 1: all of them, or those named.
 *
 * ```ts
 * import { squeeze, zeros } from "../../mod.ts";
 * console.log(squeeze(zeros([1, 3, 1])).shape); // [3]
 * console.log(squeeze(zeros([1, 3, 1]), { axis: -1 }).shape); // [1, 3]
 * ```
 *
 * @throws {ShapeError} If a named axis has another extent.
 */
export function squeeze(x: TensorLike, options: { readonly axis?: number | readonly number[] } = {}): Tensor {
  const { axis } = checkOptions(options, axesOption, "squeeze");
  const tensor = asTensor(x);
  const gone = axis === undefined
    ? tensor.shape.flatMap((extent, i) => extent === 1 ? [i] : [])
    : normalizeAxes(axis, tensor.rank, "squeeze");
  const wrong = gone.find((each) => tensor.shape[each] !== 1);
  if (wrong !== undefined) {
    throw new ShapeError(`Cannot squeeze axis ${wrong} of ${showShape(tensor.shape)}: its extent is not 1`, {
      shape: tensor.shape,
      axis: wrong,
    });
  }
  return reshape(tensor, tensor.shape.filter((_, i) => !gone.includes(i)));
}

const flattenOptions = optionTable<{ readonly start?: number }>({ start: whole });

/**
 * Flattens the axes from `start` (default 0) on into one.
 *
 * ```ts
 * import { flatten, zeros } from "../../mod.ts";
 * console.log(flatten(zeros([64, 20, 4, 4]), { start: 1 }).shape); // [64, 320]
 * ```
 *
 * @throws {ShapeError} If there is no such axis.
 */
export function flatten(x: TensorLike, options: { readonly start?: number } = {}): Tensor {
  const { start = 0 } = checkOptions(options, flattenOptions, "flatten");
  const tensor = asTensor(x);
  const at = tensor.rank === 0 ? 0 : normalizeAxis(start, tensor.rank, "flatten");
  return reshape(tensor, [...tensor.shape.slice(0, at), sizeOf(tensor.shape.slice(at))]);
}

export const flipOp: Op<{ readonly axes: readonly number[] }> = linear({
  name: "flip",
  shape: ([x]) => x,
  transpose: (g, _, { axes }) => flip(g, { axis: axes }),
  vmap: (x, { axes }) => flip(x, { axis: axes.map((axis) => axis + 1) }),
  lower: {
    kind: "view",
    view: ({ shape, offset, strides }, { axes }) => ({
      shape,
      offset: axes.reduce((at, axis) => at + Math.max(0, shape[axis] - 1) * strides[axis], offset),
      strides: strides.map((stride, axis) => axes.includes(axis) ? -stride : stride),
    }),
  },
  simplify: viewOfConstant,
});
/**
 * The elements in reverse order along the axes (default all).
 *
 * ```ts
 * import { flip, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(flip(tensor([[1, 2], [3, 4]]), { axis: 1 }))); // [[2, 1], [4, 3]]
 * ```
 *
 * @throws {ShapeError} If there is no such axis, or one is named twice.
 */
export function flip(x: TensorLike, options: { readonly axis?: number | readonly number[] } = {}): Tensor {
  const { axis } = checkOptions(options, axesOption, "flip");
  const tensor = asTensor(x);
  return apply(flipOp, [tensor], { axes: normalizeAxes(axis, tensor.rank, "flip") });
}
