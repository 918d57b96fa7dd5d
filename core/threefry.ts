/**
 * Threefry-2x32, twenty rounds: random bits as a pure function of a key and a counter, in plain integer arithmetic.
 *
 * A counter-based generator has no hidden state: the same key and counter give the same bits on every machine, and any part of
 * a stream can be had without the parts before it. This file is the host's version (data sets, shuffling, deriving keys) and
 * what the device's version is checked against.
 *
 * @see Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011
 *
 * @module
 */

/** 64 bits as two unsigned 32-bit words, the higher first: a key, a counter, or the bits they give. */
export type Words = readonly [high: number, low: number];

/** Skein's constant: it keeps a key of zeros from being a fixed point. */
const PARITY = 0x1bd11bda;

/** Counters encrypted at a time by a stream. */
const BLOCK = 256;

/** Encrypts the counter `(c0, c1)` under the key `(k0, k1)` into two words of `out` from `at`. */
function encrypt(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at: number): void {
  const k2 = k0 ^ k1 ^ PARITY;
  let x = (c0 + k0) | 0;
  let y = (c1 + k1) | 0;
  // Each round: x += y; y = rotateLeft(y, r) ^ x. After every fourth round the next two of the three key words are added.
  x = (x + y) | 0, y = (y << 13 | y >>> 19) ^ x;
  x = (x + y) | 0, y = (y << 15 | y >>> 17) ^ x;
  x = (x + y) | 0, y = (y << 26 | y >>> 6) ^ x;
  x = (x + y) | 0, y = (y << 6 | y >>> 26) ^ x;
  x = (x + k1) | 0, y = (y + k2 + 1) | 0;
  x = (x + y) | 0, y = (y << 17 | y >>> 15) ^ x;
  x = (x + y) | 0, y = (y << 29 | y >>> 3) ^ x;
  x = (x + y) | 0, y = (y << 16 | y >>> 16) ^ x;
  x = (x + y) | 0, y = (y << 24 | y >>> 8) ^ x;
  x = (x + k2) | 0, y = (y + k0 + 2) | 0;
  x = (x + y) | 0, y = (y << 13 | y >>> 19) ^ x;
  x = (x + y) | 0, y = (y << 15 | y >>> 17) ^ x;
  x = (x + y) | 0, y = (y << 26 | y >>> 6) ^ x;
  x = (x + y) | 0, y = (y << 6 | y >>> 26) ^ x;
  x = (x + k0) | 0, y = (y + k1 + 3) | 0;
  x = (x + y) | 0, y = (y << 17 | y >>> 15) ^ x;
  x = (x + y) | 0, y = (y << 29 | y >>> 3) ^ x;
  x = (x + y) | 0, y = (y << 16 | y >>> 16) ^ x;
  x = (x + y) | 0, y = (y << 24 | y >>> 8) ^ x;
  x = (x + k1) | 0, y = (y + k2 + 4) | 0;
  x = (x + y) | 0, y = (y << 13 | y >>> 19) ^ x;
  x = (x + y) | 0, y = (y << 15 | y >>> 17) ^ x;
  x = (x + y) | 0, y = (y << 26 | y >>> 6) ^ x;
  x = (x + y) | 0, y = (y << 6 | y >>> 26) ^ x;
  out[at] = x + k2;
  out[at + 1] = y + k0 + 5;
}

/**
 * The two random words of a counter under a key.
 *
 * @param key Two words; only their low 32 bits count, as of the counter's.
 * @param counter Two words. Different counters under one key give independent bits.
 * @returns Two unsigned 32-bit integers.
 * @example
 * ```ts
 * import { threefry2x32 } from "./threefry.ts";
 * const [first, second] = threefry2x32([0, 0], [0, 0]);
 * console.log(first.toString(16), second.toString(16)); // 6b200159 99ba4efe
 * ```
 */
export function threefry2x32(key: Words, counter: Words): [number, number] {
  const out = new Uint32Array(2);
  encrypt(key[0] | 0, key[1] | 0, counter[0] | 0, counter[1] | 0, out, 0);
  return [out[0], out[1]];
}

/**
 * Two words from an integer: the higher and the lower 32 bits of its two's complement, as JAX makes a key from a seed.
 *
 * @throws {RangeError} If `seed` is not an integer that a number holds exactly.
 */
export function keyFromSeed(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot make a key from seed ${seed}: it must be an integer between -(2^53 - 1) and 2^53 - 1`);
  }
  return [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];
}

/**
 * A new key from a key and an integer, as JAX's `fold_in`: different integers give independent keys.
 *
 * @throws {RangeError} If `data` is not an integer that a number holds exactly.
 */
export function foldInKey(key: Words, data: number): [number, number] {
  return threefry2x32(key, keyFromSeed(data));
}

/** Random numbers one after the other. It has a place in the stream: make one where it is used and pass no one the same. */
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

/**
 * The numbers that a key stands for: the words of the counters 0, 1, 2, ... under it.
 *
 * @example
 * ```ts
 * import { keyFromSeed, randomStream } from "./threefry.ts";
 * const random = randomStream(keyFromSeed(7));
 * const die = 1 + random.below(6);
 * ```
 */
export function randomStream(key: Words): RandomStream {
  const k0 = key[0] | 0, k1 = key[1] | 0;
  // Grows from one counter to a block, so that a short stream costs little.
  let words = new Uint32Array(32);
  let counter = 0;
  let next = words.length;

  function refill(): void {
    if (counter > 0 && words.length < 2 * BLOCK) words = new Uint32Array(2 * BLOCK);
    for (let i = 0; i < words.length; i += 2, counter++) encrypt(k0, k1, Math.floor(counter / 2 ** 32), counter | 0, words, i);
    next = 0;
  }
  function bits(): number {
    if (next === words.length) refill();
    return words[next++];
  }
  function uniform(low = 0, high = 1): number {
    return low + (high - low) * (bits() / 2 ** 32);
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
