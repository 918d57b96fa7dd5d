/**
 * What all convolution layers have in common.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { integer } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { WeightBias } from "./init.ts";
import { empty, hasBias, weightBias } from "./parameters.ts";
import { type Layer, outputShape } from "./layer.ts";
import type { ChannelOptions } from "./channels.ts";
import { ShapeError } from "../core/errors.ts";

/** In what convolution layers differ. */
export interface ConvolutionSpec {
  /** What sort it is. */
  readonly what: string;
  /** The names of the spatial axes. */
  readonly axes: readonly string[];
  /** The shape of the weight for inputs with this number of channels. */
  weight(channels: number): Shape;
  /** The operation. */
  run(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor;
}

/** A layer of a filter and a bias for each output channel. */
export function convolution<B extends boolean>(
  options: ChannelOptions<B>,
  { what, axes, weight, run }: ConvolutionSpec,
): Layer<WeightBias<B>> {
  const features = integer(options.features, "features");
  const groups = integer(options.groups ?? 1, "groups");
  if (features % groups !== 0) throw new RangeError(`features (${features}) must be divisible by groups (${groups})`);
  const bias = (options.bias ?? true) as B;
  const apply = (params: WeightBias<B>, x: Tensor) => run(x, params.weight, hasBias(params) ? params.bias : undefined);
  return checkedLayer({
    kind: what,
    init: (key, inputShape) => {
      const channels = inputChannels(inputShape, groups, what, axes);
      const params = weightBias(key, weight(channels), bias, { ...options, outputs: features });
      return { params, state: empty, output: outputShape((x) => apply(params, x), inputShape) };
    },
    apply: (params, state, x) => [apply(params, x), state],
  });
}

function inputChannels(inputShape: Shape, groups: number, what: string, axes: readonly string[]): number {
  if (inputShape.length !== axes.length + 1) {
    const missing = inputShape.length === axes.length;
    const remedy = missing ? `, give the shape ${showShape([1, ...inputShape])} for one channel` : "";
    throw new ShapeError(
      `Cannot apply ${what} to input ${showShape(inputShape)}: it needs ${axes.length + 1} axes ` +
        `[${["channels", ...axes].join(", ")}] beside the batch${remedy}`,
      { shape: inputShape },
    );
  }
  if (inputShape[0] % groups !== 0) {
    throw new ShapeError(
      `Cannot apply ${what} to input ${showShape(inputShape)}: its ${
        inputShape[0]
      } channels are not divisible by ${groups} groups`,
      { shape: inputShape, groups },
    );
  }
  return inputShape[0];
}
