/**
 * Keys, counters and random bits on the host.
 *
 * @module
 */

/** 64 bits as two unsigned 32-bit words, the higher first: a key, a counter, or the bits they give. */
export type Words = readonly [high: number, low: number];
