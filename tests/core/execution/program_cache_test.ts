/**
 * The cache of programs: what is found, what is destroyed, and in which order.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ProgramCache } from "../../../core/execution/program_cache.ts";
import { mixHash } from "../../../core/hash.ts";

interface Fake {
  readonly key: number;
  readonly executable: { run(): never[]; destroy(): void };
}

/** A cache whose programs are numbers, in buckets of ten, and the numbers of those that it destroyed. */
function setup(limit: number) {
  const destroyed: number[] = [];
  const cache = new ProgramCache<Fake>(limit);
  let hashes = 0;
  const hash = (key: number) => mixHash(0, Math.floor(key / 10));
  return {
    destroyed,
    add: (key: number) => cache.add({ key, executable: { run: () => [], destroy: () => destroyed.push(key) } }, hash(key)),
    find: (key: number) => cache.find((each) => each.key === key, () => (hashes++, hash(key)))?.key,
    clear: () => cache.clear(),
    get hashes() {
      return hashes;
    },
  };
}

Deno.test("programs are found by what they match, also those that share a hash", () => {
  const cache = setup(100);
  for (let key = 0; key < 50; key++) cache.add(key);
  for (const key of [0, 7, 23, 49, 0]) assert.equal(cache.find(key), key);
  assert.equal(cache.find(50), undefined);
  assert.deepEqual(cache.destroyed, []);
});

Deno.test("a loop over a few programs computes no hashes", () => {
  const cache = setup(100);
  for (let key = 0; key < 30; key++) cache.add(key);
  for (const key of [1, 2, 3]) cache.find(key);
  const { hashes } = cache;
  for (let i = 0; i < 30; i++) assert.equal(cache.find(1 + i % 3), 1 + i % 3);
  assert.equal(cache.hashes, hashes);
});

Deno.test("of too many programs the one used longest ago is destroyed", () => {
  const cache = setup(5);
  for (let key = 0; key < 5; key++) cache.add(key);
  cache.find(0);
  cache.add(5);
  assert.deepEqual(cache.destroyed, [1]);
  assert.equal(cache.find(1), undefined);
  assert.equal(cache.find(0), 0);
  cache.add(6);
  assert.deepEqual(cache.destroyed, [1, 2]);
  cache.clear();
  assert.deepEqual(cache.destroyed.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(cache.find(0), undefined);
});
