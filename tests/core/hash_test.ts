/**
 * Tests of the hash of 32 bits.
 *
 * @module
 */
import assert from "node:assert/strict";
import { hashOf, hashOfText, mixHash, noHash } from "../../core/hash.ts";

Deno.test("hashes are those of FNV-1a", () => {
  // From the test suite in draft-eastlake-fnv.
  assert.equal(hashOfText("") >>> 0, 0x811c9dc5);
  assert.equal(hashOfText("a") >>> 0, 0xe40c292c);
  assert.equal(hashOfText("foobar") >>> 0, 0xbf9cf968);
});

Deno.test("the hash of bytes is that of its integers mixed in order, an i32", () => {
  const hash = hashOf(Uint8Array.of(1, 200));
  assert.equal(hash, mixHash(mixHash(noHash, 1), 200));
  assert.equal(hash, hash | 0);
});
