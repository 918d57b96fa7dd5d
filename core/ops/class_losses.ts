/**
 * Losses of classes: how far scores are from the label of an example, or from probabilities of its classes. All have one form: minus a
 * score of the wanted class.
 *
 * @module
 */
import { real, scalar, tensors, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { fraction } from "../ranges.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Scalar, Tensor, TensorLike } from "../tensor.ts";
import { asFloat, cast } from "./cast.ts";
import { add, mul, neg } from "./arithmetic.ts";
import { checkLabels, checkTarget, classAxis, isClass, type Labels, type Target, unlessUnknown } from "./class_targets.ts";
import { zerosLike } from "./constant.ts";
import { isGiven } from "./known.ts";
import { focus, type LossOptions, reduceLoss, reductions, weigh } from "./losses.ts";
import { broadcastTo, expandDims } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { logSoftmax } from "./nn.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { takeAlongAxis } from "./take.ts";
import { clip, expm1, vanishing } from "./unary.ts";

/** Options of losses of classes. */
export interface NllLossOptions extends LossOptions {
  /** A factor for each class: [classes]. The mean is then the weighted one: the sum divided by the sum of the labels' factors. */
  readonly weight?: Tensor;
  /** Examples with this label have loss 0 and do not count in the mean. Default -100, which is no class. */
  readonly ignoreIndex?: number;
}

const nllLossKinds = { reduction: reductions, weight: tensors, ignoreIndex: whole };
const nllLossOptions = optionTable<NllLossOptions>(nllLossKinds);

/** Options of classification losses whose targets may be probabilities. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** The share of each target that is spread evenly over all classes, in [0, 1]. Default 0. */
  readonly labelSmoothing?: number;
}

const crossEntropyKinds = { ...nllLossKinds, labelSmoothing: real };
const crossEntropyOptions = optionTable<CrossEntropyOptions>(crossEntropyKinds);

/** The factors of the classes in the shape of the scores. */
function perClass(weight: Tensor, { shape, dtype }: Tensor, axis: number): Tensor {
  if (!sameShape(weight.shape, [shape[axis]])) {
    throw new ShapeError(
      `Cannot weigh the classes of ${showShape(shape)} by ${showShape(weight.shape)}: one factor per class is needed, [${
        shape[axis]
      }]`,
      { shape, weight: weight.shape },
    );
  }
  return broadcastTo(reshape(cast(weight, dtype), shape.map((extent, at) => at === axis ? extent : 1)), shape);
}

/** The score of each example's label, 0 for those that are skipped, where scores are in memory: of others all are computed in passing. */
function scoreOfLabel({ classes, counted, count }: Labels, scores: Tensor): Tensor {
  const axis = classAxis(scores);
  const inside = expandDims(clip(classes, { min: 0, max: count - 1 }), { axis });
  const own = reshape(takeAlongAxis(scores, inside, { axis }), classes.shape);
  return counted ? where(counted, own, 0) : own;
}

/**
 * What all losses of classes have in common: minus the score of the wanted class, or of what is wanted of each class.
 *
 * @param scores [batch, classes, ...]: high where a class is found likely.
 */
function classLoss(scores: Tensor, target: Target, options: CrossEntropyOptions): Tensor {
  const axis = classAxis(scores);
  const factors = options.weight && perClass(options.weight, scores, axis);
  const weighed = factors ? weigh(scores, factors) : scores;
  const total = (x: Tensor) => sum(x, { axis });
  const smoothing = fraction(options.labelSmoothing ?? 0, "labelSmoothing");
  const share = smoothing / scores.shape[axis];

  if (target.kind === "shares") {
    if (options.ignoreIndex !== undefined) {
      throw new RangeError(`ignoreIndex (${options.ignoreIndex}) is for labels: targets that are probabilities have no index`);
    }
    const shares = smoothing === 0 ? target.shares : add(mul(target.shares, 1 - smoothing), share);
    return neg(reduceLoss(total(weigh(weighed, shares)), options));
  }

  const { counted } = target;
  const chosen = isClass(target, scores);
  const own = isGiven(weighed) && target.count > 0
    ? scoreOfLabel(target, weighed)
    : total(where(chosen, weighed, zerosLike(weighed)));
  const all = () => total(counted ? where(expandDims(counted, { axis }), weighed, 0) : weighed);
  const gains = smoothing === 0 ? own : smoothing === 1 ? mul(all(), share) : add(mul(own, 1 - smoothing), mul(all(), share));
  const counts = factors ? total(where(chosen, factors, 0)) : counted && cast(counted, scores.dtype);
  // Of several numbers that end up in a mean, one shows all.
  return (options.reduction ?? "mean") === "mean" && counts
    ? neg(reduceLoss(gains, options, unlessUnknown(target, counts)))
    : neg(reduceLoss(unlessUnknown(target, gains), options));
}

