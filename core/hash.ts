/**
 * A hash of 32 bits, FNV-1a: by which equal things are found, and others told apart; not against someone who looks for two with one hash.
 *
 * @see Fowler, Noll, Vo and Eastlake, "The FNV non-cryptographic hash algorithm"
 *
 * @module
 */

/** The hash of nothing. */
export const noHash = 0x811c9dc5 | 0;

/** A hash with one more integer mixed into it. */
export function mixHash(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193);
}

/** The hash of bytes: an i32. */
export function hashOf(bytes: Uint8Array): number {
  let hash = noHash;
  for (let i = 0; i < bytes.length; i++) hash = mixHash(hash, bytes[i]);
  return hash;
}

/** The hash of a text's UTF-8 bytes: an i32. */
export function hashOfText(text: string): number {
  return hashOf(new TextEncoder().encode(text));
}
