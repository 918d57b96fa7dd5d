/**
 * Functions of neural networks that are made of other operations: activations, softmax, losses. They have no rules of their own.
 *
 * @module
 */
import { isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { normalizeAxis, sameShape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat, asTensor } from "./arguments.ts";
import { add, div, maximum, mul, sub } from "./binary.ts";
import { cast, stopGradient } from "./cast.ts";
import { eq, gt } from "./compare.ts";
import { iota, zerosLike } from "./creation.ts";
import { expandDims, reshape } from "./movement.ts";
import { max, mean, sum } from "./reduce.ts";
import { where } from "./select.ts";
import { erf, exp, expm1, log, log1p, neg, relu, sigmoid, tanh } from "./unary.ts";

/** x if it is positive, else `slope` (default 0.01) times x. */
export function leakyRelu(x: TensorLike, { slope = 0.01 }: { readonly slope?: number } = {}): Tensor {
  const tensor = asFloat(x);
  return where(gt(tensor, 0), tensor, mul(tensor, slope));
}

/** x if it is positive, else `alpha` (default 1) times exp(x) - 1. */
export function elu(x: TensorLike, { alpha = 1 }: { readonly alpha?: number } = {}): Tensor {
  const tensor = asFloat(x);
  const positive = gt(tensor, 0);
  // exp sees no large argument, so that its derivative is finite where it is not chosen.
  return where(positive, tensor, mul(alpha, expm1(where(positive, 0, tensor))));
}

/** x times sigmoid(x), also called swish. */
export function silu(x: TensorLike): Tensor {
  const tensor = asFloat(x);
  return mul(tensor, sigmoid(tensor));
}

/** log(1 + exp(x)), without overflow. */
export function softplus(x: TensorLike): Tensor {
  const tensor = asFloat(x);
  // -|x|, but such that the derivatives of both terms at 0 are taken from the same side.
  const small = where(gt(tensor, 0), neg(tensor), tensor);
  return add(relu(tensor), log1p(exp(small)));
}

/**
 * x times the probability that a normal variable is below x; `approximate` uses tanh as the first paper does.
 *
 * @see Hendrycks and Gimpel, "Gaussian error linear units", 2016
 */
export function gelu(x: TensorLike, { approximate = false }: { readonly approximate?: boolean } = {}): Tensor {
  const tensor = asFloat(x);
  const inner = approximate
    ? tanh(mul(Math.sqrt(2 / Math.PI), add(tensor, mul(0.044715, mul(tensor, mul(tensor, tensor))))))
    : erf(mul(tensor, Math.SQRT1_2));
  return mul(mul(0.5, tensor), add(1, inner));
}

/** Along which axis to normalise; default the last. */
export interface AxisOptions {
  /** Negative ones count from the back. */
  readonly axis?: number;
}

function shifted(x: Tensor, axis: number): Tensor {
  // The shift cancels out of value and derivative.
  return sub(x, stopGradient(max(x, { axes: axis, keepDims: true })));
}

/**
 * exp(x) divided by its sum along an axis: positive numbers that sum to 1. Logits of any size are fine.
 *
 * ```ts
 * import { softmax, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(softmax(tensor([10000, 10000])))); // [0.5, 0.5]
 * ```
 */
export function softmax(x: TensorLike, { axis = -1 }: AxisOptions = {}): Tensor {
  const tensor = asFloat(x);
  const weights = exp(shifted(tensor, normalizeAxis(axis, tensor.rank, "softmax")));
  return div(weights, sum(weights, { axes: axis, keepDims: true }));
}

/** The logarithm of softmax, computed without it, so that it is right for logits of 1e4. */
export function logSoftmax(x: TensorLike, { axis = -1 }: AxisOptions = {}): Tensor {
  const tensor = asFloat(x);
  const shift = shifted(tensor, normalizeAxis(axis, tensor.rank, "logSoftmax"));
  return sub(shift, log(sum(exp(shift), { axes: axis, keepDims: true })));
}

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

/**
 * A vector of 0 with a 1 at each label's place.
 *
 * @returns [..., classes], f32
 */
export function oneHot(labels: TensorLike, classes: number): Tensor {
  const tensor = asTensor(labels);
  const shape = [...tensor.shape, classes];
  return cast(eq(iota(shape, tensor.rank), reshape(cast(tensor, "i32"), [...tensor.shape, 1])), "f32");
}