/**
 * The negative log likelihood: minus the log probability of the right class.
 *
 * ```ts
 * import { item, nllLoss, tensor } from "../../mod.ts";
 * // -100 is no class, but says that the example is to be skipped.
 * const labels = tensor([1, -100], { dtype: "i32" });
 * console.log(await item(nllLoss(tensor([[-3, -0.05], [-1, -0.5]]), labels))); // 0.05
 * ```
 *
 * @param logProbabilities [batch, classes, ...], as `logSoftmax` gives them
 * @param labels Integers [batch, ...] from 0 up to, without, the number of classes, or `ignoreIndex`. Others are an error where the
 * values are at hand; where they are not, as inside `jit`, they make the loss NaN.
 * @param options `reduction`, `weight`, `ignoreIndex`.
 * @returns The mean over the examples that are not skipped, unless `reduction` says otherwise; NaN if all are.
 * @throws {RangeError} If a label is known to be no class.
 * @throws {ShapeError} If there is not one label per example, or one factor per class.
 * @throws {DTypeError} If the labels are not integers.
 */
export function nllLoss(logProbabilities: TensorLike, labels: TensorLike, options: NllLossOptions = {}): Tensor {
  checkOptions(options, nllLossOptions, "nllLoss");
  const x = asFloat(logProbabilities);
  return classLoss(x, checkLabels(x, labels, options.ignoreIndex, "nllLoss"), { ...options, labelSmoothing: 0 });
}

/**
 * The cross-entropy between softmax(logits) and the target: `logSoftmax` and `nllLoss` in one. Its gradient in the logits is
 * softmax(logits) - oneHot(labels), divided by the batch for the mean. Logits may be infinite: the loss is the limit.
 *
 * ```ts
 * import { crossEntropy, item, tensor } from "../../mod.ts";
 * const logits = tensor([[0, 0]]);
 * console.log(await item(crossEntropy(logits, tensor([1], { dtype: "i32" })))); // 0.693...
 * const probabilities = tensor([[0.3, 0.7]]);
 * console.log(await item(crossEntropy(logits, probabilities))); // 0.693...
 * ```
 *
 * @param logits [batch, classes, ...]
 * @param target Labels: integers [batch, ...] from 0 up to, without, the number of classes, or `ignoreIndex` to skip an example. Others are
 * an error where the values are at hand; where they are not, as inside `jit`, they make the loss NaN. Or probabilities of the
 * classes: floating, of the shape of the logits.
 * @param options `reduction`, `weight`, `ignoreIndex` (for labels), `labelSmoothing`.
 * @returns The mean over the examples that are not skipped, unless `reduction` says otherwise; NaN if all are.
 * @throws {ShapeError} If there is not one label per example, or one factor per class.
 * @throws {DTypeError} If the target is neither integer nor of the shape of the logits.
 * @throws {RangeError} If a label is known to be no class, `labelSmoothing` is not in [0, 1], or `ignoreIndex` is given with
 * probabilities.
 * @see Szegedy et al., "Rethinking the Inception architecture", 2016, for label smoothing
 */
export function crossEntropy(logits: TensorLike, target: TensorLike, options: CrossEntropyOptions = {}): Tensor {
  checkOptions(options, crossEntropyOptions, "crossEntropy");
  const x = asFloat(logits);
  const wanted = checkTarget(x, target, options.ignoreIndex, "crossEntropy");
  return classLoss(logSoftmax(x, { axis: classAxis(x) }), wanted, options);
}

