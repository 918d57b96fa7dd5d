/**
 * Taking the digest of bytes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Bytes } from "./gzip.ts";
import type { Digest } from "./digest.ts";

/** The digest of bytes, in lower-case hexadecimal digits. */
export async function hexDigest(algorithm: Digest["algorithm"], bytes: Bytes): Promise<string> {
  // The web platform's own works beside the main thread, but has no MD5.
  if (algorithm === "sha256") return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  return createHash(algorithm).update(bytes).digest("hex");
}
