/**
 * Bytes to fractions, and fractions to numbers around 0.
 *
 * @module
 */
import { normalizeOptions } from "../option_kinds.ts";
import { quoted } from "../../core/quoted.ts";
import { argument, tensors } from "../../core/kinds.ts";
import { checkOptions } from "../../core/options.ts";
import { div, sub } from "../../core/ops/arithmetic.ts";
import { cast } from "../../core/ops/cast.ts";
import { defaultFloat, isFloat } from "../../core/dtype.ts";
import { DTypeError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { FixedTransform } from "./transform.ts";
import { byteType, onBatch, perChannel } from "./batch.ts";

/**
 * Bytes as fractions: u8 from 0 to 255 becomes f32 from 0 to 1. Floating images stay unchanged.
 *
 * @throws {DTypeError} If the images are of another type.
 * @example
 * ```ts
 * import { datasets, tensor, toArray } from "../../mod.ts";
 * const image = tensor(Uint8Array.of(0, 51, 255), { shape: [1, 1, 3] });
 * console.log(await toArray(datasets.transforms.toTensor(image))); // [[[0, 0.2, 1]]]
 * ```
 */
export function toTensor(images: Tensor): Tensor {
  argument(images, tensors, "images", "toTensor");
  if (isFloat(images.dtype)) return images;
  if (images.dtype === byteType) return div(cast(images, defaultFloat), 255);
  throw new DTypeError(`Cannot make fractions of images of type ${images.dtype}: ${byteType} is needed`, { dtype: images.dtype });
}

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** What to subtract: one number, or one for each channel. */
  readonly mean: number | readonly number[];
  /** What to divide by: one number, or one for each channel. */
  readonly std: number | readonly number[];
}

/**
 * Subtracts a mean and divides by a deviation: (x - mean) / std.
 *
 * @throws {RangeError} If a deviation is 0, or a number is not finite.
 * @throws {DTypeError} When it is applied: if the images have no fractions (apply `toTensor` before).
 * @throws {ShapeError} When it is applied: if there are not as many numbers as channels.
 * @example
 * ```ts
 * import { datasets, full, toArray } from "../../mod.ts";
 * const normalize = datasets.transforms.normalize({ mean: 0.5, std: 0.25 });
 * console.log(await toArray(normalize(full([1, 1, 2], 1)))); // [[[2, 2]]]
 * ```
 */
export function normalize(options: NormalizeOptions): FixedTransform {
  const { mean, std } = checkOptions(options, normalizeOptions, "normalize");
  for (const value of [mean, std].flatMap((each) => typeof each === "number" ? [each] : Array.from(each))) {
    if (!Number.isFinite(value)) throw new RangeError(`Cannot normalize with ${quoted(value)}: mean and std must be finite`);
  }
  if ([std].flat().includes(0)) throw new RangeError("Cannot normalize with a std of 0: nothing can be divided by it");
  return (images) =>
    onBatch(images, "normalize", (batch) => {
      if (!isFloat(batch.dtype)) {
        throw new DTypeError(`Cannot normalize images of type ${batch.dtype}: make fractions of them first, with toTensor`, {
          dtype: batch.dtype,
        });
      }
      return div(sub(batch, perChannel(mean, "mean", batch)), perChannel(std, "std", batch));
    });
}
