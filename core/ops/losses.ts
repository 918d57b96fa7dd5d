/**
 * Losses of numbers: how far a prediction is from its target, element by element, and the mean or sum of it. They are made of other
 * operations. Those of classes are in class_losses.ts, those of vectors in vector_losses.ts.
 *
 * @module
 */
import { flag, oneOf, orNull, real } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import * as expr from "../ir/expr.ts";
import { fraction, nonNegative, positive } from "../ranges.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { abs, add, div, mul, neg, sub } from "./arithmetic.ts";
import { logicalAnd } from "./logic.ts";
import { maximum, pow } from "./binary.ts";
import { eq, gt } from "./compare.ts";
import { zerosLike } from "./constant.ts";
import { apply, elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { mean } from "./reduce.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { clip, exp, isInf, log, log1p, saturating, sigmoid } from "./unary.ts";

/** How the losses of a batch are reduced: to their mean (default), to their sum, or not at all. */
export interface LossOptions {
  /** Default "mean". */
  readonly reduction?: "mean" | "sum" | "none";
}

/** How the losses of a batch are reduced. */
export const reductions = oneOf("mean", "sum", "none");
const lossOptions = optionTable<LossOptions>({ reduction: reductions });

/**
 * The losses of a batch reduced to one number, or unchanged.
 *
 * @param counts How much each of the losses counts in the mean; left out, all the same.
 */
export function reduceLoss(losses: Tensor, { reduction = "mean" }: LossOptions, counts?: Tensor): Tensor {
  switch (reduction) {
    case "mean":
      return counts ? div(sum(losses), sum(counts)) : mean(losses);
    case "sum":
      return sum(losses);
    case "none":
      return losses;
  }
}

/**
 * Two floating tensors.
 *
 * @throws {ShapeError} If their shapes differ; `what` names the loss.
 */
export function sameShapes(x: TensorLike, y: TensorLike, what: string): [Tensor, Tensor] {
  const [a, b] = [asFloat(x), asFloat(y)];
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(`Cannot take ${what} of ${showShape(a.shape)} and ${showShape(b.shape)}: the shapes must be equal`, {
      shapes: [a.shape, b.shape],
    });
  }
  return [a, b];
}

/** x times its weight, where a weight of 0 outweighs an infinite x. */
export function weigh(x: Tensor, weight: Tensor): Tensor {
  return mul(where(logicalAnd(eq(weight, 0), isInf(x)), 0, x), weight);
}

/**
 * The mean squared error.
 *
 * ```ts
 * import { item, mseLoss, tensor, toArray } from "../../mod.ts";
 * console.log(await item(mseLoss(tensor([1, 2]), tensor([2, 4])))); // 2.5
 * console.log(await toArray(mseLoss(tensor([1, 2]), tensor([2, 4]), { reduction: "none" }))); // [1, 4]
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 */
export function mseLoss(prediction: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  checkOptions(options, lossOptions, "mseLoss");
  const [x, y] = sameShapes(prediction, target, "mseLoss");
  const difference = sub(x, y);
  return reduceLoss(mul(difference, difference), options);
}

/**
 * The cross-entropy of probabilities against targets in [0, 1]. Logarithms are limited to -100, so that a wrong probability
 * of 0 or 1 has loss 100, not infinity, and their derivatives to 1e12.
 *
 * ```ts
 * import { binaryCrossEntropy, item, tensor } from "../../mod.ts";
 * console.log(await item(binaryCrossEntropy(tensor([0.5, 0.25]), tensor([1, 0])))); // 0.490...
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 */
export function binaryCrossEntropy(probability: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  checkOptions(options, lossOptions, "binaryCrossEntropy");
  const [p, y] = sameShapes(probability, target, "binaryCrossEntropy");
  const logarithm = (x: Tensor) => apply(clampedLogOp, [x], undefined);
  return reduceLoss(neg(add(mul(y, logarithm(p)), mul(sub(1, y), logarithm(sub(1, p))))), options);
}

export const clampedLogOp: ElementwiseOp = elementwise({
  name: "clampedLog",
  domain: "positive",
  dtype: floatDType("clampedLog"),
  // Where the value is the limit there still is a slope, by which a wrong probability of 0 can be learned.
  partials: [(g, x) => div(g, maximum(x, 1e-12))],
  lower: (x) => expr.binary("max", expr.unary("log", x), -100),
});

