/**
 * Pooling to a given size: the windows are worked out from the sizes of input and output.
 *
 * Of `out` windows over `in` elements the i-th goes from floor(i in / out) up to ceil((i + 1) in / out). Where that does not divide evenly,
 * the windows differ in length by one or two and overlap; then their elements are gathered side by side, each window as long as the
 * longest, which makes ordinary windows of them.
 *
 * @module
 */
import { flag } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { checkBytes, hostArrayOf, indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { div } from "./arithmetic.ts";
import { lt } from "./compare.ts";
import { iota } from "./creation.ts";
import { fromHost } from "./from_values.ts";
import { reshape } from "./reshape.ts";
import { maxPool2d } from "./pool.ts";
import { mean } from "./reduce.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { take } from "./take.ts";
import { imageAxes, type Pair, pair, type Two } from "./window.ts";

/**
 * The means of windows, one for each element of the output: images of any size become images of the given size.
 *
 * ```ts
 * import { adaptiveAvgPool2d, tensor, toArray, zeros } from "../../mod.ts";
 * console.log(adaptiveAvgPool2d(zeros([1, 256, 13, 13]), 6).shape); // [1, 256, 6, 6]
 * console.log(await toArray(adaptiveAvgPool2d(tensor([[[[1, 2, 3]]]]), [1, 2]))); // [[[[1.5, 2.5]]]]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param size Of the output: a number for both axes, or [height, width].
 * @throws {ShapeError} If x does not have four axes, or an image has no elements.
 * @throws {RangeError} If the size is not integers of at least 1.
 * @throws {OutOfMemoryError} If the result would be too large for memory.
 */
export function adaptiveAvgPool2d(x: TensorLike, size: Pair): Tensor {
  const images = asFloat(x);
  const [n, c, h, w] = filledImages(images, "adaptiveAvgPool2d");
  const [oh, ow] = outputSize(size, images);
  if (h % oh === 0 && w % ow === 0) return mean(reshape(images, [n, c, oh, h / oh, ow, w / ow]), { axis: [3, 5] });
  return meansAlong(meansAlong(images, 2, oh), 3, ow);
}

/**
 * The largest elements of windows, one for each element of the output: images of any size become images of the given size. A
 * window with a NaN gives NaN; of equal elements the first gets the derivative.
 *
 * ```ts
 * import { adaptiveMaxPool2d, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(adaptiveMaxPool2d(tensor([[[[1, 3, 2]]]]), [1, 2]))); // [[[[3, 3]]]]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param size Of the output: a number for both axes, or [height, width].
 * @throws {ShapeError} If x does not have four axes, or an image has no elements.
 * @throws {RangeError} If the size is not integers of at least 1.
 * @throws {OutOfMemoryError} If the result would be too large for memory.
 */
export function adaptiveMaxPool2d(x: TensorLike, size: Pair): Tensor {
  const images = asFloat(x);
  const [n, c, h, w] = filledImages(images, "adaptiveMaxPool2d");
  const [oh, ow] = outputSize(size, images);
  const [rows, columns] = [windowsOf(h, oh), windowsOf(w, ow)];
  const gathered = gather(gather(images, 2, rows), 4, columns);
  // What fills a window up repeats an element that came before, so it is never the first of the largest.
  return maxPool2d(reshape(gathered, [n, c, oh * rows.length, ow * columns.length]), { kernel: [rows.length, columns.length] });
}

/** Options of `globalAvgPool2d`. */
export interface GlobalPoolOptions {
  /** Whether height and width stay, with extent 1. Default false. */
  readonly keepDims?: boolean;
}

export const globalPoolOptions = optionTable<GlobalPoolOptions>({ keepDims: flag });

/**
 * The mean of every channel of every image: the layer before the classifier of many networks.
 *
 * ```ts
 * import { globalAvgPool2d, zeros } from "../../mod.ts";
 * console.log(globalAvgPool2d(zeros([1, 10, 5, 5])).shape); // [1, 10]
 * console.log(globalAvgPool2d(zeros([1, 10, 5, 5]), { keepDims: true }).shape); // [1, 10, 1, 1]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @returns [batch, channels]
 * @throws {ShapeError} If x does not have four axes, or an image has no elements.
 */
export function globalAvgPool2d(x: TensorLike, options: GlobalPoolOptions = {}): Tensor {
  const { keepDims } = checkOptions(options, globalPoolOptions, "globalAvgPool2d");
  const images = asFloat(x);
  filledImages(images, "globalAvgPool2d");
  return mean(images, { axis: [2, 3], keepDims });
}

/** The size of the output, for images that there is memory for. */
function outputSize(size: Pair, images: Tensor): Two {
  const out = pair(size, "size", 1, Infinity);
  checkBytes(images.dtype, images.shape[0] * images.shape[1] * out[0] * out[1]);
  return out;
}

function filledImages(x: Tensor, what: string): ReturnType<typeof imageAxes> {
  const axes = imageAxes(x.shape, what);
  if (axes[2] > 0 && axes[3] > 0) return axes;
  throw new ShapeError(`Cannot apply ${what} to input ${showShape(x.shape)}: there is no element in it`, { shape: x.shape });
}

/** The windows along one axis. */
interface Windows {
  readonly extent: number;
  readonly out: number;
  /** How many elements window i has. */
  readonly count: (i: number) => number;
  /** The largest of these numbers. */
  readonly length: number;
}

function windowsOf(extent: number, out: number): Windows {
  const count = (i: number) => Math.ceil((i + 1) * extent / out) - Math.floor(i * extent / out);
  let length = 0;
  for (let i = 0; i < out; i++) length = Math.max(length, count(i));
  return { extent, out, count, length };
}

/** The axis made two: the windows, and the elements of each, the last one repeated where there are fewer. */
function gather(x: Tensor, axis: number, { extent, out, count, length }: Windows): Tensor {
  const shape = [out, length];
  if (extent % out === 0) return reshape(x, [...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)]);
  const index = (at: number) => {
    const i = Math.floor(at / length);
    return Math.floor(i * extent / out) + Math.min(at % length, count(i) - 1);
  };
  return take(x, fromHost(hostArrayOf(indexType, out * length, index), shape, indexType), { axis });
}

function meansAlong(x: Tensor, axis: 2 | 3, out: number): Tensor {
  const windows = windowsOf(x.shape[axis], out);
  const { count, length } = windows;
  const behind = axis === 2 ? [1] : [];
  const counts = fromHost(hostArrayOf(x.dtype, out, count), [out, 1, ...behind], x.dtype);
  const counted = lt(iota([out, length, ...behind], 1), counts);
  // Chosen, not multiplied by 0: that would spread infinities.
  const chosen = where(counted, gather(x, axis, windows), 0);
  return div(sum(chosen, { axis: axis + 1 }), reshape(counts, [out, ...behind]));
}
