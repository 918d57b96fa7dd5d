/**
 * Convolution layers.
 *
 * @module
 */
import { channelKinds } from "./option_kinds.ts";
import { checkedInside, oneOf } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { conv1d as convolveSignals, conv2d as convolveImages, type PaddingMode } from "../core/ops/conv.ts";
import { convPadding, type Padding, type Pair, pair, type Side } from "../core/ops/window.ts";
import { integer } from "../core/ranges.ts";
import type { WeightBias } from "./init.ts";
import type { Layer } from "./layer.ts";
import { convolution } from "./convolution.ts";
import type { ChannelOptions } from "./channels.ts";

/** Options of the convolution layer; a pair is [vertical, horizontal]. */
export interface Conv2dLayerOptions<B extends boolean = true> extends ChannelOptions<B> {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Step of the window. Default 1. */
  readonly stride?: Pair;
  /**
   * What is added: a number for all sides, [vertical, horizontal], each a number or [before, after], "valid" for nothing, or "same" for an
   * output as large as the input (stride 1 only). Default 0.
   */
  readonly padding?: Padding;
  /** What is added there: "zeros" (default), or the image's own elements, see the modes of `pad`. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
}

/** Of images and of signals, which say numbers for pairs. */
const convLayerOptions = optionTable<Conv2dLayerOptions<boolean>>({
  ...channelKinds,
  kernel: needed(checkedInside()),
  stride: checkedInside(),
  padding: checkedInside(),
  dilation: checkedInside(),
  paddingMode: oneOf("zeros", "reflect", "replicate", "circular"),
});

/**
 * 2-d convolution.
 *
 * Input [batch, channels, height, width], output [batch, features, out height, out width], where
 * out = (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down. Parameters: `weight`
 * [features, channels / groups, height, width of the kernel] and `bias` [features], as in PyTorch.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params, output } = layers.conv2d({ features: 10, kernel: 5 }).init(random.key(0), [1, 28, 28]);
 * console.log(params.weight.shape, output); // [10, 1, 5, 5] [10, 24, 24]
 * ```
 *
 * @throws {RangeError} If an option is not an integer in its range, or `features` is not divisible by `groups`.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is smaller than the window.
 */
export function conv2d<B extends boolean = true>(options: Conv2dLayerOptions<B>): Layer<WeightBias<B>> {
  checkOptions(options, convLayerOptions, "conv2d");
  const kernel = pair(options.kernel, "kernel", 1);
  const stride = pair(options.stride ?? 1, "stride", 1);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const { features, groups = 1, padding = 0, paddingMode } = options;
  convPadding(padding, kernel, stride, dilation); // which refuses what it cannot be
  return convolution(options, {
    what: "conv2d",
    axes: ["height", "width"],
    weight: (channels) => [features, channels / groups, ...kernel],
    run: (x, weight, bias) => convolveImages(x, weight, { bias, stride, padding, paddingMode, dilation, groups }),
  });
}

/** Options of the convolution layer of signals. */
export interface Conv1dLayerOptions<B extends boolean = true> extends ChannelOptions<B> {
  /** Size of the window. */
  readonly kernel: number;
  /** Step of the window. Default 1. */
  readonly stride?: number;
  /**
   * What is added: a number for both ends, [before, after], "valid" for nothing, or "same" for an output as long as the input (stride 1 only).
   * Default 0.
   */
  readonly padding?: Side | "same" | "valid";
  /** What is added there: "zeros" (default), or the signal's own elements, see the modes of `pad`. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: number;
}

/**
 * 1-d convolution.
 *
 * Input [batch, channels, length], output [batch, features, (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1], rounded down.
 * Parameters: `weight` [features, channels / groups, kernel] and `bias` [features], as in PyTorch.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params, output } = layers.conv1d({ features: 8, kernel: 3, padding: "same" }).init(random.key(0), [2, 100]);
 * console.log(params.weight.shape, output); // [8, 2, 3] [8, 100]
 * ```
 *
 * @throws {RangeError} If an option is not an integer in its range, or `features` is not divisible by `groups`.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is shorter than the window.
 */
export function conv1d<B extends boolean = true>(options: Conv1dLayerOptions<B>): Layer<WeightBias<B>> {
  checkOptions(options, convLayerOptions, "conv1d");
  const kernel = integer(options.kernel, "kernel");
  const stride = integer(options.stride ?? 1, "stride");
  const dilation = integer(options.dilation ?? 1, "dilation");
  const { features, groups = 1, padding = 0, paddingMode } = options;
  convPadding(typeof padding === "string" ? padding : [0, padding], [1, kernel], [1, stride], [1, dilation]);
  return convolution(options, {
    what: "conv1d",
    axes: ["length"],
    weight: (channels) => [features, channels / groups, kernel],
    run: (x, weight, bias) => convolveSignals(x, weight, { bias, stride, padding, paddingMode, dilation, groups }),
  });
}
