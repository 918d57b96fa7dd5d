/**
 * Pooling of images and signals: the largest or the mean of every window, and the operations their derivatives need.
 *
 * The derivative of a maximum goes to its position, so scatter (cotangents to positions) and gather (tangents from positions) are each
 * other's transposes, and x itself only determines the positions.
 *
 * @module
 */
import { quoted } from "../quoted.ts";
import { checkedInside, flag } from "../kinds.ts";
import { checkOptions, needed, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { type PoolGeometry, windowReach } from "../ir/windows.ts";
import { type Shape, showShape } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { mul } from "./arithmetic.ts";
import { apply, floatDType, linear, numberDType } from "./define.ts";
import { batchAll } from "./sum.ts";
import { reshape } from "./reshape.ts";
import {
  around,
  asImages,
  asSignals,
  imageAxes,
  layOut,
  type Pair,
  pair,
  signalAxes,
  single,
  type WindowCall,
} from "./window.ts";

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
  jvp: ([t], [x], _, attrs) => [t && apply(maxPool2dGatherOp, [x, t], attrs)],
  vmap: (inputs, _, attrs, size) => poolMany(maxPool2dOp, inputs, attrs, size),
  lower: kernelOf("maxPool2d", resultShape),
};

export const maxPool2dScatterOp: Op<PoolAttrs> = {
  name: "maxPool2dScatter",
  shape: (_, { geometry }) => imageShape(geometry),
  dtype: numberDType("maxPool2dScatter"),
  vjp: (h, [x], _, attrs) => [undefined, apply(maxPool2dGatherOp, [x, h], attrs)],
  jvp: ([, t], [x], _, attrs) => [t && apply(maxPool2dScatterOp, [x, t], attrs)],
  vmap: (inputs, batched, attrs, size) => poolMany(maxPool2dScatterOp, batchAll(inputs, batched, size), attrs, size),
  lower: kernelOf("maxPool2dScatter", imageShape),
};

export const maxPool2dGatherOp: Op<PoolAttrs> = {
  name: "maxPool2dGather",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: numberDType("maxPool2dGather"),
  vjp: (g, [x], _, attrs) => [undefined, apply(maxPool2dScatterOp, [x, g], attrs)],
  jvp: ([, t], [x], _, attrs) => [t && apply(maxPool2dGatherOp, [x, t], attrs)],
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
  /** Added on each side, at most half of what the window with its dilation covers; it is never the largest element. Default 0. */
  readonly padding?: Pair;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: Pair;
  /** Whether a last window may hang over the edge, also one that is larger than the image. Default false. */
  readonly ceilMode?: boolean;
}

/** The options that all pools have. */
const windowKinds = {
  kernel: needed(checkedInside<Pair>()),
  stride: checkedInside<Pair>(),
  padding: checkedInside<Pair>(),
  ceilMode: flag,
};

/** Of images and of signals, which say numbers for pairs. */
export const maxPoolOptions = optionTable<MaxPool2dOptions>({ ...windowKinds, dilation: checkedInside() });

/**
 * The largest element of every window, NaN if there is one; of equal ones the first has the derivative.
 *
 * The output is (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1 high and wide, rounded down, or up in ceil mode.
 *
 * ```ts
 * import { maxPool2d, zeros } from "../../mod.ts";
 * console.log(maxPool2d(zeros([1, 1, 5, 5]), { kernel: 2 }).shape); // [1, 1, 2, 2]
 * console.log(maxPool2d(zeros([1, 1, 5, 5]), { kernel: 2, ceilMode: true }).shape); // [1, 1, 3, 3]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @throws {ShapeError} If x does not have four axes, an image has no elements, or no window fits.
 * @throws {RangeError} If an option is out of its range.
 */
export function maxPool2d(x: TensorLike, options: MaxPool2dOptions): Tensor {
  checkOptions(options, maxPoolOptions, "maxPool2d");
  const images = asFloat(x);
  const geometry = geometryOf(images, options, callOf("maxPool2d", images, options));
  return apply(maxPool2dOp, [images], { geometry });
}

