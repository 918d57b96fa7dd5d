/**
 * Seeing the same elements in another arrangement: most of these move nothing, they change how memory is read.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import {
  broadcastShapes,
  contiguousStrides,
  normalizeAxes,
  normalizeAxis,
  reshapeStrides,
  sameShape,
  type Shape,
  showShape,
  sizeOf,
} from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor, promoteAll } from "./arguments.ts";
import { addUp, apply, linear, type Op, sameDType } from "./define.ts";
import { sum } from "./reduce.ts";

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
});
/**
 * The same elements in row-major order under another shape; one extent may be -1 and is worked out.
 *
 * ```ts
 * import { arange, reshape } from "../../mod.ts";
 * console.log(reshape(arange(12), [3, -1]).shape); // [3, 4]
 * ```
 *
 * @throws {ShapeError} If the number of elements differs.
 */
export function reshape(x: TensorLike, shape: Shape): Tensor {
  const tensor = asTensor(x);
  const open = shape.indexOf(-1);
  const known = sizeOf(shape.filter((_, i) => i !== open));
  const full = open < 0 ? shape : shape.map((extent, i) => i === open ? (known === 0 ? 0 : tensor.size / known) : extent);
  if (full.some((extent) => !Number.isInteger(extent) || extent < 0) || sizeOf(full) !== tensor.size) {
    throw new ShapeError(
      `Cannot reshape ${showShape(tensor.shape)} to ${showShape(shape)}: ${tensor.size} elements do not fit`,
      { shape: tensor.shape, to: shape },
    );
  }
  return sameShape(full, tensor.shape) ? tensor : apply(reshapeOp, [tensor], { shape: full });
}

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
});
/**
 * The axes in another order: axis i of the result is axis `order[i]` of x.
 *
 * @throws {ShapeError} If `order` does not name every axis once.
 */
export function permute(x: TensorLike, order: readonly number[]): Tensor {
  const tensor = asTensor(x);
  const axes = order.map((axis) => normalizeAxis(axis, tensor.rank, "permute"));
  if (axes.length !== tensor.rank || new Set(axes).size !== tensor.rank) {
    throw new ShapeError(`Cannot permute ${showShape(tensor.shape)} by [${order.join(", ")}]: every axis must be named once`, {
      shape: tensor.shape,
      order,
    });
  }
  return axes.every((axis, i) => axis === i) ? tensor : apply(permuteOp, [tensor], { order: axes });
}

/** Swaps two axes, by default the last two: a matrix transposed. */
export function transpose(x: TensorLike, { axes = [-2, -1] }: { readonly axes?: readonly [number, number] } = {}): Tensor {
  const tensor = asTensor(x);
  const [a, b] = axes.map((axis) => normalizeAxis(axis, tensor.rank, "transpose"));
  return permute(tensor, tensor.shape.map((_, i) => i === a ? b : i === b ? a : i));
}

interface BroadcastAttrs {
  readonly shape: Shape;
  /** Which axis of the output each axis of the input becomes. */
  readonly axes: readonly number[];
}

export const broadcastOp: Op<BroadcastAttrs> = linear({
  name: "broadcastInDim",
  shape: (_, { shape }) => shape,
  transpose: (g, input, { shape, axes }) => {
    const stretched = axes.filter((axis, i) => input[i] === 1 && shape[axis] !== 1);
    const added = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    return reshape(sum(g, { axes: [...added, ...stretched] }), input);
  },
  vmap: (x, { shape, axes }, size) => broadcastInDim(x, [size, ...shape], [0, ...axes.map((axis) => axis + 1)]),
  lower: {
    kind: "view",
    view: (input, { shape, axes }) => {
      const strides = shape.map(() => 0);
      axes.forEach((axis, i) => {
        if (input.shape[i] !== 1) strides[axis] = input.strides[i];
      });
      return { shape, offset: input.offset, strides };
    },
  },
});
/** Repeats x along new axes and along axes of extent 1: axis i of x becomes axis `axes[i]` (ascending) of `shape`. */
export function broadcastInDim(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastOp, [x], { shape, axes });
}

/**
 * Repeats x to a larger shape by the rules of broadcasting.
 *
 * @throws {ShapeError} If x cannot stretch to `shape`.
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const tensor = asTensor(x);
  if (!sameShape(broadcastShapes(tensor.shape, shape, "broadcast"), shape)) {
    throw new ShapeError(`Cannot broadcast ${showShape(tensor.shape)} to ${showShape(shape)}: it is larger`, {
      shape: tensor.shape,
      to: shape,
    });
  }
  const lead = shape.length - tensor.rank;
  return broadcastInDim(tensor, shape, tensor.shape.map((_, axis) => axis + lead));
}

/** Adds an axis of extent 1 before position `axis` of the result (default: in front). */
export function expandDims(x: TensorLike, { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank + 1, "expand dims");
  return reshape(tensor, [...tensor.shape.slice(0, at), 1, ...tensor.shape.slice(at)]);
}

