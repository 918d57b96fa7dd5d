/**
 * Parts of a set: some of its images, and two parts that together are the whole, to train on one and to judge by the other.
 *
 * @module
 */
import { quoted } from "../core/quoted.ts";
import { aDividableSet } from "./option_kinds.ts";
import { anyNumber, argument, arrayLike, checkedInside, flag } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { foldInKey } from "../core/threefry.ts";
import { randomStream } from "../core/random_stream.ts";
import { gatherArrays, isArraySet } from "./array_set.ts";
import type { Arrays, ArraySet } from "./arrays.ts";
import { type KeyLike, permutation } from "./order.ts";
import { filesAt, isImageFolder } from "./images/folder_set.ts";
import type { ImageFolder } from "./images/types.ts";
import { words } from "./key_words.ts";
import { imageBytes, type ImageSet } from "./types.ts";

/** A set that is cut into parts. */
type AnySet = ImageSet | ArraySet | ImageFolder;

/** The examples at some indices of arrays, copied. */
export function subset<F extends Arrays>(set: ArraySet<F>, indices: ArrayLike<number>): ArraySet<F>;
/** The files at some indices of an image folder. */
export function subset(set: ImageFolder, indices: ArrayLike<number>): ImageFolder;
/**
 * The images at some indices of a set, copied, in the order of the indices (which may repeat).
 *
 * @throws {RangeError} If an index is not in the set.
 * @example
 * ```ts
 * import { subset, syntheticDigits } from "./mod.ts";
 * const { train } = syntheticDigits({ train: 100, test: 0 });
 * const even = subset(train, Array.from({ length: 50 }, (_, i) => 2 * i));
 * console.log(even.count, even.labels[1] === train.labels[2]); // 50 true
 * ```
 */
export function subset(set: ImageSet, indices: ArrayLike<number>): ImageSet;
export function subset(set: AnySet, indices: ArrayLike<number>): AnySet {
  argument<object>(set, aDividableSet, "set", "subset");
  argument(indices, arrayLike, "indices", "subset");
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    if (!Number.isInteger(from) || from < 0 || from >= set.count) {
      throw new RangeError(
        `Cannot take example ${quoted(from)} of ${set.count}: indices are integers from 0 to ${set.count - 1}`,
      );
    }
  }
  if (isImageFolder(set)) return filesAt(set, indices);
  if (isArraySet(set)) return { ...set, arrays: gatherArrays(set, indices), count: indices.length };
  const bytes = imageBytes(set.shape);
  const images = new Uint8Array(indices.length * bytes);
  const labels = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    images.set(set.images.subarray(from * bytes, (from + 1) * bytes), i * bytes);
    labels[i] = set.labels[from];
  }
  return { ...set, images, labels, count: indices.length };
}

/** Options of `split`. Either `fraction` or `count` says how large the second part is. */
export type SplitOptions =
  & (
    | {
      /** The share of the second part, in [0, 1]; its size is rounded to the nearest integer. */
      readonly fraction: number;
      readonly count?: undefined;
    }
    | {
      /** How many images the second part has. */
      readonly count: number;
      readonly fraction?: undefined;
    }
  )
  & {
    /** Which images go where is drawn from this seed or key. */
    readonly key: KeyLike;
    /** Draw from each class its share, so that both parts have the classes in the proportions of the set. Default false. */
    readonly stratify?: boolean;
  };

const splitOptions = optionTable<
  { readonly fraction?: number; readonly count?: number; readonly key: KeyLike; readonly stratify?: boolean }
>({ fraction: anyNumber, count: anyNumber, key: needed(checkedInside()), stratify: flag });

