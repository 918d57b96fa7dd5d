/**
 * Orders drawn by a key on the host.
 *
 * @module
 */
import type { RandomStream } from "../core/random_stream.ts";
import type { Words } from "../core/words.ts";

/** The source of random numbers on the host: a seed, which is an integer, or the two words of a key. */
export type KeyLike = number | Words;

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
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}