/**
 * Removes axes of extent 1: all of them, or those named.
 *
 * @throws {ShapeError} If a named axis has another extent.
 */
export function squeeze(x: TensorLike, { axes }: { readonly axes?: number | readonly number[] } = {}): Tensor {
  const tensor = asTensor(x);
  const gone = axes === undefined
    ? tensor.shape.flatMap((extent, axis) => extent === 1 ? [axis] : [])
    : normalizeAxes(axes, tensor.rank, "squeeze");
  const wrong = gone.find((axis) => tensor.shape[axis] !== 1);
  if (wrong !== undefined) {
    throw new ShapeError(`Cannot squeeze axis ${wrong} of ${showShape(tensor.shape)}: its extent is not 1`, {
      shape: tensor.shape,
      axis: wrong,
    });
  }
  return reshape(tensor, tensor.shape.filter((_, axis) => !gone.includes(axis)));
}

/**
 * Flattens the axes from `start` (default 0) on into one: [64, 20, 4, 4] with start 1 becomes [64, 320].
 */
export function flatten(x: TensorLike, { start = 0 }: { readonly start?: number } = {}): Tensor {
  const tensor = asTensor(x);
  const at = tensor.rank === 0 ? 0 : normalizeAxis(start, tensor.rank, "flatten");
  return reshape(tensor, [...tensor.shape.slice(0, at), sizeOf(tensor.shape.slice(at))]);
}

interface SliceAttrs {
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly step: readonly number[];
}

export const sliceOp: Op<SliceAttrs> = linear({
  name: "slice",
  shape: (_, { count }) => count,
  transpose: (g, input, { start, count, step }) =>
    pad(g, {
      low: start,
      high: input.map((extent, i) => count[i] === 0 ? extent - start[i] : extent - start[i] - (count[i] - 1) * step[i] - 1),
      interior: step.map((each) => each - 1),
    }),
  vmap: (x, { start, count, step }, size) =>
    apply(sliceOp, [x], { start: [0, ...start], count: [size, ...count], step: [1, ...step] }),
  lower: {
    kind: "view",
    view: ({ offset, strides }, { start, count, step }) => ({
      shape: count,
      offset: start.reduce((at, from, axis) => at + from * strides[axis], offset),
      strides: strides.map((stride, axis) => stride * step[axis]),
    }),
  },
});

/** Part of one axis: from `start` up to, without, `stop`, every `step`-th; negative positions count from the end. */
export interface SliceRange {
  /** Along which axis. Default the first. */
  readonly axis?: number;
  /** The first position. Default 0. */
  readonly start?: number;
  /** The position to stop before. Default the end. */
  readonly stop?: number;
  /** At least 1. Default 1. */
  readonly step?: number;
}

/**
 * Part of x along one axis (default the first), as Python's start:stop:step with a positive step.
 *
 * ```ts
 * import { arange, slice, toArray } from "../../mod.ts";
 * console.log(await toArray(slice(arange(10), { start: -4, step: 2 }))); // [6, 8]
 * ```
 */
export function slice(x: TensorLike, { axis = 0, start = 0, stop, step = 1 }: SliceRange): Tensor {
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "slice");
  const extent = tensor.shape[at];
  if (!Number.isInteger(step) || step < 1) {
    throw new RangeError(`Cannot slice by step ${step}: it must be a whole number of at least 1`);
  }
  const wrong = [start, stop ?? 0].find((position) => !Number.isInteger(position));
  if (wrong !== undefined) throw new RangeError(`Cannot slice at ${wrong}: positions must be whole numbers`);
  const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + extent : position, 0), extent);
  const from = clamp(start);
  const count = Math.max(0, Math.ceil((clamp(stop ?? extent) - from) / step));
  return apply(sliceOp, [tensor], {
    start: tensor.shape.map((_, i) => i === at ? from : 0),
    count: tensor.shape.map((each, i) => i === at ? count : each),
    step: tensor.shape.map((_, i) => i === at ? step : 1),
  });
}

export const flipOp: Op<{ readonly axes: readonly number[] }> = linear({
  name: "flip",
  shape: ([x]) => x,
  transpose: (g, _, { axes }) => flip(g, { axes }),
  vmap: (x, { axes }) => flip(x, { axes: axes.map((axis) => axis + 1) }),
  lower: {
    kind: "view",
    view: ({ shape, offset, strides }, { axes }) => ({
      shape,
      offset: axes.reduce((at, axis) => at + Math.max(0, shape[axis] - 1) * strides[axis], offset),
      strides: strides.map((stride, axis) => axes.includes(axis) ? -stride : stride),
    }),
  },
});
/** The elements in reverse order along the axes (default all). */
export function flip(x: TensorLike, { axes }: { readonly axes?: number | readonly number[] } = {}): Tensor {
  const tensor = asTensor(x);
  return apply(flipOp, [tensor], { axes: normalizeAxes(axes, tensor.rank, "flip") });
}

