/**
 * The part of a set that one of several processes trains on.
 *
 * @module
 */
import { aDividableSet } from "./option_kinds.ts";
import { argument, checkedInside, natural, oneOf } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { integer } from "../core/ranges.ts";
import { randomStream } from "../core/random_stream.ts";
import { foldInKey } from "../core/threefry.ts";
import type { Arrays, ArraySet } from "./arrays.ts";
import type { ImageFolder } from "./images/types.ts";
import { words } from "./key_words.ts";
import { type KeyLike, permutation } from "./order.ts";
import { subset } from "./split.ts";
import type { ImageSet } from "./types.ts";

/** Options of `shard`. */
export interface ShardOptions {
  /** The number of the process, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** Draw the order from this seed or key, the same on all processes; without it examples come in the order of the set. */
  readonly key?: KeyLike;
  /** The number of this pass over the data: with `key`, every epoch has an order of its own. Default 0. */
  readonly epoch?: number;
  /**
   * What becomes of the last examples, if they do not suffice for all processes: "drop" leaves them out, "repeat" lets the first ones be
   * seen again, "keep" gives some processes one more. Default "drop": all have equally many, and no example counts twice.
   */
  readonly tail?: "drop" | "repeat" | "keep";
}

const shardOptions = optionTable<ShardOptions>({
  rank: needed(natural),
  size: needed(natural),
  key: checkedInside(),
  epoch: natural,
  tail: oneOf("drop", "repeat", "keep"),
});

/** The part of arrays for one process. */
export function shard<F extends Arrays>(set: ArraySet<F>, options: ShardOptions): ArraySet<F>;
/** The part of an image folder for one process. */
export function shard(set: ImageFolder, options: ShardOptions): ImageFolder;
/**
 * The part of a set for one of several processes, copied: of the set in the order that the key draws every `size`-th example, from number
 * `rank` on. The parts have no example in common and are the whole set together (but for the tail). Batches of n / size examples of all
 * processes together are the batches of n examples that one process alone would have.
 *
 * @throws {RangeError} If `rank` is not below `size`, or the parts would be empty.
 * @example
 * ```ts
 * import { batches, shard, syntheticDigits } from "./mod.ts";
 * const { train } = syntheticDigits({ train: 1001, test: 0 });
 * const part = shard(train, { rank: 0, size: 2, key: 7, epoch: 3 });
 * console.log(part.count); // 500
 * for (const { images } of batches(part, { batchSize: 32 })) images; // those of this process, out of 64
 * ```
 */
export function shard(set: ImageSet, options: ShardOptions): ImageSet;
export function shard(set: ImageSet | ArraySet | ImageFolder, options: ShardOptions): ImageSet | ArraySet | ImageFolder {
  const { rank, size, key, epoch = 0, tail = "drop" } = checkOptions(options, shardOptions, "shard");
  argument<object>(set, aDividableSet, "set", "shard");
  integer(size, "size");
  const { count } = set;
  if (rank >= size) throw new RangeError(`Cannot take part ${rank} of ${size}: parts are numbered from 0`);
  if (count < size && tail !== "keep") {
    throw new RangeError(`Cannot share ${count} examples among ${size} processes with tail "${tail}": each needs one`);
  }
  const order = key === undefined ? undefined : permutation(count, randomStream(foldInKey(words(key), epoch)));
  const length = tail === "drop" ? Math.floor(count / size) : Math.ceil((tail === "keep" ? count - rank : count) / size);
  const indices = Uint32Array.from({ length }, (_, i) => {
    const position = (rank + i * size) % count;
    return order ? order[position] : position;
  });
  return subset(set as ImageSet, indices);
}
