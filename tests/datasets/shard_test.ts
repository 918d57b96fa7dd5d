/** Parts of sets for several processes: disjoint, covering, and the batches of one process when they are put together. */
import assert from "node:assert/strict";
import { datasets } from "../../mod.ts";

const { arrays, batches, shard, syntheticDigits } = datasets;

const set = (count: number) => arrays({ n: Int32Array.from({ length: count }, (_, i) => i) });
const numbers = (part: ReturnType<typeof set>) => [...part.arrays.n as Int32Array];

Deno.test("the parts have no example in common, and are the whole set but for the tail", () => {
  for (const count of [4, 5, 12, 101]) {
    for (const size of [1, 2, 3, 4]) {
      for (const key of [undefined, 3]) {
        const parts = (tail: "drop" | "repeat" | "keep") =>
          Array.from({ length: size }, (_, rank) => numbers(shard(set(count), { rank, size, key, epoch: 2, tail })));
        const kept = parts("keep");
        assert.deepEqual(kept.flat().toSorted((a, b) => a - b), numbers(set(count)));
        assert.ok(Math.max(...kept.map(({ length }) => length)) - Math.min(...kept.map(({ length }) => length)) <= 1);
        const dropped = parts("drop");
        assert.ok(dropped.every(({ length }) => length === Math.floor(count / size)));
        assert.equal(new Set(dropped.flat()).size, size * Math.floor(count / size));
        const repeated = parts("repeat");
        assert.ok(repeated.every(({ length }) => length === Math.ceil(count / size)));
        assert.equal(new Set(repeated.flat()).size, count);
      }
    }
  }
});

Deno.test("batches of all parts together are the batches of one process, in every epoch another order", () => {
  const { train } = syntheticDigits({ train: 64, test: 0 });
  const all = (epoch: number) =>
    [0, 1].map((rank) => [...batches(shard(train, { rank, size: 2, key: 5, epoch }), { batchSize: 8 })]);
  for (const epoch of [0, 1]) {
    const [even, odd] = all(epoch);
    [...batches(train, { batchSize: 16, shuffle: 5, epoch })].forEach(({ labels }, i) => {
      const woven = Array.from({ length: 16 }, (_, k) => (k % 2 === 0 ? even : odd)[i].labels[k >> 1]);
      assert.deepEqual([...labels], woven);
    });
  }
  assert.notDeepEqual(all(0), all(1));
});

Deno.test("loaders of all parts together give what the loader of one process gives, each with workers of its own", async () => {
  const { train } = syntheticDigits({ train: 50, test: 0 });
  for (const workers of [0, 2]) {
    const parts = await Promise.all([0, 1, 2].map((rank) => {
      const part = shard(train, { rank, size: 3, key: 5, epoch: 1, tail: "keep" });
      return Array.fromAsync(datasets.loader(part, { batchSize: 4, workers }));
    }));
    const whole = await Array.fromAsync(datasets.loader(train, { batchSize: 12, shuffle: 5, epoch: 1 }));
    assert.deepEqual(parts.map(({ length }) => length), [5, 5, 4]);
    whole.forEach(({ images, labels }, i) => {
      const pixels = images.length / labels.length;
      labels.forEach((label, k) => {
        const { images: partImages, labels: partLabels } = parts[k % 3][i];
        const at = Math.floor(k / 3);
        assert.equal(partLabels[at], label);
        assert.deepEqual(partImages.subarray(at * pixels, (at + 1) * pixels), images.subarray(k * pixels, (k + 1) * pixels));
      });
    });
  }
});

Deno.test("a rank beyond the size, and a set that is too small, are errors", () => {
  assert.throws(() => shard(set(4), { rank: 2, size: 2 }), /Cannot take part 2 of 2/);
  assert.throws(() => shard(set(1), { rank: 0, size: 2 }), /Cannot share 1 examples among 2 processes/);
  assert.deepEqual(numbers(shard(set(1), { rank: 1, size: 2, tail: "keep" })), []);
  assert.throws(() => shard(set(4), { rank: 0, size: 0 }), RangeError);
});