/** Options of `polyLoss`. */
export interface PolyLossOptions extends CrossEntropyOptions {
  /** How much more the first term of the series weighs than in the cross-entropy. Default 1; at least -1 for a loss that falls with p. */
  readonly epsilon?: Scalar;
}

const polyLossOptions = optionTable<PolyLossOptions>({ ...crossEntropyKinds, epsilon: scalar });

/**
 * PolyLoss (Poly-1): the cross-entropy with a first term that weighs more.
 *
 * With p the probability of the right class, the cross-entropy is -log p = (1 - p) + (1 - p)^2 / 2 + (1 - p)^3 / 3 + ...; this is
 * -log p + epsilon (1 - p).
 *
 * ```ts
 * import { item, polyLoss, tensor } from "../../mod.ts";
 * console.log(await item(polyLoss(tensor([[0, 0]]), tensor([1], { dtype: "i32" }), { epsilon: 2 }))); // 1.693...
 * ```
 *
 * @param logits [batch, classes, ...]
 * @param target Labels or probabilities, as for `crossEntropy`; of soft targets p is the expectation, the sum of target * probability.
 * @param options `epsilon`, and those of `crossEntropy`.
 * @throws {ShapeError} If there is not one label per example, or one factor per class.
 * @throws {DTypeError} If the target is neither integer nor of the shape of the logits.
 * @throws {RangeError} If a label is known to be no class.
 * @see Leng et al., "PolyLoss: a polynomial expansion perspective of classification loss functions", 2022
 */
export function polyLoss(logits: TensorLike, target: TensorLike, options: PolyLossOptions = {}): Tensor {
  checkOptions(options, polyLossOptions, "polyLoss");
  const x = asFloat(logits);
  const wanted = checkTarget(x, target, options.ignoreIndex, "polyLoss");
  const logs = logSoftmax(x, { axis: classAxis(x) });
  // expm1(log p) is p - 1, right to the last digit where p is near 1.
  return classLoss(add(logs, mul(options.epsilon ?? 1, expm1(logs))), wanted, options);
}

/** Options of `focalLoss`. */
export interface FocalLossOptions extends CrossEntropyOptions {
  /** How quickly the weight of an example falls as its probability rises, at least 0. Default 2; 0 is the cross-entropy. */
  readonly gamma?: number;
}

const focalLossOptions = optionTable<FocalLossOptions>({ ...crossEntropyKinds, gamma: real });

/**
 * The focal loss of classes: the cross-entropy with examples that are nearly right made to weigh less, -(1 - p)^gamma log p for the
 * probability p of the right class. Class factors (the paper's alpha) are `weight`. For targets of yes or no see `binaryFocalLoss`.
 *
 * ```ts
 * import { focalLoss, item, tensor } from "../../mod.ts";
 * console.log(await item(focalLoss(tensor([[0, 0]]), tensor([1], { dtype: "i32" })))); // 0.173...
 * ```
 *
 * @param logits [batch, classes, ...]
 * @param target Labels or probabilities, as for `crossEntropy`.
 * @param options `gamma`, and those of `crossEntropy`.
 * @throws {ShapeError} If there is not one label per example, or one factor per class.
 * @throws {DTypeError} If the target is neither integer nor of the shape of the logits.
 * @throws {RangeError} If a label is known to be no class, or `gamma` is negative.
 * @see Lin et al., "Focal loss for dense object detection", 2017
 */
export function focalLoss(logits: TensorLike, target: TensorLike, options: FocalLossOptions = {}): Tensor {
  checkOptions(options, focalLossOptions, "focalLoss");
  const x = asFloat(logits);
  const wanted = checkTarget(x, target, options.ignoreIndex, "focalLoss");
  const logs = logSoftmax(x, { axis: classAxis(x) });
  return classLoss(mul(focus(neg(expm1(vanishing(logs))), options.gamma), logs), wanted, options);
}
