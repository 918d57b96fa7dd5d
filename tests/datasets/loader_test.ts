/** The laws of loaders: the batches are a function of key and epoch, whatever the workers do; and nothing stays when the loop is left. */
import assert from "node:assert/strict";
import { batches, type ImageSet, loader, LoaderError, type LoaderOptions, transforms } from "../../datasets/mod.ts";
import { cast, data, DTypeError, tensor } from "../../mod.ts";

const workerCounts = [0, 1, 3];
const slowExamples = new URL("./slow_examples.ts", import.meta.url);

/** A batch of `slow_examples.ts`. */
interface SlowBatch {
  readonly index: Int32Array;
  readonly noise: Float64Array;
  readonly count: number;
}

/** `count` colour images of 2 x 3 with pixels of all values. */
function colours(count: number): ImageSet {
  const images = Uint8Array.from({ length: 18 * count }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  return { images, labels: Uint8Array.from({ length: count }, (_, i) => i % 7), count, shape: [3, 2, 3], classes: 7 };
}

/** The batches of slow examples. */
function slow(count: number, options: LoaderOptions, asked: Record<string, unknown> = {}) {
  return loader<SlowBatch>({ count, module: slowExamples, options: asked }, options);
}

Deno.test("a loader gives what batches gives, with and without workers", async () => {
  const set = colours(50);
  for (const workers of workerCounts) {
    for (const options of [{}, { shuffle: 3 }, { shuffle: [1, 2] as const, epoch: 4 }, { dropLast: true }]) {
      for (const batchSize of workers === 0 ? [8, 25, 64] : [8]) {
        const loading = loader(set, { batchSize, workers, ...options });
        const expected = [...batches(set, { batchSize, ...options })];
        assert.equal(loading.length, expected.length);
        assert.deepEqual(await Array.fromAsync(loading), expected);
      }
    }
    assert.deepEqual(await Array.fromAsync(loader(colours(0), { batchSize: 4, workers })), []);
    assert.deepEqual(set, colours(50));
  }
});

Deno.test("epochs have orders of their own, and each is always the same", async () => {
  for (const workers of [0, 2]) {
    const loading = loader(colours(40), { batchSize: 16, shuffle: 1, workers });
    const first = await Array.fromAsync(loading);
    assert.deepEqual(await Array.fromAsync(loading), first);
    assert.deepEqual(await Array.fromAsync(loading.epoch(0)), first);
    assert.notDeepEqual(await Array.fromAsync(loading.epoch(1)), first);
    assert.deepEqual(
      await Array.fromAsync(loading.epoch(1)),
      await Array.fromAsync(loader(colours(40), { batchSize: 16, shuffle: 1, epoch: 1 })),
    );
  }
});

Deno.test("normalised batches are those of toTensor and normalize", async () => {
  const set = colours(10);
  const normalize = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 2] };
  for (const workers of [0, 2]) {
    for await (const { images, shape, count, labels } of loader(set, { batchSize: 4, shuffle: 2, workers, normalize })) {
      assert.ok(images instanceof Float32Array && labels instanceof Int32Array);
      assert.deepEqual(shape, [count, 3, 2, 3]);
    }
    const [whole] = await Array.fromAsync(loader(set, { batchSize: 10, workers, normalize }));
    const bytes = tensor(set.images, { shape: [10, 3, 2, 3] });
    const expected = await data(transforms.compose(transforms.toTensor, transforms.normalize(normalize))(bytes));
    expected.forEach((value, i) => assert.ok(Math.abs(whole.images[i] - value) < 1e-5));
  }
  assert.throws(() => loader(set, { batchSize: 1, normalize: { mean: [1, 2], std: 1 } }), /3 channels by mean \[1,2\]/);
  assert.throws(() => loader(set, { batchSize: 1, normalize: { mean: 0, std: 0 } }), /and not 0/);
});

Deno.test("slow workers change nothing: neither the order, nor what an example is", async () => {
  const made = async (workers: number, batchSize: number, options: Partial<LoaderOptions> = {}) => {
    const all = await Array.fromAsync(slow(24, { batchSize, workers, shuffle: 5, ...options }, { slow: workers > 0 ? 40 : 0 }));
    assert.ok(all.every(({ count, index, noise }) => index.length === count && noise.length === 2 * count));
    return { index: all.flatMap(({ index }) => [...index]), noise: all.flatMap(({ noise }) => [...noise]) };
  };
  const expected = await made(0, 4);
  assert.equal(new Set(expected.index).size, 24);
  assert.equal(new Set(expected.noise).size, 48);
  for (const workers of [1, 3]) {
    assert.deepEqual(await made(workers, 4), expected);
    assert.deepEqual(await made(workers, 5), expected);
  }
  const other = await made(2, 4, { key: 9 });
  assert.deepEqual(other.index, expected.index);
  assert.notDeepEqual(other.noise, expected.noise);
  assert.notDeepEqual((await made(2, 4, { epoch: 1 })).noise.toSorted(), expected.noise.toSorted());
});

