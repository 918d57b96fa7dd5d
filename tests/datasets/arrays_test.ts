/** Sets of arrays: made from what users have, cut into parts and batches, and loaded by workers. */
import assert from "node:assert/strict";
import { datasets, ShapeError } from "../../mod.ts";

const { arrays, batches, loader, split, subset } = datasets;

/** Example i has features [i, i / 2], a label i mod 3 and a row [i, i, i] of doubles. */
function numbered(count: number) {
  return arrays({
    features: Array.from({ length: count }, (_, i) => [i, i / 2]),
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    rows: { shape: [count, 3, 1], data: Float64Array.from({ length: 3 * count }, (_, i) => Math.floor(i / 3)) },
  });
}

interface Numbered {
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly rows: Float64Array;
}

function check({ features, labels, rows }: Numbered): number[] {
  const ids = Array.from(labels, (_, i) => features[2 * i]);
  ids.forEach((id, i) => {
    assert.deepEqual([features[2 * i + 1], labels[i], [...rows.subarray(3 * i, 3 * i + 3)]], [id / 2, id % 3, [id, id, id]]);
  });
  return ids;
}

Deno.test("batches have the rows of all arrays, in order or shuffled", () => {
  const set = numbered(10);
  const ids = [...batches(set, { batchSize: 4 })].map((batch) => {
    assert.deepEqual(batch.shapes, { features: [batch.count, 2], labels: [batch.count], rows: [batch.count, 3, 1] });
    return check(batch);
  });
  assert.deepEqual(ids, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]);
  const shuffled = [...batches(set, { batchSize: 4, shuffle: 1, dropLast: true, limit: 9 })].flatMap(check);
  assert.equal(new Set(shuffled).size, 8);
  assert.notDeepEqual(shuffled, shuffled.toSorted((a, b) => a - b));
  assert.ok(Math.max(...shuffled) < 9);
});

Deno.test("parts have each example once, in the proportions of the labels if asked", () => {
  const set = numbered(30);
  const [train, validation] = split(set, { count: 6, key: 0, stratify: true });
  assert.deepEqual([train.count, validation.count], [24, 6]);
  assert.deepEqual(
    [...check(train.arrays), ...check(validation.arrays)].sort((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i),
  );
  assert.deepEqual([0, 1, 2].map((label) => validation.arrays.labels.filter((each) => each === label).length), [2, 2, 2]);
  assert.deepEqual(check(subset(set, [3, 3, 29]).arrays), [3, 3, 29]);
  assert.throws(() => subset(set, [30]), /Cannot take example 30 of 30/);
  assert.throws(() => split(arrays({ x: Float32Array.of(1, 2) }), { count: 1, key: 0, stratify: true }), /no array labels/);
});

Deno.test("a loader gives the batches that `batches` gives, whoever makes them", async () => {
  const set = numbered(11);
  const expected = [...batches(set, { batchSize: 4, shuffle: 3, epoch: 1 })];
  for (const workers of [0, 2]) {
    const found = [];
    for await (const batch of loader(set, { batchSize: 4, shuffle: 3, workers }).epoch(1)) found.push(batch);
    assert.deepEqual(found, expected, `${workers} workers`);
  }
  for await (const count of loader(set, { batchSize: 11, transform: ({ labels }) => labels.length })) assert.equal(count, 11);
});

Deno.test("arrays and fields of examples may have any name", async () => {
  const names = ["__proto__", "constructor", "toString"];
  const record = <A>(of: A): Record<string, A> => Object.fromEntries(names.map((name) => [name, of]));
  const set = arrays(record(Float32Array.of(1, 2, 3)));
  for (const made of [set, subset(set, [2, 0]), ...split(set, { count: 1, key: 0 })]) {
    assert.deepEqual(Object.keys(made.arrays), names);
    const [batch] = batches(made, { batchSize: 2, shuffle: 1 });
    assert.deepEqual([Object.keys(batch), Object.keys(batch.shapes)], [["count", ...names, "shapes"], names]);
    for await (const loaded of loader(made, { batchSize: 2, shuffle: 1, workers: 1 })) {
      assert.deepEqual([Object.keys(loaded), Object.keys(loaded.shapes)], [["count", ...names, "shapes"], names]);
    }
  }
  const examples = loader({ count: 2, example: () => record(Float32Array.of(1)) }, { batchSize: 2 });
  for await (const batch of examples) assert.deepEqual(Object.keys(batch), ["count", ...names]);
});

Deno.test("arrays that do not belong together, or are none, are named", () => {
  assert.throws(() => arrays({ a: Float32Array.of(1, 2), b: [1, 2, 3] }), ShapeError);
  assert.throws(() => arrays({ a: [[1, 2], [3]] }), /a list of 1 in a, where the first has 2/);
  assert.throws(() => arrays({ a: [[1, 2], 3] }), ShapeError);
  assert.throws(() => arrays({ a: { shape: [2, 2], data: Float32Array.of(1, 2) } }), ShapeError);
  assert.throws(() => arrays({ a: { shape: [], data: Float32Array.of(1) } }), ShapeError);
  const wrong = [{}, [], null, { count: [1] }, { a: ["x"] }, { a: [null] }, { a: 3 }, { a: BigInt64Array.of(1n) }, { a: "abc" }];
  for (const fields of wrong) assert.throws(() => arrays(fields as never), /^TypeError: Cannot make a set of arrays /);
});
