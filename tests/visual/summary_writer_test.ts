/** Logs for TensorBoard, read by other code than wrote them: `tfrecord.ts`, and another PNG decoder. */
import assert from "node:assert/strict";
import { CotangentError, datasets, mul, ShapeError, tensor } from "../../mod.ts";
import { fc } from "../../dev_deps.ts";
import { bucketsOf } from "../../visual/buckets.ts";
import { type SummaryWriter, summaryWriter } from "../../visual/mod.ts";
import { record } from "../../visual/record.ts";
import { hostileValues } from "../support/hostile/values.ts";
import { decoded } from "./png.ts";
import { crc32cByBits, type ReadEvent, readEvent, readRecords } from "./tfrecord.ts";

/** The events of a file, after the first, which holds the version. */
async function eventsIn(file: string): Promise<ReadEvent[]> {
  const [first, ...events] = readRecords(await Deno.readFile(file)).map(readEvent);
  assert.equal(first.version, "brain.Event:2");
  for (const { time } of [first, ...events]) assert.ok(Math.abs(time - Date.now() / 1000) < 60);
  return events;
}

/** Runs a test with a writer to a folder of its own. */
async function withWriter(test: (log: SummaryWriter, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const opened = await summaryWriter(`${folder}/runs/one`)();
    assert.ok(opened._tag === "Right");
    await test(opened.right, `${folder}/runs/one`);
    await opened.right.close()();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a record is what another reader reads", () => {
  assert.equal(crc32cByBits(new TextEncoder().encode("123456789")), 0xe3069283, "the published check value");
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), (contents) => {
    const file = new Uint8Array(contents.flatMap((bytes) => [...record(bytes)]));
    assert.deepEqual(readRecords(file).map((bytes) => [...bytes]), contents.map((bytes) => [...bytes]));
  }));
});

Deno.test("scalars come back with their tags and steps, in the order of the calls", async () => {
  await withWriter(async (log, folder) => {
    assert.match(log.file, /events\.out\.tfevents\.\d{10}\.[^/]+$/);
    assert.ok(log.file.startsWith(folder));
    const values = [1, -0.1, 0, 1e30, 1e300, NaN, -Infinity];
    const steps = [0, 1, 2 ** 31, 2 ** 53 - 1, -1, 127, 128];
    // Not awaited: a tensor takes longer than a number, and is written in its turn.
    log.scalar("tensor/é", mul(tensor(1.5), 2), 7);
    values.forEach((value, i) => log.scalar("loss", value, steps[i]));
    assert.equal((await log.flush()())._tag, "Right");
    const [first, ...rest] = await eventsIn(log.file);
    assert.deepEqual([first.tag, first.step, first.scalar], ["tensor/é", 7, 3]);
    assert.deepEqual(
      rest.map(({ tag, step, scalar }) => [tag, step, scalar]),
      values.map((value, i) => ["loss", steps[i], Math.fround(value)]),
    );
  });
});

Deno.test("an image comes back pixel by pixel, a batch as a grid of eight in a row", async () => {
  await withWriter(async (log) => {
    const [red, green] = [[[1, 0.5, 0]], [[0, 1, 2]]];
    await log.image("colours", tensor([red, green, red]), 3);
    await log.image("grey", tensor([[0], [4]]), 4, { range: [0, 4] });
    const { train } = datasets.syntheticDigits({ train: 10, test: 0 });
    await log.images("digits", train, 5);
    const [colours, grey, digits] = await eventsIn(log.file);
    assert.deepEqual([colours.tag, colours.step, colours.image?.height, colours.image?.width, colours.image?.colors], [
      "colours",
      3,
      1,
      3,
      3,
    ]);
    const pixels = decoded(colours.image!.png);
    assert.deepEqual([0, 1, 2].map((x) => pixels.at(0, x)), [[255, 0, 255, 255], [128, 255, 128, 255], [0, 255, 0, 255]]);
    assert.deepEqual([grey.image?.height, grey.image?.width, grey.image?.colors], [2, 1, 1]);
    assert.equal(decoded(grey.image!.png).at(1, 0)[0], 255);
    assert.deepEqual([digits.image?.height, digits.image?.width, digits.image?.colors], [56, 224, 1]);
    const grid = decoded(digits.image!.png);
    for (let i = 0; i < 10; i++) {
      for (let at = 0; at < 28 * 28; at++) {
        const y = 28 * Math.floor(i / 8) + Math.floor(at / 28), x = 28 * (i % 8) + at % 28;
        assert.equal(grid.at(y, x)[0], train.images[i * 28 * 28 + at]);
      }
    }
  });
});

Deno.test("a histogram comes back with the counts of its numbers", async () => {
  await withWriter(async (log) => {
    const values = [-2, 0, 1, 1, 3, NaN, Infinity];
    await log.histogram("array", values, 1);
    await log.histogram("tensor", tensor(values), 2);
    await log.histogram("none", [NaN], 3);
    const [array, fromTensor, none] = await eventsIn(log.file);
    assert.deepEqual({ ...array.histogram, limits: 0, counts: 0 }, {
      min: -2,
      max: 3,
      num: 5,
      sum: 3,
      squares: 15,
      limits: 0,
      counts: 0,
    });
    const { limits, counts } = array.histogram!;
    assert.deepEqual(counts.filter((count) => count > 0), [1, 1, 2, 1]);
    assert.equal(limits.length, counts.length);
    assert.deepEqual(fromTensor.histogram, array.histogram);
    assert.equal(none.histogram?.num, 0);
  });
});