/** Options of `avgPool2d`; a pair is [vertical, horizontal]. */
export interface AvgPool2dOptions {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Step of the window. Default: its size. */
  readonly stride?: Pair;
  /** Zeros added on each side, at most half the window. Default 0. */
  readonly padding?: Pair;
  /** Whether a last window may hang over the edge, also one that is larger than the image. Default false. */
  readonly ceilMode?: boolean;
  /** Whether padding counts in the divisor; what lies beyond it never does. Default true. */
  readonly countIncludePad?: boolean;
  /** What the sum of every window is divided by. Default: how many of its elements count. */
  readonly divisorOverride?: number;
}

/** Of images and of signals, likewise. */
export const avgPoolOptions = optionTable<AvgPool2dOptions>({
  ...windowKinds,
  countIncludePad: flag,
  divisorOverride: checkedInside(),
});

/**
 * The mean of every window.
 *
 * The output is (in + 2 padding - kernel) / stride + 1 high and wide, rounded down, or up in ceil mode.
 *
 * ```ts
 * import { avgPool2d, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(avgPool2d(tensor([[[[1, 2], [3, 4]]]]), { kernel: 2 }))); // [[[[2.5]]]]
 * console.log(await toArray(avgPool2d(tensor([[[[1, 2], [3, 4]]]]), { kernel: 2, divisorOverride: 1 }))); // [[[[10]]]]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @throws {ShapeError} If x does not have four axes, an image has no elements, or no window fits.
 * @throws {RangeError} If an option is out of its range.
 */
export function avgPool2d(x: TensorLike, options: AvgPool2dOptions): Tensor {
  checkOptions(options, avgPoolOptions, "avgPool2d");
  const images = asFloat(x);
  return average(images, options, callOf("avgPool2d", images, options));
}

/** Options of `maxPool1d`. */
export interface MaxPool1dOptions {
  /** Size of the window. */
  readonly kernel: number;
  /** Step of the window. Default: its size. */
  readonly stride?: number;
  /** Added at both ends, at most half of what the window with its dilation covers; it is never the largest element. Default 0. */
  readonly padding?: number;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: number;
  /** Whether a last window may hang over the end. Default false. */
  readonly ceilMode?: boolean;
}

/**
 * The largest element of every window of signals, as `maxPool2d`.
 *
 * ```ts
 * import { maxPool1d, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(maxPool1d(tensor([[[1, 5, 2, 4, 3]]]), { kernel: 2, ceilMode: true }))); // [[[5, 4, 3]]]
 * ```
 *
 * @param x [batch, channels, length]
 * @throws {ShapeError} If x does not have three axes, a signal has no elements, or no window fits.
 * @throws {RangeError} If an option is out of its range.
 */
export function maxPool1d(x: TensorLike, options: MaxPool1dOptions): Tensor {
  checkOptions(options, maxPoolOptions, "maxPool1d");
  const signals = asFloat(x);
  const call = callOf("maxPool1d", signals, options);
  const images = asImages(signals);
  return asSignals(apply(maxPool2dOp, [images], { geometry: geometryOf(images, forImages(options), call) }));
}

/** Options of `avgPool1d`. */
export interface AvgPool1dOptions {
  /** Size of the window. */
  readonly kernel: number;
  /** Step of the window. Default: its size. */
  readonly stride?: number;
  /** Zeros added at both ends, at most half the window. Default 0. */
  readonly padding?: number;
  /** Whether a last window may hang over the end. Default false. */
  readonly ceilMode?: boolean;
  /** Whether padding counts in the divisor; what lies beyond it never does. Default true. */
  readonly countIncludePad?: boolean;
  /** What the sum of every window is divided by. Default: how many of its elements count. */
  readonly divisorOverride?: number;
}