/**
 * The cross-entropy of sigmoid(logits) against targets in [0, 1], numerically stable for logits of any size, infinite ones too, and
 * with all digits of small losses.
 *
 * ```ts
 * import { binaryCrossEntropyWithLogits, item, tensor } from "../../mod.ts";
 * console.log(await item(binaryCrossEntropyWithLogits(tensor([0, 1000]), tensor([1, 1])))); // 0.346...
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 */
export function binaryCrossEntropyWithLogits(logits: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  checkOptions(options, lossOptions, "binaryCrossEntropyWithLogits");
  const [x, y] = sameShapes(logits, target, "binaryCrossEntropyWithLogits");
  return reduceLoss(entropyOfLogits(x, y), options);
}

/** -y log p - (1 - y) log(1 - p) for p = sigmoid(x): |x| times the target that it is far from, and a small rest. */
function entropyOfLogits(x: Tensor, y: Tensor): Tensor {
  const positive = gt(x, 0);
  // -|x|, but such that the derivatives of both terms at 0 are taken from the same side.
  const small = where(positive, neg(x), x);
  return sub(log1p(exp(small)), weigh(small, where(positive, sub(1, y), y)));
}

/** The factor of focal losses: miss^gamma, for a miss in [0, 1]. */
export function focus(miss: Tensor, gamma = 2): Tensor {
  nonNegative(gamma, "gamma");
  // For gamma below 1 the slope at 0 is infinite; what it is multiplied by goes to 0 faster.
  const wrong = gt(miss, 0);
  return where(wrong, pow(where(wrong, miss, 1), gamma), gamma === 0 ? 1 : 0);
}

/** Options of `binaryFocalLoss`. */
export interface BinaryFocalLossOptions extends LossOptions {
  /** What targets of 1 weigh, in [0, 1]; those of 0 weigh 1 - alpha. Default 0.25; null: both weigh 1. */
  readonly alpha?: number | null;
  /** How quickly the weight of an example falls as its probability rises, at least 0. Default 2. */
  readonly gamma?: number;
}

const binaryFocalLossOptions = optionTable<BinaryFocalLossOptions>({
  reduction: reductions,
  alpha: orNull(real),
  gamma: real,
});

/**
 * The focal loss of sigmoid(logits) against targets in [0, 1]: torchvision's `sigmoid_focal_loss` (whose default reduction is "none").
 *
 * ```ts
 * import { binaryFocalLoss, item, tensor } from "../../mod.ts";
 * console.log(await item(binaryFocalLoss(tensor([0]), tensor([1])))); // 0.0433...
 * ```
 *
 * @param target Of the shape of the logits.
 * @throws {ShapeError} If the shapes differ.
 * @throws {RangeError} If `alpha` is not in [0, 1] or `gamma` is negative.
 * @see Lin et al., "Focal loss for dense object detection", 2017
 */
export function binaryFocalLoss(logits: TensorLike, target: TensorLike, options: BinaryFocalLossOptions = {}): Tensor {
  checkOptions(options, binaryFocalLossOptions, "binaryFocalLoss");
  const [x, y] = sameShapes(logits, target, "binaryFocalLoss");
  const { alpha = 0.25 } = options;
  const blend = (of1: TensorLike, of0: TensorLike) => add(mul(y, of1), mul(sub(1, y), of0));
  // 1 - p for the probability p of the target.
  const near = saturating(x);
  const miss = blend(sigmoid(neg(near)), sigmoid(near));
  const losses = mul(focus(miss, options.gamma), entropyOfLogits(x, y));
  return reduceLoss(alpha === null ? losses : weigh(losses, blend(fraction(alpha, "alpha"), 1 - alpha)), options);
}

/**
 * The mean absolute error.
 *
 * ```ts
 * import { item, l1Loss, tensor } from "../../mod.ts";
 * console.log(await item(l1Loss(tensor([1, 2]), tensor([2, 5])))); // 2
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 */
export function l1Loss(prediction: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  checkOptions(options, lossOptions, "l1Loss");
  const [x, y] = sameShapes(prediction, target, "l1Loss");
  return reduceLoss(abs(sub(x, y)), options);
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** Where the square becomes a straight line. Positive, default 1. */
  readonly delta?: number;
}

const huberLossOptions = optionTable<HuberLossOptions>({ reduction: reductions, delta: real });

/** r^2 / 2 up to |r| = delta, and from there on along the tangent. */
function huberOf(r: Tensor, delta: number): Tensor {
  // s = r within: s (r - s / 2) is r^2 / 2; s = +-delta beyond: it is delta (|r| - delta / 2).
  const s = clip(r, { min: -delta, max: delta });
  return mul(s, sub(r, mul(0.5, s)));
}