/** Two parts of arrays; the classes of `stratify` are the numbers of the array `labels`. */
export function split<F extends Arrays>(set: ArraySet<F>, options: SplitOptions): readonly [ArraySet<F>, ArraySet<F>];
/** Two parts of an image folder. */
export function split(set: ImageFolder, options: SplitOptions): readonly [ImageFolder, ImageFolder];
/**
 * Two parts of a set, copied: every image is in one of them. Images keep their order; which part they are in is drawn by the key.
 *
 * With `stratify` the second part has of every class its share of the class, rounded down or up so that the sum is right.
 *
 * @returns `[first, second]`: what to train on, and what to validate by.
 * @throws {RangeError} If the second part would be smaller than nothing or larger than the set, or its size is not whole.
 * @example
 * ```ts
 * import { split, syntheticDigits } from "./mod.ts";
 * const digits = syntheticDigits({ train: 1000, test: 0 });
 * const [train, validation] = split(digits.train, { fraction: 0.1, key: 0, stratify: true });
 * console.log(train.count, validation.count); // 900 100
 * ```
 */
export function split(set: ImageSet, options: SplitOptions): readonly [ImageSet, ImageSet];
export function split(set: AnySet, options: SplitOptions): readonly [AnySet, AnySet] {
  checkOptions(options, splitOptions, "split");
  argument<object>(set, aDividableSet, "set", "split");
  const { key, stratify = false } = options;
  const size = secondSize(set, options);
  const base = words(key);
  const chosen = new Uint8Array(set.count);
  if (stratify) {
    const groups = placesByClass(set);
    const sizes = apportion(groups.map(({ length }) => length), size);
    groups.forEach((indices, label) => choose(chosen, indices, sizes[label], foldInKey(base, label)));
  } else {
    choose(chosen, Uint32Array.from({ length: set.count }, (_, i) => i), size, base);
  }
  const part = (which: number) => Uint32Array.from({ length: set.count }, (_, i) => i).filter((index) => chosen[index] === which);
  return [subset(set as ImageSet, part(0)), subset(set as ImageSet, part(1))];
}

function secondSize(set: { readonly count: number }, { fraction, count }: SplitOptions): number {
  if (fraction !== undefined && count !== undefined) {
    throw new RangeError(`Cannot split a set by a fraction (${fraction}) and a count (${count}): give one of them`);
  }
  const size = count ?? Math.round(fraction * set.count);
  if ((fraction === undefined || (fraction >= 0 && fraction <= 1)) && Number.isInteger(size) && size >= 0 && size <= set.count) {
    return size;
  }
  const [what, range] = count === undefined
    ? [`a fraction of ${fraction}`, "the fraction must be in [0, 1]"]
    : [`${count} examples`, `the count must be an integer from 0 to ${set.count}`];
  throw new RangeError(`Cannot split ${what} from ${set.count} examples: ${range}`);
}

/** Marks `size` of some indices, drawn by a key. */
function choose(chosen: Uint8Array, indices: Uint32Array | readonly number[], size: number, key: KeyLike): void {
  const order = permutation(indices.length, randomStream(words(key)));
  for (let i = 0; i < size; i++) chosen[indices[order[i]]] = 1;
}

/** The indices of the examples of each class. */
function placesByClass(set: AnySet): number[][] {
  const labels = isArraySet(set) ? set.arrays.labels : set.labels;
  if (labels === undefined || labels.length !== set.count) {
    throw new TypeError("Cannot split by classes: the set has no array labels with one number per example");
  }
  const groups = new Map<number, number[]>(isArraySet(set) ? [] : Array.from({ length: set.classes }, (_, label) => [label, []]));
  labels.forEach((label, index) => {
    const group = groups.get(label);
    if (group) group.push(index);
    else groups.set(label, [index]);
  });
  return [...groups].sort(([a], [b]) => a - b).map(([, places]) => places);
}

/** Whole shares of `total`, proportional to `sizes`: rounded down, and then those with the largest remainders one more. */
function apportion(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (all === 0) return sizes.map(() => 0);
  const shares = sizes.map((size) => Math.floor(size * total / all));
  const missing = total - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = sizes.map((_, i) => i).sort((a, b) => (sizes[b] * total) % all - (sizes[a] * total) % all || a - b);
  for (const i of byRemainder.slice(0, missing)) shares[i]++;
  return shares;
}
