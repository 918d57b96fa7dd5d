/**
 * Pooling layers: the operations of the same names, with their options fixed.
 *
 * @module
 */
import { checkOptions } from "../core/options.ts";
import {
  adaptiveAvgPool2d as adaptiveAverage,
  adaptiveMaxPool2d as adaptiveLargest,
  globalAvgPool2d as globalAverage,
  type GlobalPoolOptions,
  globalPoolOptions,
} from "../core/ops/adaptive_pool.ts";
import {
  avgPool1d as averageSignals,
  type AvgPool1dOptions,
  avgPool2d as averageImages,
  type AvgPool2dOptions,
  avgPoolOptions,
  maxPool1d as largestOfSignals,
  type MaxPool1dOptions,
  maxPool2d as largestOfImages,
  type MaxPool2dOptions,
  maxPoolOptions,
} from "../core/ops/pool.ts";
import { type Pair, pair } from "../core/ops/window.ts";
import type { Layer } from "./layer.ts";
import { fromFunction } from "./from_function.ts";

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
  checkOptions(options, maxPoolOptions, "maxPool2d");
  return fromFunction((x) => largestOfImages(x, options), "maxPool2d");
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
  checkOptions(options, avgPoolOptions, "avgPool2d");
  return fromFunction((x) => averageImages(x, options), "avgPool2d");
}

/**
 * The largest element of every window of signals.
 *
 * Input [batch, channels, length], output the same with length (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.maxPool1d({ kernel: 4 }).init(random.key(0), [8, 100]).output); // [8, 25]
 * ```
 *
 * @throws {RangeError} From `init` and `apply`, if an option is out of its range.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is shorter than the window.
 */
export function maxPool1d(options: MaxPool1dOptions): Layer {
  checkOptions(options, maxPoolOptions, "maxPool1d");
  return fromFunction((x) => largestOfSignals(x, options), "maxPool1d");
}

/**
 * The mean of every window of signals.
 *
 * Input [batch, channels, length], output the same with length (in + 2 padding - kernel) / stride + 1.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.avgPool1d({ kernel: 4 }).init(random.key(0), [8, 100]).output); // [8, 25]
 * ```
 *
 * @throws {RangeError} From `init` and `apply`, if an option is out of its range.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes or is shorter than the window.
 */
export function avgPool1d(options: AvgPool1dOptions): Layer {
  checkOptions(options, avgPoolOptions, "avgPool1d");
  return fromFunction((x) => averageSignals(x, options), "avgPool1d");
}

/**
 * The means of windows, one for each element of the output: images of any size become images of the given size.
 *
 * Input [batch, channels, height, width], output [batch, channels, ...size].
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.adaptiveAvgPool2d([3, 5]).init(random.key(0), [8, 32, 32]).output); // [8, 3, 5]
 * ```
 *
 * @param size Of the output: a number for both axes, or [height, width].
 * @throws {RangeError} If the size is not integers of at least 1.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes.
 */
export function adaptiveAvgPool2d(size: Pair): Layer {
  pair(size, "size", 1);
  return fromFunction((x) => adaptiveAverage(x, size), "adaptiveAvgPool2d");
}

/**
 * The largest elements of windows, one for each element of the output: images of any size become images of the given size.
 *
 * Input [batch, channels, height, width], output [batch, channels, ...size].
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.adaptiveMaxPool2d(7).init(random.key(0), [8, 32, 32]).output); // [8, 7, 7]
 * ```
 *
 * @param size Of the output: a number for both axes, or [height, width].
 * @throws {RangeError} If the size is not integers of at least 1.
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes.
 */
export function adaptiveMaxPool2d(size: Pair): Layer {
  pair(size, "size", 1);
  return fromFunction((x) => adaptiveLargest(x, size), "adaptiveMaxPool2d");
}

/**
 * The mean of every channel.
 *
 * Input [batch, channels, height, width], output [batch, channels], or [batch, channels, 1, 1] with `keepDims`.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.globalAvgPool2d().init(random.key(0), [10, 5, 5]).output); // [10]
 * ```
 *
 * @throws {ShapeError} From `init` and `apply`, if the input has not the right axes.
 */
export function globalAvgPool2d(options: GlobalPoolOptions = {}): Layer {
  checkOptions(options, globalPoolOptions, "globalAvgPool2d");
  return fromFunction((x) => globalAverage(x, options), "globalAvgPool2d");
}
