/**
 * Transposed convolution layers: what generators and decoders enlarge images with.
 *
 * @module
 */
import { channelKinds } from "./option_kinds.ts";
import { checkedInside } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { convTranspose1d as enlargeSignals, convTranspose2d as enlargeImages } from "../core/ops/conv_transpose.ts";
import { around, type Pair, pair, type Side, type Sides } from "../core/ops/window.ts";
import { integer } from "../core/ranges.ts";
import type { ChannelOptions } from "./channels.ts";
import { convolution } from "./convolution.ts";
import type { WeightBias } from "./init.ts";
import type { Layer } from "./layer.ts";

/** Options of the transposed convolution layer; a pair is [vertical, horizontal]. */
export interface ConvTranspose2dLayerOptions<B extends boolean = true> extends ChannelOptions<B> {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Distance between the positions of the filter. Default 1. */
  readonly stride?: Pair;
  /** What is cut off the output: a number for all sides, or [vertical, horizontal], each a number or [before, after]. Default 0. */
  readonly padding?: Sides;
  /** Added to the output's height and width at their ends; less than the stride or the dilation. Default 0. */
  readonly outputPadding?: Pair;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
}

/** Of images and of signals, which say numbers for pairs. */
const convTransposeLayerOptions = optionTable<ConvTranspose2dLayerOptions<boolean>>({
  ...channelKinds,
  kernel: needed(checkedInside()),
  stride: checkedInside(),
  padding: checkedInside(),
  dilation: checkedInside(),
  outputPadding: checkedInside(),
});

/**
 * 2-d transposed convolution.
 *
 * Input [batch, channels, height, width], output [batch, features, out height, out width], where
 * out = (in - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1. Parameters: `weight`
 * [channels, features / groups, height, width of the kernel] and `bias` [features], as in PyTorch; both start uniform in +-1 / sqrt(size of
 * weight[0]), as there.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const twice = layers.convTranspose2d({ features: 8, kernel: 4, stride: 2, padding: 1 });
 * const { params, output } = twice.init(random.key(0), [16, 7, 7]);
 * console.log(params.weight.shape, output); // [16, 8, 4, 4] [8, 14, 14]
 * ```
 *
 * @throws {RangeError} If an option is not an integer in its range, or `features` is not divisible by `groups`.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or nothing is left of the output.
 */
export function convTranspose2d<B extends boolean = true>(options: ConvTranspose2dLayerOptions<B>): Layer<WeightBias<B>> {
  checkOptions(options, convTransposeLayerOptions, "convTranspose2d");
  const kernel = pair(options.kernel, "kernel", 1);
  const stride = pair(options.stride ?? 1, "stride", 1);
  const outputPadding = pair(options.outputPadding ?? 0, "outputPadding", 0);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const { features, groups = 1, padding = 0 } = options;
  around(padding); // which refuses what it cannot be
  return convolution(options, {
    what: "convTranspose2d",
    axes: ["height", "width"],
    weight: (channels) => [channels, features / groups, ...kernel],
    run: (x, weight, bias) => enlargeImages(x, weight, { bias, stride, padding, outputPadding, dilation, groups }),
  });
}

/** Options of the transposed convolution layer of signals. */
export interface ConvTranspose1dLayerOptions<B extends boolean = true> extends ChannelOptions<B> {
  /** Size of the window. */
  readonly kernel: number;
  /** Distance between the positions of the filter. Default 1. */
  readonly stride?: number;
  /** What is cut off the output: a number for both ends, or [before, after]. Default 0. */
  readonly padding?: Side;
  /** Added to the output's length at its end; less than the stride or the dilation. Default 0. */
  readonly outputPadding?: number;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: number;
}

/**
 * 1-d transposed convolution.
 *
 * Input [batch, channels, length], output [batch, features, out], where
 * out = (length - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1. Parameters: `weight` [channels, features / groups, kernel]
 * and `bias` [features], as in PyTorch.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const twice = layers.convTranspose1d({ features: 8, kernel: 4, stride: 2, padding: 1 });
 * console.log(twice.init(random.key(0), [16, 50]).output); // [8, 100]
 * ```
 *
 * @throws {RangeError} If an option is not an integer in its range, or `features` is not divisible by `groups`.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or nothing is left of the output.
 */
export function convTranspose1d<B extends boolean = true>(options: ConvTranspose1dLayerOptions<B>): Layer<WeightBias<B>> {
  checkOptions(options, convTransposeLayerOptions, "convTranspose1d");
  const kernel = integer(options.kernel, "kernel");
  const stride = integer(options.stride ?? 1, "stride");
  const outputPadding = integer(options.outputPadding ?? 0, "outputPadding", 0);
  const dilation = integer(options.dilation ?? 1, "dilation");
  const { features, groups = 1, padding = 0 } = options;
  around([0, padding]);
  return convolution(options, {
    what: "convTranspose1d",
    axes: ["length"],
    weight: (channels) => [channels, features / groups, kernel],
    run: (x, weight, bias) => enlargeSignals(x, weight, { bias, stride, padding, outputPadding, dilation, groups }),
  });
}
