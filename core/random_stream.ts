/**
 * Random numbers one after the other, on the host: for data sets and shuffling.
 *
 * @module
 */
import { quoted } from "./quoted.ts";
import type { Words } from "./words.ts";
import { floatBelow } from "./dtype.ts";
import { encrypt } from "./threefry.ts";

/** Random numbers one after the other. It has a state, its position: make a new one for each use. */
export interface RandomStream {
  /** The next 32 random bits, as an unsigned integer. */
  bits(): number;
  /** The next number uniform in [low, high), by default [0, 1), in steps of 2^-32 of the width. */
  uniform(low?: number, high?: number): number;
  /** The next integer uniform in [0, count), each exactly as likely. `count` is in [1, 2^32]. */
  below(count: number): number;
  /** The next number of the normal distribution with mean 0 and deviation 1. */
  normal(): number;
}

/** Counters encrypted at a time by a stream. */
const blockSize = 256;

/**
 * The numbers that a key stands for: the words of the counters 0, 1, 2, ... under it.
 *
 * @example
 * ```ts
 * import { datasets } from "../mod.ts";
 * const random = datasets.randomStream([0, 7]);
 * console.log(1 + random.below(6), 1 + random.below(6)); // 2 3
 * ```
 */
export function randomStream(key: Words): RandomStream {
  if (!Array.isArray(key) || key.length !== 2 || !key.every(Number.isInteger)) {
    throw new TypeError(`Cannot make a random stream from ${quoted(key)}: a key is two words of 32 bits, [high, low]`);
  }
  const k0 = key[0] | 0, k1 = key[1] | 0;
  // Grows from one counter to a block, so that a short stream costs little.
  let words = new Uint32Array(32);
  let counter = 0;
  let next = words.length;

  function refill(): void {
    if (counter > 0 && words.length < 2 * blockSize) words = new Uint32Array(2 * blockSize);
    for (let i = 0; i < words.length; i += 2, counter++) encrypt(k0, k1, Math.floor(counter / 2 ** 32), counter | 0, words, i);
    next = 0;
  }
  function bits(): number {
    if (next === words.length) refill();
    return words[next++];
  }
  function uniform(low = 0, high = 1): number {
    // Where few numbers lie between the two, the sum may be rounded to the higher one.
    const value = low + (high - low) * (bits() / 2 ** 32);
    return value < high ? value : floatBelow("f64", high);
  }
  function below(count: number): number {
    if (!Number.isInteger(count) || count < 1 || count > 2 ** 32) {
      throw new RangeError(`Cannot draw an integer below ${count}: the count must be an integer from 1 to 2^32`);
    }
    // Bits above the largest multiple of count would favour the small integers: draw again (less than once on average).
    const limit = 2 ** 32 - 2 ** 32 % count;
    let drawn = bits();
    while (drawn >= limit) drawn = bits();
    return drawn % count;
  }
  function normal(): number {
    // Box and Muller's transform; 1 - u is in (0, 1], so that the logarithm is finite.
    return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return { bits, uniform, below, normal };
}
