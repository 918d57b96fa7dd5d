/**
 * Functions of neural networks that are made of other operations: activations, softmax, one-hot vectors. They have no rules of their own.
 *
 * @module
 */
import { normalizeAxis } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat, asTensor } from "./arguments.ts";
import { add, div, mul, sub } from "./binary.ts";
import { cast, stopGradient } from "./cast.ts";
import { eq, gt } from "./compare.ts";
import { iota } from "./creation.ts";
import { reshape } from "./movement.ts";
import { max, sum } from "./reduce.ts";
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
