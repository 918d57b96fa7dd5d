/**
 * Transposed convolution: what a convolution does to its cotangent, as a function of its own. Networks that make images from features
 * enlarge them with it.
 *
 * It has no record: the gradient of the convolution from the large images to the small ones is it, and has derivatives of every order.
 *
 * @module
 */
import { checkedInside, tensorLikes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { type Facts, ShapeError } from "../errors.ts";
import { type ConvGeometry, windowReach } from "../ir/windows.ts";
import { integer } from "../ranges.ts";
import { showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { addBias, checkWeight, conv2dInputGradOp, type ConvCall, ifChannelsAreLast } from "./conv.ts";
import { apply } from "./define.ts";
import {
  around,
  asImages,
  asSignals,
  checkedSteps,
  imageAxes,
  type Pair,
  pair,
  type Side,
  type Sides,
  signalAxes,
  single,
} from "./window.ts";

/** Options of `convTranspose2d`; a pair is [vertical, horizontal]. */
export interface ConvTranspose2dOptions {
  /** One number per output channel, added to it. */
  readonly bias?: TensorLike;
  /** Distance between the positions of the filter. Default 1. */
  readonly stride?: Pair;
  /**
   * What is cut off the output: a number for all sides, or [vertical, horizontal], each a number or [before, after]. It undoes the padding of
   * a convolution. Default 0.
   */
  readonly padding?: Sides;
  /**
   * Added to the output's height and width at their ends. A convolution with a stride makes the same of inputs of several sizes; this says
   * which one to go back to. Less than the stride or the dilation. Default 0.
   */
  readonly outputPadding?: Pair;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
  /** Number of independent groups that the channels are split into. Default 1. */
  readonly groups?: number;
}

/** Of images and of signals, which say numbers for pairs. */
const convTransposeOptions = optionTable<ConvTranspose2dOptions>({
  bias: tensorLikes,
  stride: checkedInside(),
  padding: checkedInside(),
  outputPadding: checkedInside(),
  dilation: checkedInside(),
  groups: checkedInside(),
});

/**
 * 2-d transposed convolution: every element of x adds the filter, scaled by the element, to the output. With the same options it
 * goes from the shape of what `conv2d` makes back to the shape of what it takes (and is the adjoint map: not the inverse).
 *
 * The output is (in - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1 high and wide.
 *
 * ```ts
 * import { conv2d, convTranspose2d, zeros } from "../../mod.ts";
 * const filter = zeros([32, 16, 3, 3]);
 * const small = conv2d(zeros([1, 16, 8, 8]), filter, { stride: 2, padding: 1 });
 * console.log(small.shape); // [1, 32, 4, 4]
 * console.log(convTranspose2d(small, filter, { stride: 2, padding: 1, outputPadding: 1 }).shape); // [1, 16, 8, 8]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param weight [channels, output channels / groups, height, width]
 * @throws {ShapeError} If the channels do not fit, or nothing is left of the output.
 * @throws {RangeError} If an option is not an integer in its range.
 * @see Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4
 */
export function convTranspose2d(x: TensorLike, weight: TensorLike, options: ConvTranspose2dOptions = {}): Tensor {
  checkOptions(options, convTransposeOptions, "convTranspose2d");
  const [images, filter] = promoteAll([x, weight]);
  const call: ConvCall = { what: "convTranspose2d", input: images.shape, weight: filter.shape };
  imageAxes(call.input, call.what);
  checkWeight(call, ["channels", "output channels / groups", "height", "width"]);
  return addBias(convolveBack(images, filter, options, call), options.bias);
}

/** Options of `convTranspose1d`. */
export interface ConvTranspose1dOptions {
  /** One number per output channel, added to it. */
  readonly bias?: TensorLike;
  /** Distance between the positions of the filter. Default 1. */
  readonly stride?: number;
  /** What is cut off the output: a number for both ends, or [before, after]. Default 0. */
  readonly padding?: Side;
  /** Added to the output's length at its end. Less than the stride or the dilation. Default 0. */
  readonly outputPadding?: number;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: number;
  /** Number of independent groups that the channels are split into. Default 1. */
  readonly groups?: number;
}

/**
 * 1-d transposed convolution, as `convTranspose2d`.
 *
 * The output is (in - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1 long.
 *
 * ```ts
 * import { convTranspose1d, tensor, toArray } from "../../mod.ts";
 * const filter = tensor([[[1, 1, 1]]]);
 * console.log(await toArray(convTranspose1d(tensor([[[1, 2]]]), filter, { stride: 2 }))); // [[[1, 1, 3, 2, 2]]]
 * ```
 *
 * @param x [batch, channels, length]
 * @param weight [channels, output channels / groups, length]
 * @throws {ShapeError} If the channels do not fit, or nothing is left of the output.
 * @throws {RangeError} If an option is not an integer in its range.
 */
export function convTranspose1d(
  x: TensorLike,
  weight: TensorLike,
  options: ConvTranspose1dOptions = {},
): Tensor {
  const { bias, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups } = checkOptions(
    options,
    convTransposeOptions,
    "convTranspose1d",
  );
  const [signals, filter] = promoteAll([x, weight]);
  const call: ConvCall = { what: "convTranspose1d", input: signals.shape, weight: filter.shape };
  signalAxes(call.input, call.what);
  checkWeight(call, ["channels", "output channels / groups", "length"]);
  const y = convolveBack(asImages(signals), asImages(filter), {
    stride: [1, single(stride, "stride")],
    padding: [0, padding],
    outputPadding: [0, single(outputPadding, "outputPadding", 0)],
    dilation: [1, single(dilation, "dilation")],
    groups,
  }, call);
  return asSignals(addBias(y, bias));
}

function convolveBack(x: Tensor, weight: Tensor, options: ConvTranspose2dOptions, call: ConvCall): Tensor {
  const [n, channels, height, width] = x.shape;
  const [takes, perGroup, kh, kw] = weight.shape;
  const groups = integer(options.groups ?? 1, "groups");
  const refuse = (why: string, facts: Facts): never => {
    throw new ShapeError(
      `Cannot apply ${call.what} to input ${showShape(call.input)} with weight ${showShape(call.weight)}: ${why}`,
      { shape: call.input, weight: call.weight, ...facts },
    );
  };
  if (takes !== channels) {
    refuse(`the input has ${channels} channels, the weight takes ${takes}${ifChannelsAreLast(call.input, takes)}`, { groups });
  }
  if (channels % groups !== 0) refuse(`${channels} channels are not divisible by ${groups} groups`, { groups });
  const stride = pair(options.stride ?? 1, "stride", 1);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const padding = around(options.padding ?? 0);
  const extra = pair(options.outputPadding ?? 0, "outputPadding", 0);
  const tooMuch = extra.findIndex((each, axis) => each >= Math.max(stride[axis], dilation[axis]));
  if (tooMuch >= 0) {
    throw new RangeError(
      `outputPadding must be less than the stride (${stride[tooMuch]}) or the dilation (${dilation[tooMuch]}), ` +
        `but is ${extra[tooMuch]}`,
    );
  }
  const h = (height - 1) * stride[0] - padding.top - padding.bottom + windowReach(kh, dilation[0]) + extra[0];
  const w = (width - 1) * stride[1] - padding.left - padding.right + windowReach(kw, dilation[1]) + extra[1];
  if (height < 1 || width < 1 || h < 1 || w < 1) {
    const output = [h, w].slice(4 - call.input.length);
    refuse(`there would be nothing left, an output of extents ${showShape(output)}`, { output });
  }
  // The convolution whose output x could be: its input is our output.
  const own = { n, c: perGroup * groups, h, w, o: channels, oh: height, ow: width, kh, kw, stride, dilation, padding, groups };
  const geometry: ConvGeometry = { ...own, ...checkedSteps(own, call) };
  return apply(conv2dInputGradOp, [x, weight], { geometry });
}
