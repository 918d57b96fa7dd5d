/**
 * Pooling layers: the operations of the same names, with their options fixed.
 *
 * @module
 */
import {
  avgPool2d as averagePool,
  type AvgPool2dOptions,
  maxPool2d as largestPool,
  type MaxPool2dOptions,
} from "../core/ops/pool.ts";
import { fromFunction, type Layer } from "./layer.ts";

/**
 * The largest element of every window.
 *
 * Input [batch, channels, height, width], output the same with height and width (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.maxPool2d({ kernel: 2 }).init(random.key(0), [10, 24, 24]).output); // [10, 12, 12]
 * ```
 *
 * @throws {RangeError} From `init` and `apply`, if an option is out of its range.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is smaller than the window.
 */
export function maxPool2d(options: MaxPool2dOptions): Layer {
  return fromFunction((x) => largestPool(x, options), "maxPool2d");
}

/**
 * The mean of every window.
 *
 * Input [batch, channels, height, width], output the same with height and width (in + 2 padding - kernel) / stride + 1.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.avgPool2d({ kernel: 3, stride: 2, padding: 1 }).init(random.key(0), [8, 32, 32]).output); // [8, 16, 16]
 * ```
 *
 * @throws {RangeError} From `init` and `apply`, if an option is out of its range.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is smaller than the window.
 */
export function avgPool2d(options: AvgPool2dOptions): Layer {
  return fromFunction((x) => averagePool(x, options), "avgPool2d");
}
