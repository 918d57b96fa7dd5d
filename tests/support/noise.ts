/**
 * Test data without a generator's state: element i of stream `seed` is a hash of both, so any language can make the same numbers.
 *
 * @module
 */

/** 32 well-mixed bits of (seed, i): the finalizer of MurmurHash3 over i + seed * 0x9e3779b9. */
export function hash(seed: number, i: number): number {
  let h = (i + Math.imul(seed, 0x9e3779b9)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Multiples of 2^-23 in [-1, 1), times `scale`, rounded to f32. */
export function noise(seed: number, count: number, scale = 1): Float32Array {
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = ((hash(seed, i) >>> 8) / 2 ** 23 - 1) * scale;
  return numbers;
}

/** The same in double precision, not rounded. */
export function noise64(seed: number, count: number, scale = 1): Float64Array {
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = ((hash(seed, i) >>> 8) / 2 ** 23 - 1) * scale;
  return numbers;
}

/** Integers from `low` to `high`, both included. */
export function noiseInt(seed: number, count: number, low: number, high: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = low + hash(seed, i) % (high - low + 1);
  return numbers;
}