Deno.test("workers are ahead of the loop by `prefetch` batches each, and no more", async () => {
  const begun = new Int32Array(new SharedArrayBuffer(4));
  let batch = 0;
  for await (const _ of slow(40, { batchSize: 1, workers: 2, prefetch: 3 }, { begun })) {
    if (++batch === 5) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(begun[0] <= 6 + batch, `${begun[0]} begun at batch ${batch}`);
  }
  assert.ok(begun[0] > 6);
});

Deno.test("a module may make whole batches, and keeps what it made them of", async () => {
  type Whole = { squares: Float32Array; all: Float32Array; key: readonly number[]; options: unknown };
  const source = { count: 10, module: new URL("./whole_batches.ts", import.meta.url), options: { why: ["any", "thing"] } };
  const keys: string[] = [];
  for (const workers of workerCounts) {
    for await (const { squares, all, key, options } of loader<Whole>(source, { batchSize: 4, workers, shuffle: 1 })) {
      assert.ok([...squares].every((square) => Number.isInteger(Math.sqrt(square))));
      assert.deepEqual([...all], [4, 9]);
      assert.deepEqual(options, { why: ["any", "thing"] });
      keys.push(key.join());
    }
  }
  assert.equal(new Set(keys).size, 3);
  assert.deepEqual(keys.slice(0, 3), keys.slice(3, 6));
});

Deno.test("Node's buffers, which share their memory, come out of a worker as bytes of their own", async () => {
  const made = `import { Buffer } from "node:buffer";
    const shared = Buffer.from("before");
    export const batch = ([i]) => ({ a: Buffer.from([i, 1]), b: Buffer.from([i, 2, 3]), shared });`;
  const loading = loader<Record<string, Uint8Array>>({ count: 3, module: `data:text/javascript,${encodeURIComponent(made)}` }, {
    batchSize: 1,
    workers: 1,
  });
  const batches = (await Array.fromAsync(loading)).map(({ a, b, shared }) => [...a, ...b, new TextDecoder().decode(shared)]);
  assert.deepEqual(batches, [0, 1, 2].map((i) => [i, 1, i, 2, 3, "before"]));
});

Deno.test("closures make examples and batches on the main thread", async () => {
  const examples = loader({ count: 5, example: (index) => ({ x: Float32Array.of(index, -index) }) }, { batchSize: 2 });
  assert.deepEqual((await Array.fromAsync(examples)).map(({ x, count }) => [...x, count]), [
    [0, -0, 1, -1, 2],
    [2, -2, 3, -3, 2],
    [4, -4, 1],
  ]);
  const whole = loader({ count: 3, batch: (indices) => Promise.resolve([...indices]) }, { batchSize: 2 });
  assert.deepEqual(await Array.fromAsync(whole), [[0, 1], [2]]);
  assert.throws(() => loader({ count: 3, batch: () => 0 }, { batchSize: 2, workers: 2 }), /put it into a module/);
});

Deno.test("transform makes what the loop gets, by the key of the batch", async () => {
  const set = colours(20);
  const keys: string[] = [];
  for (const workers of [0, 2]) {
    const loading = loader(set, {
      batchSize: 8,
      workers,
      shuffle: 1,
      transform: ({ images, shape }, key) => {
        keys.push(key.join());
        return cast(tensor(images, { shape }), "f32");
      },
    });
    const shapes = (await Array.fromAsync(loading)).map(({ shape, dtype }) => [dtype, ...shape]);
    assert.deepEqual(shapes, [["f32", 8, 3, 2, 3], ["f32", 8, 3, 2, 3], ["f32", 4, 3, 2, 3]]);
  }
  assert.equal(new Set(keys).size, 3);
  const failing = loader(set, { batchSize: 8, workers: 1, transform: () => Promise.reject(new DTypeError("no")) });
  await assert.rejects(Array.fromAsync(failing), DTypeError);
});

