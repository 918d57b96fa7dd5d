/**
 * The convolution layer.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { conv2d as convolve } from "../core/ops/conv.ts";
import { type Pair, pair } from "../core/ops/window.ts";
import { wholeNumber } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { hasBias, type InitOptions, type WeightBias, weightBias } from "./init.ts";
import { empty, type Layer, outputShape } from "./layer.ts";

/** Options of the convolution layer; a pair is [vertical, horizontal]. */
export interface Conv2dLayerOptions<B extends boolean = true> extends InitOptions {
  /** How many channels come out. */
  readonly features: number;
  /** Size of the window. */
  readonly kernel: Pair;
  /** Step of the window. Default 1. */
  readonly stride?: Pair;
  /** Zeros added on each side. Default 0. */
  readonly padding?: Pair;
  /** Distance between the taps of the filter. Default 1. */
  readonly dilation?: Pair;
  /** Channels are split into so many independent groups; in and out must divide by it. Default 1. */
  readonly groups?: number;
  /** Whether a number is added to each output channel. Default true. */
  readonly bias?: B;
}

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
 * @throws {RangeError} If an option is not a whole number in its range, or `features` does not divide by `groups`.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is smaller than the window.
 */
export function conv2d<B extends boolean = true>(options: Conv2dLayerOptions<B>): Layer<WeightBias<B>> {
  const features = wholeNumber(options.features, "features");
  const groups = wholeNumber(options.groups ?? 1, "groups");
  if (features % groups !== 0) throw new RangeError(`features (${features}) must divide by groups (${groups})`);
  const [height, width] = pair(options.kernel, "kernel", 1);
  const stride = pair(options.stride ?? 1, "stride", 1);
  const padding = pair(options.padding ?? 0, "padding", 0);
  const dilation = pair(options.dilation ?? 1, "dilation", 1);
  const bias = (options.bias ?? true) as B;
  const run = (x: Tensor, params: { readonly weight: Tensor }) =>
    convolve(x, params.weight, { bias: hasBias(params) ? params.bias : undefined, stride, padding, dilation, groups });
  return {
    kind: "conv2d",
    init: (key, inputShape) => {
      const channels = inputChannels(inputShape, groups);
      const params = weightBias(key, [features, channels / groups, height, width], bias, options);
      return { params, state: empty, output: outputShape((x) => run(x, params), inputShape) };
    },
    apply: (params, state, x) => [run(x, params), state],
  };
}

function inputChannels(inputShape: Shape, groups: number): number {
  if (inputShape.length !== 3) {
    const remedy = inputShape.length === 2 ? `, give the shape [1, ${inputShape.join(", ")}] for one channel` : "";
    throw new ShapeError(
      `Cannot apply conv2d to input ${
        showShape(inputShape)
      }: it needs 3 axes [channels, height, width] beside the batch${remedy}`,
      { shape: inputShape },
    );
  }
  if (inputShape[0] % groups !== 0) {
    throw new ShapeError(
      `Cannot apply conv2d to input ${showShape(inputShape)}: its ${inputShape[0]} channels do not divide by ${groups} groups`,
      { shape: inputShape, groups },
    );
  }
  return inputShape[0];
}
