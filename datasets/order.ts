/**
 * Orders drawn by a key on the host.
 *
 * @module
 */
import { integer } from "../core/ranges.ts";
import { argument, type Kind, kindOf } from "../core/kinds.ts";
import type { RandomStream } from "../core/random_stream.ts";
import type { Words } from "../core/words.ts";

/** The source of random numbers on the host: a seed, which is an integer, or the two words of a key. */
export type KeyLike = number | Words;

/** Their order takes 1 GiB. */
const longest = 2 ** 28;

const aStream: Kind<RandomStream> = kindOf(
  "a random stream, as randomStream(key) makes one",
  (value) => typeof value === "object" && value !== null && "below" in value && typeof value.below === "function",
);

/**
 * The integers from 0 to `count - 1` in an order drawn from `random`, all orders equally likely (Fisher and Yates).
 *
 * ```ts
 * import { datasets } from "../mod.ts";
 * const order = datasets.permutation(5, datasets.randomStream([0, 1]));
 * console.log([...order]); // [1, 3, 4, 2, 0]
 * ```
 */
export function permutation(count: number, random: RandomStream): Uint32Array {
  integer(count, "count", 0);
  if (count > longest) throw new RangeError(`Cannot order ${count} numbers: ${longest} are the most`);
  argument(random, aStream, "random", "permutation");
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}
