/**
 * The digest of a checkpoint, which stands in its own header: it is taken with zeros in its place.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { broken } from "../failures.ts";
import { headerOf } from "../safetensors/header.ts";
import { digestName, format, noDigest } from "./folder.ts";

/** Puts the digest of a file into its header. */
export function sign(header: Uint8Array, data: readonly Uint8Array[]): void {
  const hash = createHash("sha256").update(header);
  for (const part of data) hash.update(part);
  header.set(new TextEncoder().encode(hash.digest("hex")), placeOfDigest(header, noDigest));
}

/**
 * Checks the digest of a file.
 *
 * @throws {Failure} If it is another one.
 */
export function checkDigest(bytes: Uint8Array, file: string): void {
  const { metadata: { [digestName]: expected }, start } = headerOf(bytes, file);
  const place = expected === undefined ? -1 : placeOfDigest(bytes.subarray(0, start), expected);
  if (place < 0) throw broken(file, format, "digest", "it has none");
  const hash = createHash("sha256").update(bytes.subarray(0, place)).update(noDigest);
  const actual = hash.update(bytes.subarray(place + noDigest.length)).digest("hex");
  if (actual !== expected) {
    throw broken(file, format, "digest", `its SHA-256 is ${actual}, but it was written with ${expected}`);
  }
}

/** Where in a header the digest stands; -1 if it does not. */
function placeOfDigest(header: Uint8Array, digest: string): number {
  // Of one byte per character, so that places in the text are places in the bytes.
  const text = new TextDecoder("latin1").decode(header);
  const before = `"${digestName}":"`;
  const at = text.indexOf(`${before}${digest}"`);
  return at < 0 || digest.length !== noDigest.length ? -1 : at + before.length;
}
