/**
 * Connections around stages: what was there is added to what they make of it, or kept beside it, or several make something of it.
 *
 * @module
 */
import { aLayer } from "./option_kinds.ts";
import { aFunction, aRecord, argument, type Kind, kindOf } from "../core/kinds.ts";
import { axisOption, checkOptions, optionTable } from "../core/options.ts";
import { add } from "../core/ops/arithmetic.ts";
import { concat } from "../core/ops/concat.ts";
import type { Tensor } from "../core/tensor.ts";
import { compose, type Stage, type StageFunctions, type StageParams, type Stages, type StageState } from "./compose.ts";
import type { Layer } from "./layer.ts";
import { inOrder } from "./in_order.ts";

/** Options of `residual`. */
export interface ResidualOptions<D extends Stage | undefined = undefined> {
  /** A layer that brings the input to the shape of the result; it is named `downsample`. Default none. */
  readonly downsample?: D;
  /** A function that is applied to the sum. Default none. */
  readonly activation?: (x: Tensor) => Tensor;
}

const aStage: Kind<Stage> = kindOf("a layer or a function", (value) => typeof value === "function" || aLayer.holds(value));
const residualOptions = optionTable<ResidualOptions<Stage | undefined>>({ downsample: aStage, activation: aFunction() });

/** The stages of a residual connection: those inside, and what is beside them. */
export type ResidualStages<T, D> = D extends Stage ? T & { readonly downsample: D } : T;

/**
 * A residual connection around stages: y = activation(stages(x) + downsample(x)), where `downsample` is by default the identity.
 *
 * Parameters and state are those of the stages, by name as in `serial`, and those of `downsample`: PyTorch's names for ResNet's blocks.
 *
 * ```ts
 * import { layers, random, relu } from "../mod.ts";
 * const { batchNorm, conv2d, residual, sequential } = layers;
 * const block = residual({
 *   conv1: conv2d({ features: 16, kernel: 3, stride: 2, padding: 1, bias: false }),
 *   bn1: batchNorm(),
 *   relu,
 *   conv2: conv2d({ features: 16, kernel: 3, padding: 1, bias: false }),
 *   bn2: batchNorm(),
 * }, { downsample: sequential(conv2d({ features: 16, kernel: 1, stride: 2, bias: false }), batchNorm()), activation: relu });
 * const { params, output } = block.init(random.key(0), [8, 32, 32]);
 * console.log(output, params.conv1.weight.shape, params.downsample[0].weight.shape); // [16, 16, 16] [16, 8, 3, 3] [16, 8, 1, 1]
 * ```
 *
 * @throws {RangeError} If a stage is called `downsample`; else as `serial`.
 * @throws {ShapeError} From `init` and `apply`, if a stage does not fit its input, or result and input cannot be added.
 * @see He et al., "Deep residual learning for image recognition", 2015
 */
export function residual<T extends Stages, D extends Stage | undefined = undefined>(
  stages: T,
  options: ResidualOptions<D> = {},
): Layer<StageParams<ResidualStages<T, D>>, StageState<ResidualStages<T, D>>> {
  const { downsample, activation = same } = checkOptions(options, residualOptions, "residual");
  argument(stages, aRecord<T>(), "stages", "residual");
  if ("downsample" in stages) {
    throw new RangeError(
      `Cannot name a stage of a residual connection "downsample": it is the name of what is beside the stages`,
    );
  }
  const all: Stages = downsample ? { ...stages, downsample } : stages;
  const join = ({ downsample: beside = same, ...inside }: StageFunctions<Stages>, x: Tensor) =>
    activation(add(inOrder(inside, x), beside(x)));
  return compose(all, join, "residual") as Layer<StageParams<ResidualStages<T, D>>, StageState<ResidualStages<T, D>>>;
}

function same(x: Tensor): Tensor {
  return x;
}

/** Along which axis results are joined. */
export interface JoinOptions {
  /** Counted with the batch axis. Default 1, the channels of images. */
  readonly axis?: number;
}

/**
 * A dense connection around stages: the input and after it, along the channels, what the stages make of it.
 *
 * Input [batch, channels, ...], output [batch, channels + channels of the last stage, ...]. Parameters are those of the stages.
 *
 * ```ts
 * import { layers, random, relu } from "../mod.ts";
 * const { batchNorm, conv2d, denseConnection } = layers;
 * const grow = denseConnection({ norm: batchNorm(), relu, conv: conv2d({ features: 12, kernel: 3, padding: 1 }) });
 * console.log(grow.init(random.key(0), [16, 8, 8]).output); // [28, 8, 8]
 * ```
 *
 * @throws {ShapeError} From `init` and `apply`, if a stage does not fit its input, or result and input differ in another axis.
 * @see Huang et al., "Densely connected convolutional networks", 2016
 */
export function denseConnection<T extends Stages>(
  stages: T,
  options: JoinOptions = {},
): Layer<StageParams<T>, StageState<T>> {
  const { axis = 1 } = checkOptions(options, axisOption, "denseConnection");
  return compose(stages, (inside, x) => concat([x, inOrder(inside, x)], { axis }), "denseConnection");
}

/**
 * Branches side by side: each gets the input, their results are joined along the channels in the branches' order, as in Inception.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { conv2d, parallel } = layers;
 * const wide = parallel({ one: conv2d({ features: 4, kernel: 1 }), three: conv2d({ features: 8, kernel: 3, padding: 1 }) });
 * console.log(wide.init(random.key(0), [3, 8, 8]).output); // [12, 8, 8]
 * ```
 *
 * @throws {ShapeError} From `init` and `apply`, if a branch does not fit the input, or results differ in another axis.
 * @see Szegedy et al., "Going deeper with convolutions", 2014
 */
export function parallel<T extends Stages>(
  branches: T,
  options: JoinOptions = {},
): Layer<StageParams<T>, StageState<T>> {
  const { axis = 1 } = checkOptions(options, axisOption, "parallel");
  const join = (each: StageFunctions<Stages>, x: Tensor) => concat(Object.values(each).map((branch) => branch(x)), { axis });
  return compose<Stages>(branches, join, "parallel") as Layer<StageParams<T>, StageState<T>>;
}
