/**
 * Pooling of images: the largest or the mean of every window, and the operations their derivatives need.
 *
 * The derivative of a maximum goes to its place, so scatter (cotangents to places) and gather (tangents from places) are each
 * other's transposes, and x itself only says where the places are.
 *
 * @module
 */
import type { PoolGeometry, Shape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./arguments.ts";
import { apply, batchAll, floatDType, linear, numberDType, type Op } from "./define.ts";
import { reshape } from "./movement.ts";
import { checkPlaces, imageAxes, type Pair, pair, places, symmetric } from "./window.ts";

interface PoolAttrs {
  readonly geometry: PoolGeometry;
}

const imageShape = ({ n, c, h, w }: PoolGeometry): Shape => [n, c, h, w];
const resultShape = ({ n, c, oh, ow }: PoolGeometry): Shape => [n, c, oh, ow];

type PoolKind = "maxPool2d" | "maxPool2dScatter" | "maxPool2dGather" | "avgPool2d" | "avgPool2dGrad";

function kernelOf(kind: PoolKind, shape: (g: PoolGeometry) => Shape): Op<PoolAttrs>["lower"] {
  return {
    kind: "kernel",
    build: (operands, _, { geometry }) => ({ kind, shape: shape(geometry), geometry, operands }),
  };
}

/** Examples of a vmap are more images of the batch. */
function poolMany(op: Op<PoolAttrs>, inputs: readonly Tensor[], { geometry }: PoolAttrs, size: number): Tensor {
  const merged = inputs.map((x) => reshape(x, [size * x.shape[1], ...x.shape.slice(2)]));
  const y = apply(op, merged, { geometry: { ...geometry, n: geometry.n * size } });
  return reshape(y, [size, geometry.n, ...y.shape.slice(1)]);
}

export const maxPool2dOp: Op<PoolAttrs> = {
  name: "maxPool2d",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: numberDType("maxPool2d"),
  vjp: (g, [x], _, attrs) => [apply(maxPool2dScatterOp, [x, g], attrs)],
  jvp: ([t], [x], _, attrs) => t && apply(maxPool2dGatherOp, [x, t], attrs),
  vmap: (inputs, _, attrs, size) => poolMany(maxPool2dOp, inputs, attrs, size),
  lower: kernelOf("maxPool2d", resultShape),
};

export const maxPool2dScatterOp: Op<PoolAttrs> = {
  name: "maxPool2dScatter",
  shape: (_, { geometry }) => imageShape(geometry),
  dtype: numberDType("maxPool2dScatter"),
  vjp: (h, [x], _, attrs) => [undefined, apply(maxPool2dGatherOp, [x, h], attrs)],
  jvp: ([, t], [x], _, attrs) => t && apply(maxPool2dScatterOp, [x, t], attrs),
  vmap: (inputs, batched, attrs, size) => poolMany(maxPool2dScatterOp, batchAll(inputs, batched, size), attrs, size),
  lower: kernelOf("maxPool2dScatter", imageShape),
};

export const maxPool2dGatherOp: Op<PoolAttrs> = {
  name: "maxPool2dGather",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: numberDType("maxPool2dGather"),
  vjp: (g, [x], _, attrs) => [undefined, apply(maxPool2dScatterOp, [x, g], attrs)],
  jvp: ([, t], [x], _, attrs) => t && apply(maxPool2dGatherOp, [x, t], attrs),
  vmap: (inputs, batched, attrs, size) => poolMany(maxPool2dGatherOp, batchAll(inputs, batched, size), attrs, size),
  lower: kernelOf("maxPool2dGather", resultShape),
};

export const avgPool2dOp: Op<PoolAttrs> = linear({
  name: "avgPool2d",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: floatDType("avgPool2d"),
  transpose: (g, _, attrs) => apply(avgPool2dGradOp, [g], attrs),
  vmap: (x, attrs, size) => poolMany(avgPool2dOp, [x], attrs, size),
  lower: kernelOf("avgPool2d", resultShape),
});

export const avgPool2dGradOp: Op<PoolAttrs> = linear({
  name: "avgPool2dGrad",
  shape: (_, { geometry }) => imageShape(geometry),
  dtype: floatDType("avgPool2dGrad"),
  transpose: (g, _, attrs) => apply(avgPool2dOp, [g], attrs),
  vmap: (x, attrs, size) => poolMany(avgPool2dGradOp, [x], attrs, size),
  lower: kernelOf("avgPool2dGrad", imageShape),
});

/** Options of `maxPool2d`; a pair is [vertical, horizontal]. */
export interface MaxPool2dOptions {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Step of the window. Default: its size. */
  readonly stride?: Pair;
  /** Added on each side, at most half the window; never the largest. Default 0. */
  readonly padding?: Pair;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: Pair;
  /** Whether a last window may hang over the edge. Default false. */
  readonly ceilMode?: boolean;
}

/** Options of `avgPool2d`; a pair is [vertical, horizontal]. */
export interface AvgPool2dOptions {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Step of the window. Default: its size. */
  readonly stride?: Pair;
  /** Zeros added on each side, at most half the window. Default 0. */
  readonly padding?: Pair;
  /** Whether a last window may hang over the edge. Default false. */
  readonly ceilMode?: boolean;
  /** Whether padding counts in the divisor. Default true. */
  readonly countPadding?: boolean;
}

function geometryOf(shape: Shape, options: MaxPool2dOptions & AvgPool2dOptions, what: string): PoolGeometry {
  const [n, c, h, w] = imageAxes(shape, what);
  const [kh, kw] = pair(options.kernel, "kernel", 1);
  const stride = pair(options.stride ?? options.kernel, "stride", 1);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const pads = pair(options.padding ?? 0, "padding", 0);
  if (pads[0] * 2 > kh || pads[1] * 2 > kw) {
    throw new RangeError(`padding must be at most half the kernel [${kh}, ${kw}], but is [${pads.join(", ")}]`);
  }
  const { ceilMode } = options;
  const oh = places({ extent: h, kernel: kh, stride: stride[0], dilation: dilation[0], padding: [pads[0], pads[0]], ceilMode });
  const ow = places({ extent: w, kernel: kw, stride: stride[1], dilation: dilation[1], padding: [pads[1], pads[1]], ceilMode });
  checkPlaces([oh, ow], shape, [kh, kw], what);
  return { n, c, h, w, oh, ow, kh, kw, stride, dilation, padding: symmetric(pads), countPadding: options.countPadding ?? true };
}

/**
 * The largest element of every window, NaN if there is one; of equal ones the first has the derivative.
 *
 * ```ts
 * import { maxPool2d, zeros } from "../../mod.ts";
 * console.log(maxPool2d(zeros([1, 1, 5, 5]), { kernel: 2 }).shape); // [1, 1, 2, 2]
 * console.log(maxPool2d(zeros([1, 1, 5, 5]), { kernel: 2, ceilMode: true }).shape); // [1, 1, 3, 3]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @throws {ShapeError} If x does not have four axes or no window fits.
 */
export function maxPool2d(x: TensorLike, options: MaxPool2dOptions): Tensor {
  const image = asFloat(x);
  return apply(maxPool2dOp, [image], { geometry: geometryOf(image.shape, options, "maxPool2d") });
}

/**
 * The mean of every window.
 *
 * @param x [batch, channels, height, width]
 * @throws {ShapeError} If x does not have four axes or no window fits.
 */
export function avgPool2d(x: TensorLike, options: AvgPool2dOptions): Tensor {
  const image = asFloat(x);
  return apply(avgPool2dOp, [image], { geometry: geometryOf(image.shape, options, "avgPool2d") });
}
