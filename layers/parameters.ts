/**
 * How layers make their parameters.
 *
 * @module
 */
import { refusePromises } from "../core/tree.ts";
import { quoted } from "../core/quoted.ts";
import { ShapeError } from "../core/errors.ts";
import type { Key } from "../core/random.ts";
import { sameShape, type Shape, showShape, sizeOf } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { uniform } from "./initializers/mod.ts";
import { type Initializer, type InitOptions, keyFor, type NormParams, type WeightBias } from "./init.ts";
import type { Empty } from "./layer.ts";
import { ones, zeros } from "../core/ops/creation.ts";

/** A record with nothing in it: the parameters or state of a layer that has none. */
export const empty: Empty = Object.freeze({});

/**
 * Weight and bias of a linear map. Without other wishes they start as in PyTorch's linear layers and convolutions, uniform in
 * +-1 / sqrt(fan in), where fan in is the number of inputs that one output sees.
 *
 * @param shape [outputs, ...inputs of one output]
 * @param options `outputs`: how many numbers the bias has, if not as many as the first axis of the weight.
 * @throws {ShapeError} If an initializer gives another shape than it was asked for.
 * @see He et al., "Delving deep into rectifiers", 2015, with PyTorch's gain (a = sqrt 5)
 */
export function weightBias<B extends boolean>(
  key: Key,
  shape: Shape,
  bias: B,
  { weightInit, biasInit, outputs = shape[0] }: InitOptions & { readonly outputs?: number } = {},
): WeightBias<B> {
  // No inputs: nothing to scale, and 1 / 0 would not be a bound.
  const bound = 1 / Math.sqrt(Math.max(1, sizeOf(shape.slice(1))));
  const standard = uniform({ min: -bound, max: bound });
  const weight = parameter(key, "weight", shape, weightInit ?? standard);
  if (!bias) return { weight } as WeightBias<B>;
  return { weight, bias: parameter(key, "bias", [outputs], biasInit ?? standard) } as WeightBias<B>;
}

/** The parameter called `name` as an initializer starts it. */
export function parameter(key: Key, name: string, shape: Shape, initializer: Initializer): Tensor {
  const start = initializer(keyFor(key, name), shape);
  if (!(start instanceof Tensor)) {
    refusePromises(start, "start parameters with");
    throw new TypeError(`Cannot start ${name} with what its initializer gave: ${quoted(start)}, it must be a tensor`);
  }
  if (sameShape(start.shape, shape)) return start;
  throw new ShapeError(
    `Cannot start ${name} ${showShape(shape)} with what its initializer gave: a tensor of shape ${showShape(start.shape)}`,
    { expected: shape, shape: start.shape },
  );
}

/** Whether there is a bias beside the weight. */
export function hasBias(params: { readonly weight: Tensor }): params is WeightBias<true> {
  return "bias" in params;
}

/** The parameters of a normalisation, of a shape, as they start. */
export function normParams<A extends boolean>(affine: A, shape: Shape): NormParams<A> {
  return (affine ? { weight: ones(shape), bias: zeros(shape) } : empty) as NormParams<A>;
}
