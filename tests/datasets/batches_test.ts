/** The laws of batches: nothing lost, nothing twice, the order a function of the key, the arrays the caller's own. */
import assert from "node:assert/strict";
import { key } from "../../core/random.ts";
import { batches, firstImages, type ImageSet, permutation } from "../../datasets/mod.ts";
import { randomStream } from "../../core/random_stream.ts";
import { fc } from "../../dev_deps.ts";

/** `count` images of 1 x 2 x 1 whose pixels and label encode their index (below 256 * 256). */
function numbered(count: number): ImageSet {
  const images = Uint8Array.from({ length: 2 * count }, (_, i) => i % 2 === 0 ? i >> 1 : i >> 9);
  return { images, labels: Uint8Array.from({ length: count }, (_, i) => i % 10), count, shape: [1, 2, 1], classes: 10 };
}

/** The indices of the images of each batch. */
function indicesOf(set: ImageSet, options: Parameters<typeof batches>[1]): number[][] {
  return Array.from(batches(set, options), ({ images, labels, count, shape }) => {
    assert.deepEqual(shape, [count, ...set.shape]);
    assert.equal(images.length, 2 * count);
    assert.ok(labels instanceof Int32Array && labels.length === count);
    return Array.from({ length: count }, (_, i) => {
      const index = images[2 * i] + 256 * images[2 * i + 1];
      assert.equal(labels[i], index % 10);
      return index;
    });
  });
}

const counts = fc.nat({ max: 600 });
const sizes = fc.integer({ min: 1, max: 70 });

Deno.test("batches hold every image once, full but for the last", () => {
  fc.assert(fc.property(counts, sizes, fc.option(fc.integer(), { nil: undefined }), (count, batchSize, shuffle) => {
    const all = indicesOf(numbered(count), { batchSize, shuffle });
    assert.equal(batches(numbered(count), { batchSize, shuffle }).length, all.length);
    assert.ok(all.slice(0, -1).every((batch) => batch.length === batchSize));
    assert.ok(all.every((batch) => batch.length > 0));
    const expected = Array.from({ length: count }, (_, i) => i);
    assert.deepEqual(shuffle === undefined ? all.flat() : all.flat().sort((a, b) => a - b), expected);
  }));
});

Deno.test("dropLast leaves out the batch that is not full, and only that", () => {
  fc.assert(fc.property(counts, sizes, fc.integer(), (count, batchSize, shuffle) => {
    const full = indicesOf(numbered(count), { batchSize, shuffle }).filter((batch) => batch.length === batchSize);
    assert.deepEqual(indicesOf(numbered(count), { batchSize, shuffle, dropLast: true }), full);
    assert.equal(batches(numbered(count), { batchSize, dropLast: true }).length, Math.floor(count / batchSize));
  }));
});

Deno.test("limit takes the first images, whatever the order", () => {
  fc.assert(fc.property(counts, fc.nat({ max: 700 }), sizes, fc.integer(), (count, limit, batchSize, shuffle) => {
    const taken = indicesOf(numbered(count), { batchSize, shuffle, limit }).flat();
    assert.deepEqual(taken.sort((a, b) => a - b), Array.from({ length: Math.min(count, limit) }, (_, i) => i));
  }));
});

Deno.test("the order is a function of the key and the epoch", () => {
  const set = numbered(500);
  const order = (shuffle: number | readonly [number, number], epoch?: number) =>
    indicesOf(set, { batchSize: 64, shuffle, epoch }).flat();
  assert.deepEqual(order(1), order(1));
  assert.deepEqual(order(1), order([0, 1]));
  assert.deepEqual(order(1), order(1, 0));
  for (const other of [order(2), order(1, 1), order(1, 2), order([1, 1])]) assert.notDeepEqual(order(1), other);
  const again = batches(set, { batchSize: 64, shuffle: 1 });
  assert.deepEqual([...again], [...again]);
});

Deno.test("a batch is the caller's own", () => {
  const set = numbered(10);
  for (const shuffle of [undefined, 3]) {
    const cut = batches(set, { batchSize: 4, shuffle });
    const before = [...cut];
    for (const { images, labels } of cut) images.fill(255), labels.fill(-1);
    assert.deepEqual([...cut], before);
    assert.deepEqual(set, numbered(10));
  }
});

Deno.test("sizes and limits that mean nothing are refused", () => {
  for (const batchSize of [0, -1, 1.5, NaN, Infinity]) assert.throws(() => batches(numbered(3), { batchSize }), RangeError);
  for (const limit of [-1, 0.5, NaN]) assert.throws(() => batches(numbered(3), { batchSize: 1, limit }), RangeError);
  assert.throws(() => batches(numbered(3), { batchSize: 1, shuffle: 0.5 }), RangeError);
  assert.throws(() => batches(numbered(3), { batchSize: 1, shuffle: key(1) as never }), /two words of a key, as numbers/);
  assert.throws(() => batches(numbered(3), { batchSize: 1, shuffle: true as never }), /from true: give a seed, such as 0,/);
});

Deno.test("firstImages is a view of the beginning", () => {
  const set = numbered(10);
  const first = firstImages(set, 4);
  assert.deepEqual(first, numbered(4));
  assert.equal(first.images.buffer, set.images.buffer);
  assert.equal(firstImages(set, 10), set);
});

Deno.test("permutation makes every order about equally frequent", () => {
  const random = randomStream([0, 0]);
  const seen = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = permutation(4, random).join();
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 24);
  for (const count of seen.values()) assert.ok(Math.abs(count - 1000) < 150, `${[...seen.values()]}`);
});
