/**
 * How parameters start, and how layers and parameters come to their keys: by name, so that adding a stage changes no other one's numbers.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { foldIn, type Key } from "../core/random.ts";
import { sameShape, type Shape, showShape, sizeOf } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Initializer, uniform } from "./initializers.ts";

/** The 32-bit FNV-1a hash of a name's UTF-8 bytes. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The key of the part called `name`, for layers made of others by hand: its numbers stay when other parts come and go.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const key = random.key(0);
 * const query = layers.linear({ features: 8 }).init(layers.keyFor(key, "query"), [8]);
 * const value = layers.linear({ features: 8 }).init(layers.keyFor(key, "value"), [8]);
 * ```
 */
export function keyFor(key: Key, name: string): Key {
  return foldIn(key, hashName(name));
}

/** The weight of a linear map, and its bias unless there is to be none. */
export type WeightBias<B extends boolean> = B extends false ? { readonly weight: Tensor }
  : { readonly weight: Tensor; readonly bias: Tensor };

/** How the parameters of a layer start, for its options record. */
export interface InitOptions {
  /** How the weight starts, see `initializers`. Default PyTorch's: uniform in +-1 / sqrt(fan in). */
  readonly weightInit?: Initializer;
  /** How the bias starts. Default PyTorch's: uniform in +-1 / sqrt(fan in of the weight). */
  readonly biasInit?: Initializer;
}

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
