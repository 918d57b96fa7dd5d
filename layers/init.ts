/**
 * How parameters start, and how layers and parameters come to their keys: by name, so that adding a stage changes no other one's numbers.
 *
 * @module
 */
import { hashOfText } from "../core/hash.ts";
import { argument, aString } from "../core/kinds.ts";
import { foldIn, type Key } from "../core/random.ts";
import type { Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { CreationOptions } from "../core/ops/creation.ts";
import type { Empty } from "./layer.ts";

/**
 * The key of the part called `name`, for layers composed by hand: it does not change when other parts are added or removed.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const key = random.key(0);
 * const query = layers.linear({ features: 8 }).init(layers.keyFor(key, "query"), [8]);
 * const value = layers.linear({ features: 8 }).init(layers.keyFor(key, "value"), [8]);
 * ```
 */
export function keyFor(key: Key, name: string): Key {
  argument(name, aString, "name", "keyFor");
  return foldIn(key, hashOfText(name) >>> 0);
}

/** The weight of a linear map, and its bias unless `bias` is false. */
export type WeightBias<B extends boolean> = B extends false ? { readonly weight: Tensor }
  : { readonly weight: Tensor; readonly bias: Tensor };

/**
 * A function that makes the initial values of a parameter from a key and a shape, f32 unless `dtype` says otherwise. Any such
 * function can be used:
 *
 * ```ts
 * import { layers, mul, random } from "../mod.ts";
 * const small: layers.Initializer = (key, shape) => mul(random.normal(key, shape), 0.01);
 * const layer = layers.linear({ features: 10, weightInit: small });
 * ```
 */
export type Initializer = (key: Key, shape: Shape, options?: CreationOptions) => Tensor;

/** How the parameters of a layer start, for its options record. */
export interface InitOptions {
  /** How the weight starts, see `initializers`. Default PyTorch's: uniform in +-1 / sqrt(fan in). */
  readonly weightInit?: Initializer;
  /** How the bias starts. Default PyTorch's: uniform in +-1 / sqrt(fan in of the weight). */
  readonly biasInit?: Initializer;
}

/** What normalisation learns: a deviation (`weight`, 1 at the start) and a mean (`bias`, 0), unless it is not `affine`. */
export type NormParams<A extends boolean = true> = A extends false ? Empty : { readonly weight: Tensor; readonly bias: Tensor };
