/** Threefry against the published vectors and JAX's keys, and the numbers made from it. */
import assert from "node:assert/strict";
import { foldInKey, keyFromSeed, threefry2x32 } from "../../core/threefry.ts";
import { randomStream } from "../../core/random_stream.ts";
import type { Words } from "../../core/words.ts";
import { fc } from "../../dev_deps.ts";

Deno.test("threefry2x32 gives the known answers of Random123", () => {
  const ones = 0xffffffff;
  const cases: readonly [key: Words, counter: Words, expected: Words][] = [
    [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
    [[ones, ones], [ones, ones], [0x1cb996fc, 0xbb002be7]],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]],
  ];
  for (const [key, counter, expected] of cases) assert.deepEqual(threefry2x32(key, counter), expected);
});

Deno.test("keys from seeds are the seed's two words", () => {
  assert.deepEqual(keyFromSeed(0), [0, 0]);
  assert.deepEqual(keyFromSeed(-1), [0xffffffff, 0xffffffff]);
  assert.deepEqual(keyFromSeed(2 ** 40 + 5), [256, 5]);
  assert.throws(() => keyFromSeed(0.5), RangeError);
  assert.throws(() => keyFromSeed(NaN), RangeError);
});

Deno.test("foldInKey is a function of both, and differs for different integers", () => {
  // jax.random.fold_in(jax.random.PRNGKey(0), 1)
  assert.deepEqual(foldInKey(keyFromSeed(0), 1), [928981903, 3453687069]);
  const keys = new Set(Array.from({ length: 1000 }, (_, i) => foldInKey([3, 4], i).join()));
  assert.equal(keys.size, 1000);
});

Deno.test("a stream is the words of the counters 0, 1, 2, ...", () => {
  const key: Words = [1, 2];
  const random = randomStream(key);
  for (let counter = 0; counter < 1000; counter++) {
    assert.deepEqual([random.bits(), random.bits()], threefry2x32(key, [0, counter]));
  }
});

Deno.test("integers below a count are in range and about equally frequent", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer(), (count, seed) => {
    const drawn = randomStream(keyFromSeed(seed)).below(count);
    assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < count);
  }));
  const random = randomStream([0, 0]);
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`);
  for (const count of [0, -1, 1.5, 2 ** 33]) assert.throws(() => random.below(count), RangeError);
});

Deno.test("uniform and normal numbers have their mean and deviation", () => {
  const random = randomStream([5, 6]);
  const moments = (draw: () => number) => {
    const drawn = Array.from({ length: 100_000 }, draw);
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    return { mean, deviation: Math.sqrt(drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length) };
  };
  const normal = moments(() => random.normal());
  assert.ok(Math.abs(normal.mean) < 0.02 && Math.abs(normal.deviation - 1) < 0.02, JSON.stringify(normal));
  const uniform = moments(() => random.uniform(-1, 3));
  assert.ok(Math.abs(uniform.mean - 1) < 0.02 && Math.abs(uniform.deviation - 4 / Math.sqrt(12)) < 0.02, JSON.stringify(uniform));
});
