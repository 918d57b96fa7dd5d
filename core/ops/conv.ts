/**
 * Convolution of images and its two gradients.
 *
 * The three operations are each other's transposes: with z = conv(x, w), the cotangent of x is inputGrad(z', w) and that of w is
 * filterGrad(x, z'). As each is linear in both arguments, derivatives of any order stay among the three.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import { type ConvGeometry, type Shape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { add } from "./binary.ts";
import { apply, batchAll, bilinear, floatDType, type Op } from "./define.ts";
import { permute, reshape } from "./movement.ts";
import { checkPlaces, imageAxes, type Pair, pair, places, symmetric } from "./window.ts";

interface ConvAttrs {
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
    build: ([lhs, rhs], _, { geometry }) => ({ kind, shape: shape(geometry), geometry, lhs, rhs }),
  };
}

export const conv2dOp: Op<ConvAttrs> = bilinear({
  name: "conv2d",
  shape: (_, { geometry }) => resultShape(geometry),
  dtype: floatDType("conv2d"),
  transposeLeft: (g, weight, _, attrs) => apply(conv2dInputGradOp, [g, weight], attrs),
  transposeRight: (g, x, _, attrs) => apply(conv2dFilterGradOp, [x, g], attrs),
  vmap: (inputs, batched, { geometry }, size) => {
    if (!batched[1]) {
      return splitFront(apply(conv2dOp, [mergeFront(inputs[0]), inputs[1]], { geometry: manyInBatch(geometry, size) }), size);
    }
    const [x, weight] = batchAll(inputs, batched, size);
    const z = apply(conv2dOp, [intoChannels(x), mergeFront(weight)], { geometry: manyInGroups(geometry, size) });
    return outOfChannels(z, size);
  },
  lower: kernelOf("conv2d", resultShape),
});

export const conv2dInputGradOp: Op<ConvAttrs> = bilinear({
  name: "conv2dInputGrad",
  shape: (_, { geometry }) => imageShape(geometry),
  dtype: floatDType("conv2dInputGrad"),
  transposeLeft: (g, weight, _, attrs) => apply(conv2dOp, [g, weight], attrs),
  transposeRight: (g, z, _, attrs) => apply(conv2dFilterGradOp, [g, z], attrs),
  vmap: (inputs, batched, { geometry }, size) => {
    if (!batched[1]) {
      return splitFront(
        apply(conv2dInputGradOp, [mergeFront(inputs[0]), inputs[1]], { geometry: manyInBatch(geometry, size) }),
        size,
      );
    }
    const [z, weight] = batchAll(inputs, batched, size);
    const x = apply(conv2dInputGradOp, [intoChannels(z), mergeFront(weight)], { geometry: manyInGroups(geometry, size) });
    return outOfChannels(x, size);
  },
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

/** Options of `conv2d`; a pair is [vertical, horizontal]. */
export interface Conv2dOptions {
  /** One number per output channel, added to it. */
  readonly bias?: TensorLike;
  /** Step of the window. Default 1. */
  readonly stride?: Pair;
  /** Zeros added on each side. Default 0. */
  readonly padding?: Pair;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
  /** Channels are split into so many independent groups. Default 1. */
  readonly groups?: number;
}

/**
 * 2-d convolution (as all of the field does, without flipping the filter).
 *
 * The output is (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1 high and wide, rounded down.
 *
 * ```ts
 * import { arange, cast, conv2d, ones, reshape } from "../../mod.ts";
 * const image = reshape(cast(arange(1, 26), "f32"), [1, 1, 5, 5]);
 * console.log(conv2d(image, ones([32, 1, 3, 3])).shape); // [1, 32, 3, 3]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param weight [output channels, channels / groups, height, width]
 * @throws {ShapeError} If the channels do not fit, or the window is larger than the padded image.
 */
export function conv2d(x: TensorLike, weight: TensorLike, options: Conv2dOptions = {}): Tensor {
  const [image, filter] = promoteAll([x, weight]);
  const z = apply(conv2dOp, [image, filter], { geometry: geometryOf(image.shape, filter.shape, options) });
  if (options.bias === undefined) return z;
  const [bias] = promoteAll([options.bias, z]);
  if (bias.rank !== 1 || bias.size !== filter.shape[0]) {
    throw new ShapeError(
      `Cannot add bias ${showShape(bias.shape)} to ${filter.shape[0]} output channels: it needs one number each`,
      {
        bias: bias.shape,
        channels: filter.shape[0],
      },
    );
  }
  return add(z, reshape(bias, [bias.size, 1, 1]));
}

function geometryOf(x: Shape, weight: Shape, { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions): ConvGeometry {
  const [n, c, h, w] = imageAxes(x, "conv2d");
  if (weight.length !== 4) {
    throw new ShapeError(
      `Cannot apply conv2d with weight ${showShape(weight)}: it needs 4 axes [output channels, channels, height, width]`,
      {
        weight,
      },
    );
  }
  const [o, perGroup, kh, kw] = weight;
  if (!Number.isInteger(groups) || groups < 1) {
    throw new RangeError(`groups must be a whole number of at least 1, but is ${groups}`);
  }
  if (perGroup * groups !== c || o % groups !== 0) {
    throw new ShapeError(
      `Cannot apply conv2d to input ${showShape(x)} with weight ${showShape(weight)}` +
        `${groups > 1 ? ` and ${groups} groups` : ""}: the input has ${c} channels, the weight takes ${perGroup * groups}` +
        `${o % groups === 0 ? "" : `, and ${o} output channels do not divide by ${groups}`}`,
      { shape: x, weight, groups },
    );
  }
  const strides = pair(stride, "stride", 1);
  const dilations = pair(dilation, "dilation", 1);
  const pads = symmetric(pair(padding, "padding", 0));
  const oh = places({ extent: h, kernel: kh, stride: strides[0], dilation: dilations[0], padding: [pads.top, pads.bottom] });
  const ow = places({ extent: w, kernel: kw, stride: strides[1], dilation: dilations[1], padding: [pads.left, pads.right] });
  checkPlaces([oh, ow], x, [kh, kw], "conv2d");
  return { n, c, h, w, o, oh, ow, kh, kw, stride: strides, dilation: dilations, padding: pads, groups };
}
