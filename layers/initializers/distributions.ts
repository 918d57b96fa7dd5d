/**
 * Initializers with one distribution for all shapes.
 *
 * @module
 */
import { real } from "../../core/kinds.ts";
import { checkOptions, intervalOptions, optionTable } from "../../core/options.ts";
import { defaultFloat } from "../../core/dtype.ts";
import { add, mul } from "../../core/ops/arithmetic.ts";
import { full } from "../../core/ops/creation.ts";
import { clip } from "../../core/ops/unary.ts";
import {
  type Interval,
  normal as drawNormal,
  truncatedNormal as drawTruncated,
  uniform as drawUniform,
} from "../../core/random.ts";
import { nonNegative, positive } from "../../core/ranges.ts";
import type { Initializer } from "../init.ts";
import { drawn } from "./drawn.ts";

/**
 * Every element is the given number: PyTorch's `constant_`.
 *
 * ```ts
 * import { layers, random, toArray } from "../../mod.ts";
 * console.log(await toArray(layers.initializers.constant(1)(random.key(0), [2]))); // [1, 1]
 * ```
 */
export function constant(value: number): Initializer {
  return (_, shape, { dtype = defaultFloat } = {}) => full(shape, value, { dtype });
}

/**
 * Uniform in [min, max), by default [0, 1): PyTorch's `uniform_`.
 *
 * ```ts
 * import { layers, random, toArray } from "../../mod.ts";
 * console.log(await toArray(layers.initializers.uniform({ min: -1 })(random.key(0), [2]))); // [0.895..., 0.957...]
 * ```
 */
export function uniform(interval: Interval = {}): Initializer {
  checkOptions(interval, intervalOptions, "uniform");
  return drawn((key, shape) => drawUniform(key, shape, interval));
}

/** Options of `normal`. */
export interface NormalOptions {
  /** Their mean. Default 0. */
  readonly mean?: number;
  /** Their standard deviation. Default 1. */
  readonly std?: number;
}

const normalOptions = optionTable<NormalOptions>({ mean: real, std: real });

/**
 * Normal: PyTorch's `normal_`.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * console.log(layers.initializers.normal({ std: 0.02 })(random.key(0), [50257, 768]).shape); // [50257, 768]
 * ```
 *
 * @throws {RangeError} If `std` is negative.
 */
export function normal(options: NormalOptions = {}): Initializer {
  const { mean = 0, std = 1 } = checkOptions(options, normalOptions, "normal");
  nonNegative(std, "std");
  return drawn((key, shape) => add(mul(drawNormal(key, shape), std), mean));
}

/** Options of `truncatedNormal`. */
export interface TruncatedNormalOptions extends NormalOptions {
  /** No number is smaller. Default -2. */
  readonly min?: number;
  /** No number is larger. Default 2. */
  readonly max?: number;
}

const truncatedNormalOptions = optionTable<TruncatedNormalOptions>({ mean: real, std: real, min: real, max: real });

/**
 * Normal numbers without those outside [min, max]: PyTorch's `trunc_normal_`. Mean and deviation are those before truncation.
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * const { truncatedNormal } = layers.initializers;
 * const layer = layers.linear({ features: 10, weightInit: truncatedNormal({ std: 0.02, min: -0.04, max: 0.04 }) });
 * ```
 *
 * @returns An initializer. It throws a RangeError if the bounds are farther than 4 deviations on one side of the mean.
 * @throws {RangeError} If `std` is not positive, or `min` not below `max`.
 */
export function truncatedNormal(options: TruncatedNormalOptions = {}): Initializer {
  const { mean = 0, std = 1, min = -2, max = 2 } = checkOptions(options, truncatedNormalOptions, "truncatedNormal");
  positive(std, "std");
  if (!(min < max)) throw new RangeError(`min (${min}) must be below max (${max})`);
  const bounds = { min: (min - mean) / std, max: (max - mean) / std };
  return drawn((key, shape) => clip(add(mul(drawTruncated(key, shape, bounds), std), mean), { min, max }));
}