Deno.test("buckets: limits grow, every number lies in the bucket that counts it", () => {
  const numbers = fc.array(fc.oneof(fc.double(), fc.double({ min: -10, max: 10 }), fc.constantFrom(0, -0, 1e-12, -1e-12, 1e20)));
  fc.assert(fc.property(numbers, (values) => {
    const { min, max, count, sum, limits, counts } = bucketsOf(values);
    const finite = values.filter(Number.isFinite);
    assert.equal(count, finite.length);
    if (count === 0) return;
    assert.deepEqual([min + 0, max + 0], [Math.min(...finite) + 0, Math.max(...finite) + 0]);
    assert.equal(sum, finite.reduce((total, value) => total + value, 0));
    assert.ok(limits.every((limit, i) => i === 0 || limit > limits[i - 1]));
    counts.forEach((n, i) => {
      const low = i === 0 ? -Infinity : limits[i - 1];
      const top = limits[i] === Number.MAX_VALUE ? Infinity : limits[i];
      assert.equal(finite.filter((value) => low <= value && value < top).length, n);
    });
    assert.ok(counts.every((n, i) => n > 0 || counts[i + 1] > 0), "empty buckets are merged");
  }));
});

Deno.test("mistakes in a call are thrown and leave the file whole", async () => {
  await withWriter(async (log) => {
    assert.throws(() => log.scalar("", 1, 0), RangeError);
    for (const step of [0.5, NaN, Infinity]) assert.throws(() => log.scalar("loss", 1, step), RangeError);
    assert.throws(() => log.scalar("loss", tensor([1, 2]), 0), ShapeError);
    assert.throws(() => log.image("image", tensor([1, 2]), 0), ShapeError);
    assert.throws(() => log.images("images", tensor([1, 2]), 0), ShapeError);
    await log.scalar("loss", 1, 0);
    await log.close()();
    assert.throws(() => log.scalar("loss", 1, 0), (error) => error instanceof CotangentError && error.facts.path === log.file);
    assert.equal((await log.close()())._tag, "Right");
    assert.equal((await eventsIn(log.file)).length, 1);
  });
});

Deno.test("two writers of one folder have files of their own", async () => {
  await withWriter(async (log, folder) => {
    const other = await summaryWriter(folder)();
    assert.ok(other._tag === "Right" && other.right.file !== log.file);
    await other.right.scalar("loss", 2, 0);
    await log.scalar("loss", 1, 0);
    await other.right.close()();
    assert.deepEqual([(await eventsIn(log.file))[0].scalar, (await eventsIn(other.right.file))[0].scalar], [1, 2]);
  });
});

Deno.test("a folder that cannot be written is an error as a value", async () => {
  const file = await Deno.makeTempFile();
  const opened = await summaryWriter(`${file}/logs`)();
  assert.ok(opened._tag === "Left" && opened.left.kind === "Write");
  assert.equal(opened.left.path, `${file}/logs`);
  assert.ok(opened.left.message.startsWith(`Cannot write logs to ${file}/logs: `));
  await Deno.remove(file);
});

Deno.test("when the disk is full the file stays whole, the training goes on, and flush and close tell", async () => {
  await withWriter(async (log) => {
    await log.scalar("loss", 1, 0);
    const { writeSync } = Deno.FsFile.prototype;
    let left = 10;
    Deno.FsFile.prototype.writeSync = function (bytes) {
      if (left === 0) throw new Error("No space left on device");
      const written = writeSync.call(this, bytes.subarray(0, left));
      left -= written;
      return written;
    };
    try {
      await log.scalar("loss", 2, 1);
    } finally {
      Deno.FsFile.prototype.writeSync = writeSync;
    }
    await log.scalar("loss", 3, 2);
    for (const result of [await log.flush()(), await log.close()()]) {
      assert.ok(result._tag === "Left" && result.left.kind === "Write");
      assert.equal(result.left.message, `Cannot write logs to ${log.file}: No space left on device`);
    }
    assert.deepEqual((await eventsIn(log.file)).map(({ scalar }) => scalar), [1]);
  });
});

Deno.test("tags, values and steps that are none are refused at once, and leave nothing in the file", async () => {
  await withWriter(async (log) => {
    const odd = { ...hostileValues } as Readonly<Record<string, () => unknown>>;
    const numbers = ["NaN", "-1", "-0", "0.5", "2^31", "2^53", "Infinity"];
    const fine = {
      tag: ['"1"'],
      scalar: [...numbers, "disposed"],
      histogram: ["[]", "[NaN]", "[0.5]", "[-1]", "Float32Array", "disposed"],
      step: ["-1", "-0", "2^31"],
    };
    for (const [name, value] of Object.entries(odd)) {
      const given = value() as never;
      if (!fine.tag.includes(name)) assert.throws(() => log.scalar(given, 1, 0), /Cannot write .*tag/, `tag ${name}`);
      if (!fine.scalar.includes(name)) assert.throws(() => log.scalar("x", given, 0), /Cannot call scalar/, `value ${name}`);
      if (!fine.histogram.includes(name)) {
        assert.throws(() => log.histogram("x", given, 0), /Cannot call histogram/, `values ${name}`);
      }
      if (!fine.step.includes(name)) {
        assert.throws(() => log.scalar("x", 1, given), /the step must be an integer/, `step ${name}`);
      }
    }
    assert.throws(() => log.image("x", tensor([[1]]), 0, { ranges: [0, 1] } as never), /did you mean range/);
    assert.equal((await log.flush()())._tag, "Right");
    assert.deepEqual(await eventsIn(log.file), []);
  });
});
