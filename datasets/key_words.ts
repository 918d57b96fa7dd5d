/**
 * The words of a key that a user gives.
 *
 * @module
 */
import { quoted } from "../core/quoted.ts";
import { keyFromSeed } from "../core/threefry.ts";
import type { Words } from "../core/words.ts";
import type { KeyLike } from "./order.ts";

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
  throw new TypeError(
    `Cannot draw an order on the host from ${quoted(given)}: give a seed, such as 0, or the two words of a key, as numbers`,
  );
}