interface PadAttrs {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

function padPlace(shape: Shape, { low, high, interior }: PadAttrs): { shape: Shape; offset: number; strides: number[] } {
  const out = shape.map((extent, i) => low[i] + high[i] + (extent === 0 ? 0 : (extent - 1) * (interior[i] + 1) + 1));
  const strides = contiguousStrides(out);
  return {
    shape: out,
    offset: low.reduce((at, each, axis) => at + each * strides[axis], 0),
    strides: strides.map((stride, axis) => stride * (interior[axis] + 1)),
  };
}

export const padOp: Op<PadAttrs> = {
  name: "pad",
  shape: ([x], attrs) => padPlace(x, attrs).shape,
  dtype: sameDType,
  vjp: (g, [x], _, { low, interior }) => [
    apply(sliceOp, [g], { start: low, count: x.shape, step: interior.map((each) => each + 1) }),
  ],
  jvp: ([t], _inputs, _output, attrs) => t && apply(padOp, [t], { ...attrs, value: 0 }),
  vmap: ([x], _, { low, high, interior, value }) =>
    apply(padOp, [x], { low: [0, ...low], high: [0, ...high], interior: [0, ...interior], value }),
  lower: { kind: "place", places: ([x], attrs) => [padPlace(x, attrs)], fill: ({ value }) => value },
};

/** How much to add at each axis, and with what. */
export interface PadOptions {
  /** Elements before the first, per axis. */
  readonly low: readonly number[];
  /** Elements after the last, per axis. */
  readonly high: readonly number[];
  /** Elements between any two, per axis (default none). */
  readonly interior?: readonly number[];
  /** What to add (default 0). */
  readonly value?: number;
}

/**
 * x with constant elements added around (and between) its own.
 *
 * @throws {ShapeError} If the lists do not have one number of at least 0 per axis.
 */
export function pad(x: TensorLike, { low, high, interior, value = 0 }: PadOptions): Tensor {
  const tensor = asTensor(x);
  const inner = interior ?? low.map(() => 0);
  for (const list of [low, high, inner]) {
    if (list.length !== tensor.rank || list.some((each) => !Number.isInteger(each) || each < 0)) {
      throw new ShapeError(
        `Cannot pad ${showShape(tensor.shape)} by [${list.join(", ")}]: one number of at least 0 per axis is needed`,
        {
          shape: tensor.shape,
          padding: list,
        },
      );
    }
  }
  return apply(padOp, [tensor], { low, high, interior: inner, value });
}

export const concatOp: Op<{ readonly axis: number }> = {
  name: "concat",
  shape: (inputs, { axis }) => {
    const [first] = inputs;
    for (const shape of inputs) {
      if (shape.length !== first.length || shape.some((extent, i) => i !== axis && extent !== first[i])) {
        throw new ShapeError(
          `Cannot concat shapes ${inputs.map(showShape).join(", ")} along axis ${axis}: the other axes must be equal`,
          {
            shapes: inputs,
            axis,
          },
        );
      }
    }
    return first.map((extent, i) => i === axis ? inputs.reduce((total, shape) => total + shape[axis], 0) : extent);
  },
  dtype: sameDType,
  vjp: (g, inputs, _, { axis }) => {
    let at = 0;
    return inputs.map(({ shape }) => slice(g, { axis, start: at, stop: at += shape[axis] }));
  },
  jvp: (tangents, inputs, _, { axis }) =>
    addUp(tangents.map((t, i) => {
      if (!t) return undefined;
      const before = inputs.slice(0, i).reduce((total, { shape }) => total + shape[axis], 0);
      const after = inputs.slice(i + 1).reduce((total, { shape }) => total + shape[axis], 0);
      return pad(t, {
        low: t.shape.map((_, each) => each === axis ? before : 0),
        high: t.shape.map((_, each) => each === axis ? after : 0),
      });
    })),
  vmap: (inputs, batched, { axis }, size) =>
    concat(inputs.map((x, i) => batched[i] ? x : broadcastTo(x, [size, ...x.shape])), { axis: axis + 1 }),
  lower: {
    kind: "place",
    places: (inputs, { axis }) => {
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
 * Tensors one after the other along an axis (default the first).
 *
 * @throws {ShapeError} If another axis differs, or there are no tensors.
 */
export function concat(xs: readonly TensorLike[], { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  if (xs.length === 0) throw new ShapeError("Cannot concat an empty list of tensors", {});
  const tensors = promoteAll(xs);
  return apply(concatOp, tensors, { axis: normalizeAxis(axis, tensors[0].rank, "concat") });
}

/** Tensors of one shape side by side along a new axis (default in front). */
export function stack(xs: readonly TensorLike[], { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  return concat(xs.map((x) => expandDims(x, { axis })), { axis });
}
