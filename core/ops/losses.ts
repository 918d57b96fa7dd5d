/**
 * The losses: how far a prediction is from what was wanted, one number per example or element, and their mean or sum. All are made
 * of other operations.
 *
 * @module
 */
import { isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat, asTensor } from "./arguments.ts";
import { add, maximum, mul, sub } from "./binary.ts";
import { cast } from "./cast.ts";
import { eq, gt } from "./compare.ts";
import { iota, zerosLike } from "./creation.ts";
import { expandDims } from "./movement.ts";
import { logSoftmax, softplus } from "./nn.ts";
import { mean, sum } from "./reduce.ts";
import { where } from "./select.ts";
import { log, neg } from "./unary.ts";

/** How the losses of a batch become one: their mean (default), their sum, or not at all. */
export interface LossOptions {
  /** Default "mean". */
  readonly reduction?: "mean" | "sum" | "none";
}

function reduceLoss(losses: Tensor, { reduction = "mean" }: LossOptions): Tensor {
  switch (reduction) {
    case "mean":
      return mean(losses);
    case "sum":
      return sum(losses);
    case "none":
      return losses;
    default:
      throw new RangeError(`reduction must be "mean", "sum" or "none", but is ${JSON.stringify(reduction)}`);
  }
}

function checkLabels(x: Tensor, labels: TensorLike, what: string): Tensor {
  const classes = asTensor(labels);
  if (!isInteger(classes.dtype)) {
    throw new DTypeError(
      `Cannot take ${what} with labels of type ${classes.dtype}: they must be integers, use cast(labels, "i32")`,
      {
        dtype: classes.dtype,
      },
    );
  }
  const expected = x.shape.filter((_, axis) => axis !== (x.rank === 1 ? 0 : 1));
  if (x.rank === 0 || !sameShape(classes.shape, expected)) {
    throw new ShapeError(
      `Cannot take ${what} of ${showShape(x.shape)} with labels ${showShape(classes.shape)}: ` +
        `one label per example is needed, ${showShape(expected)}`,
      { shape: x.shape, labels: classes.shape },
    );
  }
  return classes;
}

/**
 * The negative log likelihood: minus the log probability of the right class.
 *
 * @param logProbabilities [batch, classes, ...], as `logSoftmax` gives them
 * @param labels Integers [batch, ...] from 0 up to, without, the number of classes
 * @throws {ShapeError} If there is not one label per example.
 * @throws {DTypeError} If the labels are not integers.
 */
export function nllLoss(logProbabilities: TensorLike, labels: TensorLike, options: LossOptions = {}): Tensor {
  const x = asFloat(logProbabilities);
  const classes = checkLabels(x, labels, "nllLoss");
  const axis = x.rank === 1 ? 0 : 1;
  const chosen = eq(iota(x.shape, axis), expandDims(cast(classes, "i32"), { axis }));
  return reduceLoss(neg(sum(where(chosen, x, zerosLike(x)), { axes: axis })), options);
}

/**
 * The cross-entropy between softmax(logits) and the labels: `logSoftmax` and `nllLoss` in one. Its gradient in the logits is
 * softmax(logits) - oneHot(labels), divided by the batch for the mean.
 *
 * ```ts
 * import { crossEntropy, item, tensor } from "../../mod.ts";
 * console.log(await item(crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: "i32" })))); // 0.693...
 * ```
 *
 * @param logits [batch, classes, ...]
 * @param labels Integers [batch, ...] from 0 up to, without, the number of classes
 * @throws {ShapeError} If there is not one label per example.
 * @throws {DTypeError} If the labels are not integers.
 */
export function crossEntropy(logits: TensorLike, labels: TensorLike, options: LossOptions = {}): Tensor {
  const x = asFloat(logits);
  checkLabels(x, labels, "crossEntropy");
  return nllLoss(logSoftmax(x, { axis: x.rank === 1 ? 0 : 1 }), labels, options);
}

function sameShapes(x: TensorLike, y: TensorLike, what: string): [Tensor, Tensor] {
  const [a, b] = [asFloat(x), asFloat(y)];
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(`Cannot take ${what} of ${showShape(a.shape)} and ${showShape(b.shape)}: the shapes must be equal`, {
      shapes: [a.shape, b.shape],
    });
  }
  return [a, b];
}

/** The mean squared error. */
export function mse(prediction: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  const [x, y] = sameShapes(prediction, target, "mse");
  const difference = sub(x, y);
  return reduceLoss(mul(difference, difference), options);
}

/**
 * The cross-entropy of probabilities against targets in [0, 1]. Logarithms are limited to -100, so that a certain and wrong
 * probability costs 100 and not infinity.
 */
export function binaryCrossEntropy(probability: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  const [p, y] = sameShapes(probability, target, "binaryCrossEntropy");
  const clamped = (x: Tensor) => {
    // The logarithm sees no 0, so that its derivative is finite where it is not chosen.
    const positive = gt(x, 0);
    return where(positive, maximum(log(where(positive, x, 1)), -100), -100);
  };
  return reduceLoss(neg(add(mul(y, clamped(p)), mul(sub(1, y), clamped(sub(1, p))))), options);
}

/** The cross-entropy of sigmoid(logits) against targets in [0, 1], right for logits of any size. */
export function binaryCrossEntropyWithLogits(logits: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  const [x, y] = sameShapes(logits, target, "binaryCrossEntropyWithLogits");
  return reduceLoss(sub(softplus(x), mul(x, y)), options);
}