/**
 * The mean of every window of signals, as `avgPool2d`.
 *
 * ```ts
 * import { avgPool1d, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(avgPool1d(tensor([[[1, 5, 2, 4]]]), { kernel: 2, stride: 1 }))); // [[[3, 3.5, 3]]]
 * ```
 *
 * @param x [batch, channels, length]
 * @throws {ShapeError} If x does not have three axes, a signal has no elements, or no window fits.
 * @throws {RangeError} If an option is out of its range.
 */
export function avgPool1d(x: TensorLike, options: AvgPool1dOptions): Tensor {
  checkOptions(options, avgPoolOptions, "avgPool1d");
  const signals = asFloat(x);
  const call = callOf("avgPool1d", signals, options);
  return asSignals(average(asImages(signals), forImages(options), call));
}

/** The call, with its input's axes checked. */
function callOf(what: string, x: Tensor, { kernel }: { readonly kernel: Pair }): WindowCall {
  const signals = what.endsWith("1d");
  const axes = signals ? signalAxes(x.shape, what) : imageAxes(x.shape, what);
  if (axes.slice(2).includes(0)) {
    throw new ShapeError(`Cannot apply ${what} to input ${showShape(x.shape)}: there is no element in it`, { shape: x.shape });
  }
  return { what, input: x.shape, kernel: signals ? [single(kernel as number, "kernel")] : pair(kernel, "kernel", 1) };
}

/** Options for signals as those for images of height 1. */
function forImages(
  { kernel, stride = kernel, padding = 0, dilation = 1, ...rest }: MaxPool1dOptions & AvgPool1dOptions,
): MaxPool2dOptions & AvgPool2dOptions {
  return {
    ...rest,
    kernel: [1, kernel],
    stride: [1, single(stride, "stride")],
    padding: [0, single(padding, "padding", 0)],
    dilation: [1, single(dilation, "dilation")],
  };
}

function average(x: Tensor, options: AvgPool2dOptions, call: WindowCall): Tensor {
  const geometry = geometryOf(x, options, call);
  const { divisorOverride: divisor } = options;
  if (divisor === undefined) return apply(avgPool2dOp, [x], { geometry });
  if (!Number.isFinite(divisor) || divisor === 0) {
    throw new RangeError(`divisorOverride must be finite and not 0, but is ${quoted(divisor)}`);
  }
  // With padding under all that hangs over, every window counts all its elements.
  const { h, w, oh, ow, kh, kw, stride, padding } = geometry;
  const bottom = Math.max(padding.bottom, (oh - 1) * stride[0] + kh - h - padding.top);
  const right = Math.max(padding.right, (ow - 1) * stride[1] + kw - w - padding.left);
  const full = { ...geometry, padding: { ...padding, bottom, right }, countPadding: true };
  return mul(apply(avgPool2dOp, [x], { geometry: full }), kh * kw / divisor);
}

function geometryOf(x: Tensor, options: MaxPool2dOptions & AvgPool2dOptions, call: WindowCall): PoolGeometry {
  const [n, c, h, w] = x.shape;
  const [kh, kw] = pair(options.kernel, "kernel", 1);
  const stride = pair(options.stride ?? options.kernel, "stride", 1);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const pads = pair(options.padding ?? 0, "padding", 0);
  const covered = [windowReach(kh, dilation[0]), windowReach(kw, dilation[1])];
  const tooMuch = pads.findIndex((each, axis) => 2 * each > covered[axis]);
  if (tooMuch >= 0) {
    throw new RangeError(
      `padding must be at most half of the ${covered[tooMuch]} elements that the window covers, but is ${pads[tooMuch]}`,
    );
  }
  const { ceilMode, countIncludePad = true } = options;
  const padding = around(pads);
  const layout = layOut({ h, w, kh, kw, stride, dilation, padding }, call, ceilMode);
  return { n, c, h, w, kh, kw, ...layout, padding, countPadding: countIncludePad };
}
