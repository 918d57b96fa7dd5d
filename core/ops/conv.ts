/**
 * Convolution of images and signals, and its two gradients. (Transposed convolutions are the first gradient: `conv_transpose.ts`.)
 *
 * The three operations are each other's transposes: with z = conv(x, w), the cotangent of x is inputGrad(z', w) and that of w is
 * filterGrad(x, z'). As each is linear in both arguments, derivatives of any order stay among the three.
 *
 * @module
 */
import { checkedInside, tensorLikes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import type { ConvGeometry } from "../ir/windows.ts";
import { integer } from "../ranges.ts";
import { type Shape, showShape } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { add } from "./arithmetic.ts";
import { apply, bilinear, floatDType } from "./define.ts";
import { batchAll } from "./sum.ts";
import { permute } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { pad } from "./pad.ts";
import {
  asImages,
  asSignals,
  convPadding,
  imageAxes,
  layOut,
  type Padding,
  type Pair,
  pair,
  type Side,
  signalAxes,
  single,
} from "./window.ts";

/** The attributes of the records of convolutions. */
export interface ConvAttrs {
  readonly geometry: ConvGeometry;
}

const imageShape = ({ n, c, h, w }: ConvGeometry): Shape => [n, c, h, w];
const weightShape = ({ o, c, groups, kh, kw }: ConvGeometry): Shape => [o, c / groups, kh, kw];
const resultShape = ({ n, o, oh, ow }: ConvGeometry): Shape => [n, o, oh, ow];

/** The geometry of `size` convolutions side by side in the batch, or in the channels as groups. */
const manyInBatch = (g: ConvGeometry, size: number): ConvGeometry => ({ ...g, n: g.n * size });
const manyInGroups = (g: ConvGeometry, size: number): ConvGeometry => ({
  ...g,
  c: g.c * size,
  o: g.o * size,
  groups: g.groups * size,
});

/** [size, n, c, ...] as [n, size * c, ...] and back: examples become groups of channels. */
function intoChannels(x: Tensor): Tensor {
  const [size, n, c, ...rest] = x.shape;
  return reshape(permute(x, [1, 0, 2, 3, 4]), [n, size * c, ...rest]);
}
function outOfChannels(x: Tensor, size: number): Tensor {
  const [n, c, ...rest] = x.shape;
  return permute(reshape(x, [n, size, c / size, ...rest]), [1, 0, 2, 3, 4]);
}
function mergeFront(x: Tensor): Tensor {
  const [size, n, ...rest] = x.shape;
  return reshape(x, [size * n, ...rest]);
}
function splitFront(x: Tensor, size: number): Tensor {
  const [n, ...rest] = x.shape;
  return reshape(x, [size, n / size, ...rest]);
}

function kernelOf(
  kind: "conv2d" | "conv2dInputGrad" | "conv2dFilterGrad",
  shape: (g: ConvGeometry) => Shape,
): Op<ConvAttrs>["lower"] {
  return {
    kind: "kernel",
    build: ([lhs, rhs], _, { geometry }) => ({ kind, shape: shape(geometry), geometry, operands: [lhs, rhs] }),
  };
}

/** Examples of a vmap are more images of the batch where they share the filter, else more groups. */
function convolveMany(
  op: Op<ConvAttrs>,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  { geometry }: ConvAttrs,
  size: number,
): Tensor {
  if (!batched[1]) {
    const [x, weight] = inputs;
    return splitFront(apply(op, [mergeFront(x), weight], { geometry: manyInBatch(geometry, size) }), size);
  }
  const [x, weight] = batchAll(inputs, batched, size);
  return outOfChannels(apply(op, [intoChannels(x), mergeFront(weight)], { geometry: manyInGroups(geometry, size) }), size);
}

export const conv2dOp: Op<ConvAttrs> = bilinear({
  name: "conv2d",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: floatDType("conv2d"),
  transposeLeft: (g, weight, _, attrs) => apply(conv2dInputGradOp, [g, weight], attrs),
  transposeRight: (g, x, _, attrs) => apply(conv2dFilterGradOp, [x, g], attrs),
  vmap: (inputs, batched, attrs, size) => convolveMany(conv2dOp, inputs, batched, attrs, size),
  lower: kernelOf("conv2d", resultShape),
});

export const conv2dInputGradOp: Op<ConvAttrs> = bilinear({
  name: "conv2dInputGrad",
  shape: (_, { geometry }) => imageShape(geometry),
  dtype: floatDType("conv2dInputGrad"),
  transposeLeft: (g, weight, _, attrs) => apply(conv2dOp, [g, weight], attrs),
  transposeRight: (g, z, _, attrs) => apply(conv2dFilterGradOp, [g, z], attrs),
  vmap: (inputs, batched, attrs, size) => convolveMany(conv2dInputGradOp, inputs, batched, attrs, size),
  lower: kernelOf("conv2dInputGrad", imageShape),
});

export const conv2dFilterGradOp: Op<ConvAttrs> = bilinear({
  name: "conv2dFilterGrad",
  shape: (_, { geometry }) => weightShape(geometry),
  dtype: floatDType("conv2dFilterGrad"),
  transposeLeft: (g, z, _, attrs) => apply(conv2dInputGradOp, [z, g], attrs),
  transposeRight: (g, x, _, attrs) => apply(conv2dOp, [x, g], attrs),
  vmap: (inputs, batched, { geometry }, size) => {
    const [x, z] = batchAll(inputs, batched, size);
    const weight = apply(conv2dFilterGradOp, [intoChannels(x), intoChannels(z)], { geometry: manyInGroups(geometry, size) });
    return splitFront(weight, size);
  },
  lower: kernelOf("conv2dFilterGrad", weightShape),
});

/** What a convolution adds around its input. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Options of `conv2d`; a pair is [vertical, horizontal]. */
export interface Conv2dOptions {
  /** One number per output channel, added to it. */
  readonly bias?: TensorLike;
  /** Step of the window. Default 1. */
  readonly stride?: Pair;
  /**
   * Zeros added: a number for all sides, [vertical, horizontal], each a number or [before, after], "valid" for none, or "same" for an
   * output as large as the input (stride 1 only; an odd number of zeros has one more at the end). Default 0.
   */
  readonly padding?: Padding;
  /** What is added there: "zeros" (default), or the image's own elements, see the modes of `pad`. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
  /** Number of independent groups that the channels are split into. Default 1. */
  readonly groups?: number;
}

/** Of images and of signals, which say numbers for pairs. */
const convOptions = optionTable<Conv2dOptions>({
  bias: tensorLikes,
  stride: checkedInside(),
  padding: checkedInside(),
  paddingMode: checkedInside(),
  dilation: checkedInside(),
  groups: checkedInside(),
});

/**
 * 2-d convolution. The filter is not flipped (it is a cross-correlation), as in PyTorch.
 *
 * The output is (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1 high and wide, rounded down.
 *
 * ```ts
 * import { arange, cast, conv2d, ones, reshape } from "../../mod.ts";
 * const image = reshape(cast(arange(1, 26), "f32"), [1, 1, 5, 5]);
 * console.log(conv2d(image, ones([32, 1, 3, 3])).shape); // [1, 32, 3, 3]
 * console.log(conv2d(image, ones([32, 1, 3, 3]), { padding: "same" }).shape); // [1, 32, 5, 5]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param weight [output channels, channels / groups, height, width]
 * @throws {ShapeError} If the channels do not fit, the window is larger than the padded image, or that is too small for `paddingMode`.
 * @throws {RangeError} If an option is not an integer in its range.
 */
export function conv2d(x: TensorLike, weight: TensorLike, options: Conv2dOptions = {}): Tensor {
  checkOptions(options, convOptions, "conv2d");
  const [images, filter] = promoteAll([x, weight]);
  const call: ConvCall = { what: "conv2d", input: images.shape, weight: filter.shape };
  imageAxes(call.input, call.what);
  checkWeight(call, ["output channels", "channels / groups", "height", "width"]);
  return addBias(convolve(images, filter, options, call), options.bias);
}

/** Options of `conv1d`. */
export interface Conv1dOptions {
  /** One number per output channel, added to it. */
  readonly bias?: TensorLike;
  /** Step of the window. Default 1. */
  readonly stride?: number;
  /**
   * Zeros added: a number for both ends, [before, after], "valid" for none, or "same" for an output as long as the input (stride 1 only; an
   * odd number of zeros has one more at the end). Default 0.
   */
  readonly padding?: Side | "same" | "valid";
  /** What is added there: "zeros" (default), or the signal's own elements, see the modes of `pad`. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: number;
  /** Number of independent groups that the channels are split into. Default 1. */
  readonly groups?: number;
}

/**
 * 1-d convolution.
 *
 * The output is (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1 long, rounded down.
 *
 * ```ts
 * import { conv1d, ones, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(conv1d(tensor([[[1, 2, 3, 4]]]), ones([1, 1, 2])))); // [[[3, 5, 7]]]
 * // Causal: an output depends on no later input.
 * console.log(conv1d(ones([1, 1, 4]), ones([1, 1, 3]), { padding: [2, 0] }).shape); // [1, 1, 4]
 * ```
 *
 * @param x [batch, channels, length]
 * @param weight [output channels, channels / groups, length]
 * @throws {ShapeError} If the channels do not fit, the window is larger than the padded signal, or that is too short for `paddingMode`.
 * @throws {RangeError} If an option is not an integer in its range.
 */
export function conv1d(
  x: TensorLike,
  weight: TensorLike,
  options: Conv1dOptions = {},
): Tensor {
  const { bias, stride = 1, padding = 0, paddingMode, dilation = 1, groups } = checkOptions(options, convOptions, "conv1d");
  const [signals, filter] = promoteAll([x, weight]);
  const call: ConvCall = { what: "conv1d", input: signals.shape, weight: filter.shape };
  signalAxes(call.input, call.what);
  checkWeight(call, ["output channels", "channels / groups", "length"]);
  const y = convolve(asImages(signals), asImages(filter), {
    stride: [1, single(stride, "stride")],
    padding: typeof padding === "string" ? padding : [0, padding],
    paddingMode,
    dilation: [1, single(dilation, "dilation")],
    groups,
  }, call);
  return asSignals(addBias(y, bias));
}

/** A convolution as the user called it, for messages: signals and their filters have three axes there. */
export interface ConvCall {
  /** The function's name. */
  readonly what: string;
  /** Shape of the input. */
  readonly input: Shape;
  /** Shape of the filter. */
  readonly weight: Shape;
}

/** A remedy, if channels lie where other libraries have them. */
export function ifChannelsAreLast(input: Shape, channels: number): string {
  const last = input.length - 1;
  if (input[last] !== channels) return "";
  const order = [0, last, ...input.slice(2).map((_, i) => i + 1)];
  return `; channels are axis 1, not the last: permute(x, [${order.join(", ")}])`;
}

function convolve(x: Tensor, weight: Tensor, options: Conv2dOptions, call: ConvCall): Tensor {
  const [n, c, h, w] = x.shape;
  const [o, perGroup, kh, kw] = weight.shape;
  const groups = integer(options.groups ?? 1, "groups");
  if (perGroup * groups !== c || o % groups !== 0) {
    throw new ShapeError(
      `Cannot apply ${call.what} to input ${showShape(call.input)} with weight ${showShape(call.weight)}` +
        `${groups > 1 ? ` and ${groups} groups` : ""}: the input has ${c} channels, the weight takes ${perGroup * groups}` +
        `${o % groups === 0 ? "" : `, and ${o} output channels are not divisible by ${groups}`}` +
        (perGroup * groups === c ? "" : ifChannelsAreLast(call.input, perGroup * groups)),
      { shape: call.input, weight: call.weight, groups },
    );
  }
  const stride = pair(options.stride ?? 1, "stride", 1);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const padding = convPadding(options.padding ?? 0, [kh, kw], stride, dilation);
  const { top, bottom, left, right } = padding;
  const { paddingMode = "zeros" } = options;
  if (paddingMode !== "zeros") {
    const padded = pad(x, { low: [0, 0, top, left], high: [0, 0, bottom, right], mode: paddingMode });
    return convolve(padded, weight, { ...options, padding: 0, paddingMode: "zeros" }, call);
  }
  const layout = layOut({ h, w, kh, kw, stride, dilation, padding }, { ...call, kernel: call.weight.slice(2) });
  return apply(conv2dOp, [x, weight], { geometry: { n, c, h, w, o, kh, kw, ...layout, padding, groups } });
}

/**
 * Checks that a filter has its axes, and at least one tap.
 *
 * @throws {ShapeError} If it has not.
 */
export function checkWeight({ what, weight }: ConvCall, axes: readonly string[]): void {
  if (weight.length === axes.length && !weight.slice(2).includes(0)) return;
  throw new ShapeError(
    `Cannot apply ${what} with weight ${showShape(weight)}: it needs ${axes.length} axes [${axes.join(", ")}]` +
      `${weight.length === axes.length ? ", and at least one tap" : ""}`,
    { weight },
  );
}

/**
 * Images with a number per channel added, if there is a bias.
 *
 * @throws {ShapeError} If it has not one number per channel.
 */
export function addBias(y: Tensor, bias: TensorLike | undefined): Tensor {
  if (bias === undefined) return y;
  const [b] = promoteAll([bias, y]);
  const channels = y.shape[1];
  if (b.rank !== 1 || b.size !== channels) {
    throw new ShapeError(
      `Cannot add bias ${showShape(b.shape)} to ${channels} output channels: it needs one number each, [${channels}]`,
      { bias: b.shape, channels },
    );
  }
  return add(y, reshape(b, [channels, 1, 1]));
}
