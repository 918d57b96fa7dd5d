/**
 * Normalisation within each example: the elements of a layer, or of a group of channels, get mean 0 and deviation 1, then a scale and a
 * shift that are learned. No example sees another, so training and use do not differ. (Over a batch: `layers.batchNorm`.)
 *
 * @module
 */
import { checkedInside, real, tensorLikes, wholes } from "../kinds.ts";
import { checkOptions, needed, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { integer, positive } from "../ranges.ts";
import { normalizeAxes, sameShape, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { asFloat, stopGradient, withValues } from "./cast.ts";
import { add, div, mul, neg } from "./arithmetic.ts";
import { reshape } from "./reshape.ts";
import { aroundMean, mean } from "./reduce.ts";
import { sqrt } from "./unary.ts";

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Over which axes to normalise together; negative ones count from the back. Default the last. */
  readonly axis?: number | readonly number[];
  /** The new deviation of each element: the shape has the extents of the axes. Default 1. */
  readonly weight?: TensorLike;
  /** The new mean of each element: the shape has the extents of the axes. Default 0. */
  readonly bias?: TensorLike;
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number;
}

const layerNormOptions = optionTable<LayerNormOptions>({ axis: wholes, weight: tensorLikes, bias: tensorLikes, epsilon: real });

/**
 * Normalises elements along the axes to mean 0 and standard deviation 1, then scales and shifts each element: (x - mean) /
 * sqrt(variance + epsilon) weight + bias. The variance is the biased one (divided by the count).
 *
 * ```ts
 * import { layerNorm, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(layerNorm(tensor([[100, 300], [0, 1000]])))); // [[-1, 1], [-1, 1]]
 * ```
 *
 * PyTorch's `normalized_shape` of k axes is `axis: [-k, ..., -1]`.
 *
 * @throws {ShapeError} If an axis does not exist, or weight or bias have not the extents of the axes.
 * @throws {RangeError} If `epsilon` is not positive.
 * @see Ba, Kiros and Hinton, "Layer normalization", 2016
 */
export function layerNorm(x: TensorLike, options: LayerNormOptions = {}): Tensor {
  const { axis = -1, weight, bias, epsilon = 1e-5 } = checkOptions(options, layerNormOptions, "layerNorm");
  const tensor = asFloat(x);
  const { over, extents, broadcastShape } = alongAxes(tensor.shape, axis, "layerNorm");
  return scaleAndShift(standardize(tensor, over, epsilon), { weight, bias, extents, broadcastShape, what: "layerNorm" });
}

/** The default of PyTorch's `rms_norm` for f32. */
export const rmsEpsilon = 2 ** -23;

/** Options of `rmsNorm`. */
export interface RmsNormOptions {
  /** Over which axes to take the mean of squares together; negative ones count from the back. Default the last. */
  readonly axis?: number | readonly number[];
  /** What each element is multiplied with: the shape has the extents of the axes. Default 1. */
  readonly weight?: TensorLike;
  /** Added to the mean of squares under the root. Default 2^-23, as in PyTorch. */
  readonly epsilon?: number;
}

const rmsNormOptions = optionTable<RmsNormOptions>({ axis: wholes, weight: tensorLikes, epsilon: real });

/**
 * Divides elements by the root of the mean of their squares along the axes, then scales each element: x / sqrt(mean(x^2) + epsilon)
 * weight. It is `layerNorm` without the mean.
 *
 * ```ts
 * import { rmsNorm, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(rmsNorm(tensor([[3, -3], [1, 7]])))); // [[1, -1], [0.2, 1.4]]
 * ```
 *
 * @throws {ShapeError} If an axis does not exist, or the weight has not the extents of the axes.
 * @throws {RangeError} If `epsilon` is not positive.
 * @see Zhang and Sennrich, "Root mean square layer normalization", 2019; PyTorch's `F.rms_norm`
 */
export function rmsNorm(x: TensorLike, options: RmsNormOptions = {}): Tensor {
  const { axis = -1, weight, epsilon = rmsEpsilon } = checkOptions(options, rmsNormOptions, "rmsNorm");
  const tensor = asFloat(x);
  positive(epsilon, "epsilon");
  const { over, extents, broadcastShape } = alongAxes(tensor.shape, axis, "rmsNorm");
  const size = sqrt(add(mean(mul(tensor, tensor), { axis: over, keepDims: true }), epsilon));
  return scaleAndShift(div(tensor, size), { weight, extents, broadcastShape, what: "rmsNorm" });
}

/** The axes that are normalised together, and the shapes that what is learned has and takes. */
function alongAxes(
  shape: Shape,
  axis: number | readonly number[],
  what: string,
): { readonly over: readonly number[]; readonly extents: Shape; readonly broadcastShape: Shape } {
  const over = normalizeAxes(axis, shape.length, `apply ${what}`);
  return {
    over,
    extents: over.map((each) => shape[each]),
    broadcastShape: shape.map((extent, i) => over.includes(i) ? extent : 1),
  };
}

/** Options of `instanceNorm`. */
export interface InstanceNormOptions {
  /** The new deviation of each channel: [channels]. Default 1. */
  readonly weight?: TensorLike;
  /** The new mean of each channel: [channels]. Default 0. */
  readonly bias?: TensorLike;
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number;
}

const instanceNormOptions = optionTable<InstanceNormOptions>({ weight: tensorLikes, bias: tensorLikes, epsilon: real });

/** Options of `groupNorm`. */
export interface GroupNormOptions extends InstanceNormOptions {
  /** Into how many groups of neighbours the channels are split. */
  readonly groups: number;
}

const groupNormOptions = optionTable<GroupNormOptions>({
  groups: needed(checkedInside()),
  weight: tensorLikes,
  bias: tensorLikes,
  epsilon: real,
});

/**
 * Gives every group of channels of every example mean 0 and deviation 1, then scales and shifts each channel. With one
 * group all channels are normalised together, with one per channel it is `instanceNorm`.
 *
 * ```ts
 * import { groupNorm, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(groupNorm(tensor([[100, 300, 0, 1000]]), { groups: 2 }))); // [[-1, 1, -1, 1]]
 * ```
 *
 * @param x [batch, channels, ...]
 * @throws {ShapeError} If x has no channels, they are not divisible by the groups, or weight or bias have not one number for each.
 * @throws {RangeError} If `groups` is not an integer of at least 1, or `epsilon` not positive.
 * @see Wu and He, "Group normalization", 2018
 */
export function groupNorm(x: TensorLike, options: GroupNormOptions): Tensor {
  const { groups, weight, bias, epsilon = 1e-5 } = checkOptions(options, groupNormOptions, "groupNorm");
  return normalizeGroups(asFloat(x), integer(groups, "groups"), { weight, bias, epsilon }, "groupNorm");
}

/**
 * Gives every channel of every example mean 0 and deviation 1, then scales and shifts it.
 *
 * ```ts
 * import { instanceNorm, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(instanceNorm(tensor([[[100, 300], [0, 1000]]])))); // [[[-1, 1], [-1, 1]]]
 * ```
 *
 * @param x [batch, channels, ...]
 * @throws {ShapeError} If a channel has fewer than two elements, or weight or bias have not one number for each.
 * @throws {RangeError} If `epsilon` is not positive.
 * @see Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016
 */
export function instanceNorm(x: TensorLike, options: InstanceNormOptions = {}): Tensor {
  checkOptions(options, instanceNormOptions, "instanceNorm");
  const tensor = asFloat(x);
  if (tensor.rank > 1 && tensor.shape.slice(2).every((extent) => extent === 1)) {
    throw new ShapeError(
      `Cannot apply instanceNorm to input ${showShape(tensor.shape)}: it needs at least two elements per channel for a variance`,
      { shape: tensor.shape },
    );
  }
  return normalizeGroups(tensor, tensor.shape[1], options, "instanceNorm");
}

function normalizeGroups(
  x: Tensor,
  groups: number,
  { weight, bias, epsilon = 1e-5 }: InstanceNormOptions,
  what: string,
): Tensor {
  const { shape } = x;
  if (shape.length < 2) {
    throw new ShapeError(`Cannot apply ${what} to input ${showShape(shape)}: it needs axes [batch, channels, ...]`, { shape });
  }
  const [n, c, ...rest] = shape;
  if (c % groups !== 0) {
    throw new ShapeError(
      `Cannot apply ${what} to input ${showShape(shape)}: its ${c} channels are not divisible by ${groups} groups`,
      { shape, groups },
    );
  }
  const split = reshape(x, [n, groups, c / groups, ...rest]);
  const over = split.shape.map((_, axis) => axis).slice(2);
  const y = reshape(standardize(split, over, epsilon), shape);
  return scaleAndShift(y, { weight, bias, extents: [c], broadcastShape: [c, ...rest.map(() => 1)], what });
}

/** Mean 0 and deviation 1 over the axes; less, where the variance is not much more than epsilon. */
function standardize(x: Tensor, axis: readonly number[], epsilon: number): Tensor {
  positive(epsilon, "epsilon");
  const count = sizeOf(axis.map((each) => x.shape[each]));
  const { distance, offset, squares } = aroundMean(x, mean(x, { axis, keepDims: true }), axis, count);
  return scaled(distance, offset, div(1, sqrt(add(div(squares, count), epsilon))));
}

/** (x - mean) scale, from what `aroundMean` gives. */
export function scaled(distance: Tensor, offset: Tensor, scale: Tensor): Tensor {
  const value = mul(distance, scale);
  return withValues(add(value, mul(neg(offset), scale)), stopGradient(value));
}

interface Affine {
  readonly weight?: TensorLike;
  readonly bias?: TensorLike;
  /** What shape these must have. */
  readonly extents: Shape;
  /** The same with axes of extent 1, to broadcast against x. */
  readonly broadcastShape: Shape;
  readonly what: string;
}

function scaleAndShift(x: Tensor, { weight, bias, extents, broadcastShape, what }: Affine): Tensor {
  const aligned = (name: string, value: TensorLike) => {
    const [fitting] = promoteAll([value, x]);
    if (sameShape(fitting.shape, extents)) return reshape(fitting, broadcastShape);
    throw new ShapeError(
      `Cannot apply ${what} to input ${showShape(x.shape)}: its ${name} must be ${showShape(extents)}, ` +
        `but is ${showShape(fitting.shape)}`,
      { shape: x.shape, [name]: fitting.shape },
    );
  };
  const weighted = weight === undefined ? x : mul(x, aligned("weight", weight));
  return bias === undefined ? weighted : add(weighted, aligned("bias", bias));
}