/**
 * Huber's loss: r^2 / 2 for errors r up to delta, delta (|r| - delta / 2) beyond, so that outliers count less.
 *
 * ```ts
 * import { huberLoss, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(huberLoss(tensor([1, 4]), tensor([0, 0]), { delta: 2, reduction: "none" }))); // [0.5, 6]
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 * @throws {RangeError} If `delta` is not positive.
 * @see Huber, "Robust estimation of a location parameter", 1964
 */
export function huberLoss(prediction: TensorLike, target: TensorLike, options: HuberLossOptions = {}): Tensor {
  checkOptions(options, huberLossOptions, "huberLoss");
  const [x, y] = sameShapes(prediction, target, "huberLoss");
  return reduceLoss(huberOf(sub(x, y), positive(options.delta ?? 1, "delta")), options);
}

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square becomes a straight line; 0 gives `l1Loss`. Default 1. */
  readonly beta?: number;
}

const smoothL1LossOptions = optionTable<SmoothL1LossOptions>({ reduction: reductions, beta: real });

/**
 * The absolute error with a round bottom: r^2 / (2 beta) for errors r up to beta, |r| - beta / 2 beyond. It is `huberLoss` divided by beta.
 *
 * ```ts
 * import { smoothL1Loss, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(smoothL1Loss(tensor([1, 4]), tensor([0, 0]), { beta: 2, reduction: "none" }))); // [0.25, 3]
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 * @throws {RangeError} If `beta` is negative.
 * @see Girshick, "Fast R-CNN", 2015
 */
export function smoothL1Loss(prediction: TensorLike, target: TensorLike, options: SmoothL1LossOptions = {}): Tensor {
  checkOptions(options, smoothL1LossOptions, "smoothL1Loss");
  const [x, y] = sameShapes(prediction, target, "smoothL1Loss");
  const beta = nonNegative(options.beta ?? 1, "beta");
  return reduceLoss(beta === 0 ? abs(sub(x, y)) : div(huberOf(sub(x, y), beta), beta), options);
}

/** Options of `klDivergence`. */
export interface KlDivergenceOptions {
  /** "mean" (default, as in PyTorch) divides by the number of elements, "batchmean" by that of examples, which is the divergence's mean. */
  readonly reduction?: "mean" | "batchmean" | "sum" | "none";
  /** Whether the target has log probabilities, too. Default false. */
  readonly logTarget?: boolean;
}

const klDivergenceOptions = optionTable<KlDivergenceOptions>({
  reduction: oneOf("mean", "batchmean", "sum", "none"),
  logTarget: flag,
});

/**
 * The Kullback-Leibler divergence of a distribution from another: target * (log target - input), element by element, which is 0 for a
 * target of 0, whatever the input.
 * PyTorch's `kl_div`.
 *
 * ```ts
 * import { item, klDivergence, log, tensor } from "../../mod.ts";
 * const [found, target] = [tensor([[0.5, 0.5]]), tensor([[1, 0]])];
 * console.log(await item(klDivergence(log(found), target, { reduction: "batchmean" }))); // 0.693...
 * ```
 *
 * @param input Log probabilities, as `logSoftmax` gives them.
 * @param target What is wanted, of the same shape: probabilities, or their logarithms with `logTarget`.
 * @throws {ShapeError} If the shapes differ, or "batchmean" is taken of a scalar.
 */
export function klDivergence(input: TensorLike, target: TensorLike, options: KlDivergenceOptions = {}): Tensor {
  checkOptions(options, klDivergenceOptions, "klDivergence");
  const [x, t] = sameShapes(input, target, "klDivergence");
  const losses = options.logTarget ? ofLogTarget(x, t) : sub(xLogX(t), weigh(x, t));
  if (options.reduction !== "batchmean") return reduceLoss(losses, { reduction: options.reduction });
  if (x.rank === 0) {
    throw new ShapeError('Cannot take klDivergence of a scalar with reduction "batchmean": there is no batch axis, use "sum"', {
      shape: x.shape,
    });
  }
  return div(sum(losses), x.shape[0]);
}

/** exp(t) (t - x), which is 0 where t is -infinity. */
function ofLogTarget(x: Tensor, t: Tensor): Tensor {
  const none = eq(t, -Infinity);
  const known = where(none, 0, t);
  return where(none, 0, mul(exp(known), sub(known, where(none, 0, x))));
}

function xLogX(x: Tensor): Tensor {
  // The logarithm sees no 0, so that its derivative is finite where it is not chosen.
  const zero = eq(x, 0);
  return where(zero, zerosLike(x), mul(x, log(where(zero, 1, x))));
}
