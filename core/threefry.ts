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
import { quoted } from "./quoted.ts";
import type { Words } from "./words.ts";

/** Skein's constant: it keeps a key of zeros from being a fixed point. */
const keyParity = 0x1bd11bda;

/** Encrypts the counter `(c0, c1)` under the key `(k0, k1)` into two words of `out` from `at`. */
export function encrypt(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at: number): void {
  const k2 = k0 ^ k1 ^ keyParity;
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
    throw new RangeError(`Cannot make a key from seed ${quoted(seed)}: it must be an integer between -(2^53 - 1) and 2^53 - 1`);
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
