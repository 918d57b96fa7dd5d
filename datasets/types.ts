/**
 * What a data set is here: images and their labels in typed arrays on the host, ready to be cut into batches.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { argument } from "../core/kinds.ts";
import { quoted } from "../core/quoted.ts";
import { checkShape, showShape } from "../core/shape.ts";
import { anImageSet } from "./option_kinds.ts";

/** The shape of one image: channels, height and width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Labelled images. */
export interface ImageSet {
  /** The pixels, one image after the other, each in order of channel, row and column; 0 is black and 255 is white. */
  readonly images: Uint8Array;
  /** The class of each image, an integer from 0 to `classes - 1`. */
  readonly labels: Uint8Array;
  /** How many images there are. */
  readonly count: number;
  /** The shape of one image. */
  readonly shape: ImageShape;
  /** How many classes there are. */
  readonly classes: number;
}

/** A data set: images to train on and images to test on. */
export interface ImageDataset {
  /** What the images are, in a word or two for a report: "mnist", "synthetic digits", or the folder they came from. */
  readonly name: string;
  /** What the classes are called, in the order of their labels. */
  readonly classNames: readonly string[];
  /** Images to train on. */
  readonly train: ImageSet;
  /** Images to test on. */
  readonly test: ImageSet;
}

/**
 * Bytes in one image of a shape (one byte per pixel and channel).
 *
 * ```ts
 * import { datasets } from "../mod.ts";
 * console.log(datasets.imageBytes([3, 32, 32])); // 3072
 * ```
 */
export function imageBytes(shape: ImageShape): number {
  const [channels, height, width] = checkShape(shape, "count the bytes of an image");
  if (shape.length !== 3) {
    throw new ShapeError(`Cannot count the bytes of an image ${showShape(shape)}: it has three axes`, { shape });
  }
  return channels * height * width;
}

/**
 * The first `count` images of a set (all of them if there are fewer). The arrays are views, nothing is copied.
 *
 * ```ts
 * import { datasets } from "../mod.ts";
 * const { train } = datasets.syntheticDigits({ train: 100, test: 0 });
 * console.log(datasets.firstImages(train, 10).count); // 10
 * ```
 *
 * @throws {RangeError} If `count` is not an integer of at least 0.
 */
export function firstImages(set: ImageSet, count: number): ImageSet {
  argument<object>(set, anImageSet, "set", "firstImages");
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`Cannot take the first ${quoted(count)} images: the count must be an integer of at least 0`);
  }
  if (count >= set.count) return set;
  return {
    ...set,
    images: set.images.subarray(0, count * imageBytes(set.shape)),
    labels: set.labels.subarray(0, count),
    count,
  };
}
