/**
 * Digests: how a file is known to be the one that was published.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Bytes } from "./gzip.ts";

/** The digest of a published file. */
export interface Digest {
  /**
   * How it is taken. MD5 tells damage, but not malice: use it only for what is published with nothing better.
   */
  readonly algorithm: "sha256" | "md5";
  /** Of which bytes: those of the file as it is published, packed, or those it unpacks to (mirrors may pack differently). */
  readonly of: "packed" | "unpacked";
  /** The digest itself, in lower-case hexadecimal digits. */
  readonly hex: string;
}

/** The digest of bytes, in lower-case hexadecimal digits. */
export async function hexDigest(algorithm: Digest["algorithm"], bytes: Bytes): Promise<string> {
  // The web platform's own works beside the main thread, but has no MD5.
  if (algorithm === "sha256") return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  return createHash(algorithm).update(bytes).digest("hex");
}