Deno.test("an error names the batch, comes after those before, and ends the loop", async () => {
  for (const workers of workerCounts) {
    const seen: number[] = [];
    const run = async () => {
      for await (const { index } of slow(20, { batchSize: 4, workers }, { broken: 9, slow: 5 })) seen.push(...index);
    };
    const error = await run().then(() => assert.fail("no error"), (error) => error);
    assert.ok(error instanceof LoaderError);
    assert.equal(error.message, "Cannot make batch 2 of 5 (epoch 0): RangeError: example 9 is broken");
    assert.deepEqual(error.facts, { batch: 2, epoch: 0, indices: Uint32Array.of(8, 9, 10, 11) });
    assert.ok(error.cause instanceof Error && error.cause.name === "RangeError");
    assert.match(error.cause.stack ?? "", /slow_examples\.ts/);
    assert.doesNotMatch(error.cause.stack ?? "", /data:/);
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
  }
});

Deno.test("examples that do not fit together are refused", async () => {
  const load = (example: (index: number) => Record<string, Float32Array>) =>
    Array.fromAsync(loader({ count: 4, example }, { batchSize: 4 }));
  await assert.rejects(
    load((index) => ({ x: new Float32Array(index) })),
    /field "x" of example 1 .* Float32Array of 1, but .* Float32Array of 0/,
  );
  await assert.rejects(
    load((index) => ({ [index < 2 ? "x" : "y"]: new Float32Array(1) })),
    /field "x" of example 2 .* must be a typed array/,
  );
});

Deno.test("modules that are not what they should be", async () => {
  const load = (module: string | URL, workers: number) =>
    Array.fromAsync(loader({ count: 4, module }, { batchSize: 2, workers }));
  for (const workers of [0, 2]) {
    await assert.rejects(
      load(new URL("./no_such_module.ts", import.meta.url), workers),
      /Cannot make batch 0 of 2 .*no_such_module/,
    );
    await assert.rejects(load("data:text/javascript,export const x = 1", workers), /has no function "example" or "batch"/);
    await assert.rejects(load("data:text/javascript,throw new Error('at once')", workers), /Cannot make batch 0 of 2 .*at once/);
  }
  assert.throws(() => loader({ count: 4, module: "./examples.ts" }, { batchSize: 1 }), /must be an absolute address/);
  const result = "data:text/javascript,export const batch = () => ({ f: () => 1 })";
  await assert.rejects(load(result, 2), /Cannot make batch 0 of 2 .*DataCloneError/);
});

Deno.test("a worker that ends is an error, not a loop without end", async () => {
  const loading = slow(20, { batchSize: 2, workers: 2 }, { deadly: 6, slow: 100 });
  await assert.rejects(Array.fromAsync(loading), /Cannot make batch \d of 10 .*a worker has ended/);
});

Deno.test("a loop that is left early leaves nothing behind", async () => {
  for (const workers of workerCounts) {
    for await (const { index } of slow(100, { batchSize: 2, workers, prefetch: 4 }, { slow: 30 })) {
      if (index[0] === 4) break;
    }
    const leaving = async () => {
      for await (const _ of slow(100, { batchSize: 2, workers }, { slow: 30 })) throw new Error("enough");
    };
    await assert.rejects(leaving(), /^Error: enough$/);
  }
});

Deno.test("await using stops loops that are not finished", async () => {
  let waiting: Promise<unknown>;
  {
    await using loading = slow(10, { batchSize: 2, workers: 2 }, { slow: 10_000 });
    const iterator = loading[Symbol.asyncIterator]();
    waiting = iterator.next();
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await assert.rejects(waiting, /the loader was stopped/);
});

Deno.test("no permission is needed, and a loop that is abandoned does not keep the process alive", async () => {
  const module = new URL("../../datasets/mod.ts", import.meta.url).href;
  const script = `import { loader, syntheticDigits } from ${JSON.stringify(module)};
    const { train } = syntheticDigits({ train: 64, test: 0 });
    const loading = loader(train, { batchSize: 8, workers: 2 });
    console.log((await Array.fromAsync(loading)).length);
    console.log((await loading[Symbol.asyncIterator]().next()).value.count);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-lock", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([script]).stream().pipeTo(child.stdin);
  const { code, stdout } = await child.output();
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "8\n8\n"]);
});

Deno.test("numbers that mean nothing are refused", () => {
  const set = colours(4);
  for (const batchSize of [0, -1, 1.5, NaN]) assert.throws(() => loader(set, { batchSize }), /batchSize must be an integer/);
  for (const workers of [-1, 0.5]) assert.throws(() => loader(set, { batchSize: 1, workers }), /workers must be an integer/);
  assert.throws(() => loader(set, { batchSize: 1, prefetch: 0 }), RangeError);
  assert.throws(() => loader(set, { batchSize: 1, shuffle: 0.5 }), RangeError);
  assert.throws(() => loader({ count: -1, batch: () => 0 }, { batchSize: 1 }), RangeError);
});
