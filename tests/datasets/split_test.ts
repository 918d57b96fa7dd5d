/** The laws of splits: a partition, of the size asked for, a function of the key, each class in its proportion if so asked. */
import assert from "node:assert/strict";
import { type ImageSet, split, subset } from "../../datasets/mod.ts";
import { fc } from "../../dev_deps.ts";

/** `count` images of 2 bytes that encode their index, with classes of very different sizes. */
function numbered(count: number): ImageSet {
  const images = Uint8Array.from({ length: 2 * count }, (_, i) => i % 2 === 0 ? i >> 1 : i >> 9);
  const labels = Uint8Array.from({ length: count }, (_, i) => Math.floor(Math.sqrt(Math.imul(i, 7) % 36)));
  return { images, labels, count, shape: [1, 2, 1], classes: 7 };
}

/** The indices in the whole set of the images of a part, whose labels must have come along. */
function indicesOf(part: ImageSet, whole: ImageSet): number[] {
  assert.deepEqual([part.images.length, part.labels.length, part.shape, part.classes], [
    2 * part.count,
    part.count,
    [1, 2, 1],
    7,
  ]);
  return Array.from({ length: part.count }, (_, i) => {
    const index = part.images[2 * i] + 256 * part.images[2 * i + 1];
    assert.equal(part.labels[i], whole.labels[index]);
    return index;
  });
}

Deno.test("a split is a partition in the order of the set, of the size asked for", () => {
  fc.assert(fc.property(
    fc.nat({ max: 400 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.boolean(),
    fc.boolean(),
    fc.integer(),
    (count, fraction, byCount, stratify, key) => {
      const set = numbered(count);
      const size = Math.round(fraction * count);
      const parts = split(set, byCount ? { count: size, key, stratify } : { fraction, key, stratify });
      const [first, second] = parts.map((part) => indicesOf(part, set));
      assert.equal(second.length, size);
      assert.deepEqual([...first, ...second].sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
      for (const part of [first, second]) assert.deepEqual(part, part.toSorted((a, b) => a - b));
    },
  ));
});

Deno.test("with stratify every class has its share, to less than one image", () => {
  fc.assert(
    fc.property(fc.nat({ max: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (count, fraction, key) => {
      const set = numbered(count);
      const [, second] = split(set, { fraction, key, stratify: true });
      for (let label = 0; label < set.classes; label++) {
        const ofClass = (part: ImageSet) => part.labels.filter((each) => each === label).length;
        const share = count === 0 ? 0 : ofClass(set) * second.count / count;
        assert.ok(Math.abs(ofClass(second) - share) < 1, `${ofClass(second)} of class ${label}, not ${share}`);
      }
    }),
  );
});

Deno.test("the split is a function of the key", () => {
  const set = numbered(300);
  for (const stratify of [false, true]) {
    const second = (key: number | readonly [number, number]) => indicesOf(split(set, { fraction: 0.3, key, stratify })[1], set);
    assert.deepEqual(second(5), second(5));
    assert.deepEqual(second(5), second([0, 5]));
    assert.notDeepEqual(second(5), second(6));
    // Drawn from everywhere, not the end of the set.
    assert.ok(Math.min(...second(5)) < 30 && Math.max(...second(5)) > 270);
  }
});

Deno.test("subset copies the images at some indices, in their order", () => {
  const set = numbered(10);
  assert.deepEqual(indicesOf(subset(set, [3, 3, 0, 9]), set), [3, 3, 0, 9]);
  assert.deepEqual(indicesOf(subset(set, new Uint32Array(0)), set), []);
  subset(set, [1]).images.fill(9);
  assert.deepEqual(set, numbered(10));
});

Deno.test("sizes and indices that mean nothing are refused", () => {
  const set = numbered(10);
  for (const count of [-1, 11, 2.5, NaN]) assert.throws(() => split(set, { count, key: 0 }), RangeError);
  for (const fraction of [-0.1, 1.01, NaN]) {
    assert.throws(() => split(set, { fraction, key: 0 }), /fraction .* from 10 examples: the fraction must be in \[0, 1\]/);
  }
  assert.throws(() => split(set, { count: 1, key: 0.5 }), RangeError);
  for (const index of [-1, 10, 0.5, NaN]) assert.throws(() => subset(set, [index]), /Cannot take example/);
});
