/**
 * Cuts a set of examples into batches for training, in its own order or shuffled by a key.
 *
 * @module
 */
import { aSet } from "./option_kinds.ts";
import { anyNumber, argument, checkedInside, flag, natural, whole } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { integer } from "../core/ranges.ts";
import { foldInKey } from "../core/threefry.ts";
import { randomStream } from "../core/random_stream.ts";
import { arrayBatch, isArraySet } from "./array_set.ts";
import type { ArrayBatch, Arrays, ArraySet } from "./arrays.ts";
import { type KeyLike, permutation } from "./order.ts";
import { isImageFolder } from "./images/folder_set.ts";
import { words } from "./key_words.ts";
import { firstImages, imageBytes, type ImageSet } from "./types.ts";

/** Options of `batches`. */
export interface BatchesOptions {
  /** Examples in a batch, at least 1; the last batch may have fewer. */
  readonly batchSize: number;
  /** Draw the order from this seed or key; without it examples come in the order of the set. */
  readonly shuffle?: KeyLike;
  /** The number of this pass over the data: with `shuffle`, every epoch has an order of its own. Default 0. */
  readonly epoch?: number;
  /** Leave out the last batch if it is not full. Default false. */
  readonly dropLast?: boolean;
  /** Use only the first `limit` examples of the set (chosen before shuffling). Default: all. */
  readonly limit?: number;
}

const batchesOptions = optionTable<BatchesOptions>({
  batchSize: needed(anyNumber),
  shuffle: checkedInside(),
  epoch: whole,
  dropLast: flag,
  limit: natural,
});

/** Some images of a set with their labels, in arrays of their own. */
export interface Batch {
  /** The pixels of `count` images, each 0 to 255. */
  readonly images: Uint8Array;
  /** The class of each image. */
  readonly labels: Int32Array;
  /** How many images there are. */
  readonly count: number;
  /** The shape of `images`: count, channels, height, width. */
  readonly shape: readonly [count: number, channels: number, height: number, width: number];
}

/** Batches that are made when the loop asks for them. Each `for` loop over them gives the same batches again. */
export interface Batches<B = Batch> extends Iterable<B> {
  /** How many batches there are. */
  readonly length: number;
}

/** The examples of arrays in batches. */
export function batches<F extends Arrays>(set: ArraySet<F>, options: BatchesOptions): Batches<ArrayBatch<F>>;
/**
 * The images of a set in batches. Every batch has fresh arrays, which the caller may keep or overwrite.
 *
 * @param set The images; not changed.
 * @throws {RangeError} If `batchSize` is not an integer of at least 1, or `limit` or a seed is not an integer.
 * @example
 * ```ts
 * import { batches, syntheticDigits } from "./mod.ts";
 * const { train } = syntheticDigits({ seed: 0, train: 1000, test: 0 });
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   for (const { images, labels, shape } of batches(train, { batchSize: 64, shuffle: 1, epoch, dropLast: true })) {
 *     console.log(shape, images.length, labels.length); // [64, 1, 28, 28] 50176 64
 *   }
 * }
 * ```
 */
export function batches(set: ImageSet, options: BatchesOptions): Batches;
export function batches(set: ImageSet | ArraySet, options: BatchesOptions): Batches<unknown> {
  checkOptions(options, batchesOptions, "batches");
  if (isImageFolder(set)) {
    throw new TypeError("Cannot cut an image folder into batches at once, as its files are not read yet: use loader");
  }
  argument<object>(set, aSet, "set", "batches");
  const { batchSize, shuffle, epoch = 0, dropLast = false, limit = set.count } = options;
  integer(batchSize, "batchSize");
  const chosen = isArraySet(set) ? set : firstImages(set, limit);
  const count = Math.min(limit, set.count);
  const key = shuffle === undefined ? undefined : foldInKey(words(shuffle), epoch);
  const length = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  return {
    length,
    *[Symbol.iterator]() {
      const order = key && permutation(count, randomStream(key));
      for (let i = 0; i < length; i++) {
        const [start, end] = [i * batchSize, Math.min((i + 1) * batchSize, count)];
        if (isArraySet(chosen)) yield arrayBatch(chosen, placesOf(order, start, end));
        else yield gather(chosen, order, start, end);
      }
    },
  };
}

/** Positions `start` to `end - 1` of an order. */
function placesOf(order: Uint32Array | undefined, start: number, end: number): Uint32Array {
  return order ? order.subarray(start, end) : Uint32Array.from({ length: end - start }, (_, i) => start + i);
}

/** The images at positions `start` to `end - 1` of an order, copied. */
function gather(set: ImageSet, order: Uint32Array | undefined, start: number, end: number): Batch {
  const count = end - start;
  const bytes = imageBytes(set.shape);
  const shape = [count, ...set.shape] as const;
  if (!order) {
    return {
      images: set.images.slice(start * bytes, end * bytes),
      labels: Int32Array.from(set.labels.subarray(start, end)),
      count,
      shape,
    };
  }
  const images = new Uint8Array(count * bytes);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const from = order[start + i];
    images.set(set.images.subarray(from * bytes, (from + 1) * bytes), i * bytes);
    labels[i] = set.labels[from];
  }
  return { images, labels, count, shape };
}
