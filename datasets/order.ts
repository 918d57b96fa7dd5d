/**
 * Orders drawn by a key on the host.
 *
 * @module
 */
import { keyFromSeed, type RandomStream, type Words } from "../core/threefry.ts";

/** What chance on the host is drawn from: a seed, which is an integer, or the two words of a key. */
export type KeyLike = number | Words;

/**
 * The words of a key.
 *
 * @throws {RangeError} If a seed is not an integer that a number holds exactly.
 * @throws {TypeError} If it is neither a seed nor two words: a `random.Key`, say, whose words are on a device.
 */
export function words(key: KeyLike): Words {
  if (typeof key === "number") return keyFromSeed(key);
  const given: unknown = key;
  if (Array.isArray(given) && given.length === 2 && given.every((word) => typeof word === "number")) return key;
  throw new TypeError("Cannot draw an order on the host from this key: give a seed or the two words of a key, as numbers");
}

/** The integers from 0 to `count - 1` in an order drawn from `random`, all orders equally likely (Fisher and Yates). */
export function permutation(count: number, random: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}
