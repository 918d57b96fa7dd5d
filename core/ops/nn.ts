/**
 * Functions of neural networks that are made of other operations: activations, softmax, one-hot vectors. They have no rules of their own:
 * activations that do are in `activations.ts`.
 *
 * @module
 */
import { argument, natural, scalar } from "../kinds.ts";
import { axisOption, checkOptions, optionTable } from "../options.ts";
import { defaultFloat, indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { normalizeAxis, showShape } from "../shape.ts";
import type { Scalar, Tensor, TensorLike } from "../tensor.ts";
import { asFloat, cast, stopGradient } from "./cast.ts";
import { asTensor, isNumber } from "./literal.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { belowTop } from "./binary.ts";
import { logicalAnd } from "./logic.ts";
import { eq, ge, gt, le, lt } from "./compare.ts";
import { iota } from "./creation.ts";
import { firstOutside } from "./known.ts";
import { reshape } from "./reshape.ts";
import { max } from "./reduce.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { slice } from "./slice.ts";
import { softplus } from "./activations.ts";
import { exp, expm1, log, sigmoid, vanishing } from "./unary.ts";

const slopeOptions = optionTable<{ readonly negativeSlope?: Scalar }>({ negativeSlope: scalar });
const alphaOptions = optionTable<{ readonly alpha?: Scalar }>({ alpha: scalar });
const hardTanhOptions = optionTable<{ readonly min?: Scalar; readonly max?: Scalar }>({ min: scalar, max: scalar });

/**
 * x if it is positive, else `negativeSlope` (default 0.01) times x.
 *
 * ```ts
 * import { leakyRelu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }))); // [-0.1, 2]
 * ```
 */
export function leakyRelu(x: TensorLike, options: { readonly negativeSlope?: Scalar } = {}): Tensor {
  const { negativeSlope = 0.01 } = checkOptions(options, slopeOptions, "leakyRelu");
  const tensor = asFloat(x);
  return where(gt(tensor, 0), tensor, mul(tensor, negativeSlope));
}

/**
 * x if it is positive, else `alpha` (default 1) times exp(x) - 1.
 *
 * ```ts
 * import { elu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(elu(tensor([-1, 0, 2])))); // [-0.632..., 0, 2]
 * ```
 */
export function elu(x: TensorLike, options: { readonly alpha?: Scalar } = {}): Tensor {
  const { alpha = 1 } = checkOptions(options, alphaOptions, "elu");
  const tensor = asFloat(x);
  const positive = gt(tensor, 0);
  // exp sees no large argument, so that its derivative is finite where it is not chosen.
  return where(positive, tensor, mul(alpha, expm1(where(positive, 0, tensor))));
}

/**
 * log(sigmoid(x)), numerically stable: without overflow or loss of digits.
 *
 * ```ts
 * import { logSigmoid, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logSigmoid(tensor([-1000, 0])))); // [-1000, -0.693...]
 * ```
 */
export function logSigmoid(x: TensorLike): Tensor {
  return neg(softplus(neg(asFloat(x))));
}

/**
 * `alpha` (default 1) times exp(x / alpha) - 1 for negative x, else x: unlike elu it is smooth for any `alpha`.
 *
 * ```ts
 * import { celu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(celu(tensor([-2, 0, 2]), { alpha: 2 }))); // [-1.264..., 0, 2]
 * ```
 */
export function celu(x: TensorLike, options: { readonly alpha?: Scalar } = {}): Tensor {
  const { alpha = 1 } = checkOptions(options, alphaOptions, "celu");
  const tensor = asFloat(x);
  const positive = gt(tensor, 0);
  return where(positive, tensor, mul(alpha, expm1(div(where(positive, 0, tensor), alpha))));
}

/**
 * x limited to [min, max], default [-1, 1]; the derivative is 1 inside and 0 at the bounds and outside.
 *
 * ```ts
 * import { hardTanh, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(hardTanh(tensor([-3, 0.5, 3])))); // [-1, 0.5, 1]
 * ```
 */
export function hardTanh(
  x: TensorLike,
  options: { readonly min?: Scalar; readonly max?: Scalar } = {},
): Tensor {
  const { min = -1, max = 1 } = checkOptions(options, hardTanhOptions, "hardTanh");
  const tensor = asFloat(x);
  return where(le(tensor, min), min, where(ge(tensor, max), max, tensor));
}

/**
 * x limited to [0, 6]; the derivative is 1 inside and 0 at the bounds and outside.
 *
 * ```ts
 * import { relu6, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(relu6(tensor([-1, 3, 9])))); // [0, 3, 6]
 * ```
 */
export function relu6(x: TensorLike): Tensor {
  return hardTanh(x, { min: 0, max: 6 });
}

/**
 * A sigmoid of straight lines: x / 6 + 1/2 limited to [0, 1].
 *
 * ```ts
 * import { hardSigmoid, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(hardSigmoid(tensor([-4, 0, 4])))); // [0, 0.5, 1]
 * ```
 */
export function hardSigmoid(x: TensorLike): Tensor {
  return div(relu6(add(asFloat(x), 3)), 6);
}

/**
 * x times hardSigmoid(x).
 *
 * ```ts
 * import { hardSwish, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(hardSwish(tensor([-1.5, 0, 4])))); // [-0.375, 0, 4]
 * ```
 *
 * @see Howard et al., "Searching for MobileNetV3", 2019
 */
export function hardSwish(x: TensorLike): Tensor {
  const tensor = asFloat(x);
  return mul(vanishing(tensor), hardSigmoid(tensor));
}

/**
 * x if it is positive, else x times a learned weight: one for all ([] or [1]), or one per channel (axis 1 of x).
 *
 * ```ts
 * import { prelu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(prelu(tensor([-1, 2]), tensor(0.25)))); // [-0.25, 2]
 * ```
 *
 * @throws {ShapeError} If the weight is neither.
 */
export function prelu(x: TensorLike, weight: TensorLike): Tensor {
  const [tensor, slope] = [asFloat(x), asFloat(weight)];
  const channels = tensor.rank > 1 ? tensor.shape[1] : 1;
  if (slope.size !== 1 && (slope.rank !== 1 || slope.size !== channels)) {
    throw new ShapeError(
      `Cannot apply prelu to ${showShape(tensor.shape)} with weights ${
        showShape(slope.shape)
      }: one is needed, or one for each of ` +
        `${channels} channels`,
      { shape: tensor.shape, weight: slope.shape },
    );
  }
  const perChannel = reshape(slope, slope.size === 1 ? [] : [slope.size, ...tensor.shape.slice(2).map(() => 1)]);
  return where(gt(tensor, 0), tensor, mul(perChannel, tensor));
}

/**
 * The gated linear unit: the first half of x along an axis (default the last) times the sigmoid of the second half.
 *
 * ```ts
 * import { glu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(glu(tensor([3, 5, 0, 0])))); // [1.5, 2.5]
 * ```
 *
 * @throws {ShapeError} If the axis does not have an even extent.
 * @see Dauphin et al., "Language modeling with gated convolutional networks", 2016
 */
export function glu(x: TensorLike, options: AxisOptions = {}): Tensor {
  const { axis = -1 } = checkOptions(options, axisOption, "glu");
  const tensor = asFloat(x);
  const along = normalizeAxis(axis, tensor.rank, "apply glu");
  const half = tensor.shape[along] / 2;
  if (!Number.isInteger(half)) {
    throw new ShapeError(`Cannot apply glu to ${showShape(tensor.shape)} along axis ${along}: its extent must be even`, {
      shape: tensor.shape,
      axis: along,
    });
  }
  const gate = slice(tensor, { axis: along, start: half });
  return mul(slice(tensor, { axis: along, stop: half }), sigmoid(gate));
}

/** Options of `softmax`, `logSoftmax` and `glu`. */
export interface AxisOptions {
  /** The axis; negative ones count from the back. Default the last. */
  readonly axis?: number;
}

function shifted(x: Tensor, axis: number): Tensor {
  if (x.shape[axis] === 0) return x;
  // The shift cancels out of value and derivative.
  return belowTop(x, stopGradient(max(x, { axis, keepDims: true })));
}

/**
 * exp(x) divided by its sum along an axis: positive numbers that sum to 1. Logits of any size are fine.
 *
 * ```ts
 * import { softmax, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(softmax(tensor([10000, 10000])))); // [0.5, 0.5]
 * ```
 */
export function softmax(x: TensorLike, options: AxisOptions = {}): Tensor {
  const { axis = -1 } = checkOptions(options, axisOption, "softmax");
  const tensor = asFloat(x);
  const weights = exp(shifted(tensor, normalizeAxis(axis, tensor.rank, "softmax")));
  return div(weights, sum(weights, { axis, keepDims: true }));
}

/**
 * The logarithm of softmax, numerically stable for logits of any size.
 *
 * ```ts
 * import { logSoftmax, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logSoftmax(tensor([10000, 10000])))); // [-0.693..., -0.693...]
 * ```
 */
export function logSoftmax(x: TensorLike, options: AxisOptions = {}): Tensor {
  const { axis = -1 } = checkOptions(options, axisOption, "logSoftmax");
  const tensor = asFloat(x);
  const shift = shifted(tensor, normalizeAxis(axis, tensor.rank, "logSoftmax"));
  return sub(shift, log(sum(exp(shift), { axis, keepDims: true })));
}

/**
 * For each label a vector of zeros with a 1 at the label's position. Labels that are no class are an error where the values are at hand;
 * where they are not, as inside `jit`, their vectors are NaN.
 *
 * ```ts
 * import { oneHot, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(oneHot(tensor([2, 0], { dtype: "i32" }), 3))); // [[0, 0, 1], [1, 0, 0]]
 * ```
 *
 * @returns [..., classes], f32
 * @throws {RangeError} If a label is known to be no class.
 */
export function oneHot(labels: TensorLike, classes: number): Tensor {
  argument(classes, natural, "classes", "oneHot");
  const tensor = isNumber(labels) ? asTensor(labels, indexType) : asTensor(labels);
  const outside = firstOutside(tensor, 0, classes);
  if (outside) {
    throw new RangeError(
      `Cannot make a one-hot vector of label ${outside.value} (element ${outside.position}): the ${classes} classes are 0 to ${
        classes - 1
      }`,
    );
  }
  const at = reshape(cast(tensor, indexType), [...tensor.shape, 1]);
  const hot = cast(eq(iota([...tensor.shape, classes], tensor.rank), at), defaultFloat);
  return where(logicalAnd(ge(at, 0), lt(at, classes)), hot, NaN);
}
