/**
 * Normalisation within each example: the operations of the same names, with what they learn.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { flag, real, wholes } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import {
  groupNorm as normalizeGroups,
  instanceNorm as normalizeInstances,
  layerNorm as normalizeLayer,
  rmsEpsilon,
  rmsNorm as normalizeSize,
} from "../core/ops/normalize.ts";
import { ones } from "../core/ops/creation.ts";
import { integer, positive } from "../core/ranges.ts";
import { normalizeAxes, type Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Empty, type Layer, outputShape } from "./layer.ts";
import { empty, normParams } from "./parameters.ts";
import type { NormParams } from "./init.ts";

/** Options of `layerNorm`. */
export interface LayerNormLayerOptions<A extends boolean = true> {
  /**
   * Over which axes to normalise together, the batch being axis 0; negative ones count from the back. Default the last. PyTorch's
   * `normalized_shape` of k axes is [-k, ..., -1].
   */
  readonly axis?: number | readonly number[];
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether each element has a deviation and a mean of its own. Default true. */
  readonly affine?: A;
}

const layerNormOptions = optionTable<LayerNormLayerOptions<boolean>>({ axis: wholes, epsilon: real, affine: flag });

/**
 * Normalises elements along the axes to mean 0 and standard deviation 1, then scales and shifts each element.
 *
 * Input and output [batch, ...]. Parameters: `weight` and `bias` with the extents of the axes.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params } = layers.layerNorm().init(random.key(0), [10, 64]);
 * console.log(params.weight.shape); // [64]
 * console.log(layers.layerNorm({ axis: [-2, -1] }).init(random.key(0), [10, 64]).params.bias.shape); // [10, 64]
 * ```
 *
 * @throws {RangeError} If `epsilon` is not positive.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the axes or they do not fit the parameters.
 * @see Ba, Kiros and Hinton, "Layer normalization", 2016
 */
export function layerNorm<A extends boolean = true>(options: LayerNormLayerOptions<A> = {}): Layer<NormParams<A>> {
  checkOptions(options, layerNormOptions, "layerNorm");
  const { axis = -1, affine = true as A } = options;
  const epsilon = positive(options.epsilon ?? 1e-5, "epsilon");
  const shapeOf = (inputShape: Shape) => extentsAlong(inputShape, axis, "layerNorm");
  return normalization("layerNorm", affine, shapeOf, (x, params) => normalizeLayer(x, { ...params, axis, epsilon }));
}

/** Options of `rmsNorm`. */
export interface RmsNormLayerOptions<A extends boolean = true> {
  /** Over which axes to take the mean of squares together, the batch being axis 0; negative ones count from the back. Default the last. */
  readonly axis?: number | readonly number[];
  /** Added to the mean of squares under the root. Default 2^-23, as in PyTorch. */
  readonly epsilon?: number;
  /** Whether each element is multiplied with a number of its own. Default true. */
  readonly affine?: A;
}

const rmsNormOptions = optionTable<RmsNormLayerOptions<boolean>>({ axis: wholes, epsilon: real, affine: flag });

/** The parameters of `rmsNorm`: a weight for each element, or none. */
export type RmsNormParams<A extends boolean = true> = A extends true ? { readonly weight: Tensor } : Empty;

/**
 * Divides elements by the root of the mean of their squares along the axes, then scales each element: `layerNorm` without means.
 *
 * Input and output [batch, ...]. Parameters: `weight` with the extents of the axes.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params } = layers.rmsNorm().init(random.key(0), [10, 64]);
 * console.log(params.weight.shape); // [64]
 * ```
 *
 * @throws {RangeError} If `epsilon` is not positive.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the axes or they do not fit the parameters.
 * @see Zhang and Sennrich, "Root mean square layer normalization", 2019; PyTorch's `nn.RMSNorm`
 */
export function rmsNorm<A extends boolean = true>(options: RmsNormLayerOptions<A> = {}): Layer<RmsNormParams<A>> {
  checkOptions(options, rmsNormOptions, "rmsNorm");
  const { axis = -1, affine = true as A } = options;
  const epsilon = positive(options.epsilon ?? rmsEpsilon, "epsilon");
  return checkedLayer({
    kind: "rmsNorm",
    init: (_, inputShape) => {
      const shape = extentsAlong(inputShape, axis, "rmsNorm");
      return { params: (affine ? { weight: ones(shape) } : empty) as RmsNormParams<A>, state: empty, output: inputShape };
    },
    apply: (params, state, x) => [normalizeSize(x, { ...params, axis, epsilon }), state],
  });
}

