/**
 * Digests: how a file is known to be the one that was published.
 *
 * @module
 */

/** The digest of a published file. */
export interface Digest {
  /**
   * How it is taken. MD5 detects damage, not tampering: use it only for files that are published with nothing better.
   */
  readonly algorithm: "sha256" | "md5";
  /** Of which bytes: those of the published file, packed, or those it unpacks to (mirrors may pack differently). */
  readonly of: "packed" | "unpacked";
  /** How many bytes those are: no more are downloaded or unpacked. */
  readonly bytes: number;
  /** The digest itself, in lower-case hexadecimal digits. */
  readonly hex: string;
}