/** The extents of the axes of a batch that are normalised together. */
function extentsAlong(inputShape: Shape, axis: number | readonly number[], what: string): Shape {
  const shape = [1, ...inputShape];
  return normalizeAxes(axis, shape.length, `apply ${what}`).map((each) => shape[each]);
}

/** Options of `instanceNorm`. */
export interface InstanceNormLayerOptions<A extends boolean = true> {
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether each channel has a deviation and a mean of its own. Default true for groups, false for instances, as in PyTorch. */
  readonly affine?: A;
}

const instanceNormOptions = optionTable<InstanceNormLayerOptions<boolean>>({ epsilon: real, affine: flag });

/** Options of `groupNorm`. */
export interface GroupNormLayerOptions<A extends boolean = true> extends InstanceNormLayerOptions<A> {
  /** Into how many groups of neighbours the channels are split. */
  readonly groups: number;
}

const groupNormOptions = optionTable<GroupNormLayerOptions<boolean>>({ epsilon: real, affine: flag, groups: needed(real) });

/**
 * Gives every group of channels of every example mean 0 and deviation 1, then scales and shifts each channel.
 *
 * Input and output [batch, channels, ...]. Parameters: `weight` and `bias` [channels].
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params } = layers.groupNorm({ groups: 4 }).init(random.key(0), [32, 8, 8]);
 * console.log(params.weight.shape); // [32]
 * ```
 *
 * @throws {RangeError} If `groups` is not an integer of at least 1, or `epsilon` not positive.
 * @throws {ShapeError} From `init` and `apply`, if the channels are not divisible by the groups or do not fit the parameters.
 * @see Wu and He, "Group normalization", 2018
 */
export function groupNorm<A extends boolean = true>(options: GroupNormLayerOptions<A>): Layer<NormParams<A>> {
  checkOptions(options, groupNormOptions, "groupNorm");
  const { affine = true as A } = options;
  const groups = integer(options.groups, "groups");
  const epsilon = positive(options.epsilon ?? 1e-5, "epsilon");
  return normalization("groupNorm", affine, firstAxis, (x, params) => normalizeGroups(x, { ...params, groups, epsilon }));
}

/**
 * Gives every channel of every example mean 0 and deviation 1; if `affine`, it then scales and shifts each channel.
 *
 * Input and output [batch, channels, ...]. Parameters: none, or `weight` and `bias` [channels].
 *
 * ```ts
 * import { layers, ones, random } from "../mod.ts";
 * const { params, output } = layers.instanceNorm({ affine: true }).init(random.key(0), [3, 8, 8]);
 * console.log(params.weight.shape, output); // [3] [3, 8, 8]
 * ```
 *
 * @throws {RangeError} If `epsilon` is not positive.
 * @throws {ShapeError} From `init` and `apply`, if a channel has fewer than two elements or the channels do not fit the
 * parameters.
 * @see Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016
 */
export function instanceNorm<A extends boolean = false>(options: InstanceNormLayerOptions<A> = {}): Layer<NormParams<A>> {
  checkOptions(options, instanceNormOptions, "instanceNorm");
  const { affine = false as A } = options;
  const epsilon = positive(options.epsilon ?? 1e-5, "epsilon");
  return normalization("instanceNorm", affine, firstAxis, (x, params) => normalizeInstances(x, { ...params, epsilon }));
}

const firstAxis = (inputShape: Shape) => inputShape.slice(0, 1);

function normalization<A extends boolean>(
  kind: string,
  affine: A,
  shapeOf: (inputShape: Shape) => Shape,
  run: (x: Tensor, params: NormParams<A>) => Tensor,
): Layer<NormParams<A>> {
  return checkedLayer({
    kind,
    init: (_, inputShape) => {
      const params = normParams(affine, shapeOf(inputShape));
      return { params, state: empty, output: outputShape((x) => run(x, params), inputShape) };
    },
    apply: (params, state, x) => [run(x, params), state],
  });
}
