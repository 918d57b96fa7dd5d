/**
 * Checkpoints: what is saved comes back bit for bit, whatever ends the process; damage is noticed and passed over; a folder of another
 * model is told.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  checkpoints,
  data,
  fromBytes,
  item,
  jit,
  layers,
  max,
  mul,
  ones,
  optimizers,
  random,
  realize,
  type Tensor,
  tensor,
  toBytes,
  treeLeaves,
  treeTensors,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { Faults } from "../support/faults.ts";
import { killed, leftIn, newestOf } from "./killed.ts";
import { inFolder, left, right } from "./results.ts";

const { latest, list, restore, save } = checkpoints;

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== ".lock").sort();
}

async function bitsOf(tree: unknown): Promise<unknown[]> {
  return await Promise.all(
    treeLeaves(tree).map(async ({ path, value }) => [
      path,
      value !== null && typeof value === "object" ? await toBytes(value as Tensor) : value,
    ]),
  );
}

/** What training holds: parameters, state, an optimizer's state, a key, numbers and texts. */
function training() {
  const model = layers.serial({ conv: layers.conv2d({ features: 3, kernel: 3 }), bn: layers.batchNorm() });
  const { params, state } = model.init(random.key(1), [1, 6, 6]);
  const optimizer = optimizers.adam({ learningRate: 1e-3 }).init(params);
  const values = {
    epoch: 3,
    rate: 0.1,
    least: -0,
    most: Infinity,
    none: NaN,
    name: "é\n\u0000",
    on: true,
    nothing: null,
    large: 2n ** 70n,
  };
  return {
    params,
    state,
    optimizer,
    key: random.key(7),
    values,
    "a.b": { "": [undefined, { c: tensor([1], { dtype: "i32" }) }] },
  };
}

testOnDevices("a tree comes back bit for bit: tensors, numbers that JSON has not, texts", async () => {
  await inFolder(async (folder) => {
    const tree = training();
    const nan = fromBytes(Uint32Array.of(0x7fc12345, 0xffc00001, 0x80000000, 1), { dtype: "f32" });
    right(await save(join(folder, "new", "folder"), 12, { tree, nan })());
    const { step, tree: back, skipped, metric } = right(await restore(join(folder, "new", "folder"), { tree, nan })());
    assert.deepEqual([step, skipped, metric], [12, [], undefined]);
    assert.deepEqual(await bitsOf(back), await bitsOf({ tree, nan }));
    assert.ok(Object.is(back.tree.values.least, -0));
    right(await save(folder, 1, tensor([1, 2]))());
    assert.deepEqual([...await data(right(await restore(folder, zeros([2]))()).tree)], [1, 2]);
  });
});

testOnDevices("training may donate what is being saved", async () => {
  await inFolder(async (folder) => {
    const [x] = await realize([mul(ones([1000]), 3)]);
    const saving = save(folder, 1, { x })();
    const y = jit((z: Tensor) => mul(z, 2), { donate: [0] })(x);
    assert.equal(await item(max(y)), 6);
    right(await saving);
    assert.deepEqual(new Set(await data(right(await restore(folder, { x: zeros([1000]) })()).tree.x)), new Set([3]));
  });
});

Deno.test("the newest ones and the best one stay", async () => {
  await inFolder(async (folder) => {
    const at = async (step: number, metric: number, best: "max" | "min" = "max") =>
      right(await save(folder, step, { step }, { keep: 2, metric, best })());
    await at(1, 0.5);
    await at(2, 0.9);
    await at(3, 0.7);
    await at(10, 0.8);
    await at(11, 0.6);
    assert.deepEqual(namesIn(folder), ["step-10.safetensors", "step-11.safetensors", "step-2.safetensors"]);
    assert.deepEqual(right(await list(folder)()), [{ step: 11, metric: 0.6 }, { step: 10, metric: 0.8 }, {
      step: 2,
      metric: 0.9,
    }]);
    assert.equal(right(await latest(folder)()), 11);
    await at(12, 0.1, "min");
    assert.deepEqual(right(await list(folder)()).map(({ step }) => step), [12, 11]);
    assert.deepEqual(right(await restore(folder, { step: 0 }, { step: 11 })()).tree, { step: 11 });
    await at(11, 0.2);
    assert.equal(right(await restore(folder, { step: 0 }, { step: 11 })()).metric, 0.2);
  });
});

Deno.test("what is saved stays, even if there are newer ones: those are damaged, and training went on before them", async () => {
  await inFolder(async (folder) => {
    for (const step of [20, 21, 22]) await Deno.writeTextFile(join(folder, `step-${step}.safetensors`), "damaged");
    const at = async (step: number) => right(await save(folder, step, { step }, { keep: 2 })());
    assert.match(left(await restore(folder, {})(), "Format").message, /none is whole; Cannot read .*step-22/);
    for (const step of [9, 10]) {
      await at(step);
      assert.equal(right(await restore(folder, { step: 0 })()).step, step);
    }
    for (const step of [23, 24]) await at(step);
    assert.deepEqual(namesIn(folder), ["step-23.safetensors", "step-24.safetensors"]);
  });
});

Deno.test("damage anywhere in the newest is noticed, and the one before is restored, saying so", async () => {
  await inFolder(async (folder) => {
    const tree = { x: tensor([1, 2, 3]), n: 1 };
    right(await save(folder, 1, tree)());
    right(await save(folder, 2, { ...tree, n: 2 })());
    const path = join(folder, "step-2.safetensors");
    const whole = await Deno.readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      await Deno.writeFile(path, whole.with(at, whole[at] ^ 0x20));
      const { step, tree: back, skipped } = right(await restore(folder, tree)());
      assert.deepEqual([step, back.n, skipped.map((each) => each.step)], [1, 1, [2]], `byte ${at}`);
      assert.match(skipped[0].reason, /^Cannot read .*step-2/);
      left(await restore(folder, tree, { step: 2 })(), "Format");
    }
    for (let length = 0; length < whole.length; length += 31) {
      await Deno.writeFile(path, whole.slice(0, length));
      assert.equal(right(await restore(folder, tree)()).step, 1);
    }
    await Deno.writeFile(path, whole);
    assert.equal(right(await restore(folder, tree)()).step, 2);
    await Deno.writeFile(join(folder, "step-1.safetensors"), whole); // of another step
    assert.match(left(await restore(folder, tree, { step: 1 })(), "Format").message, /of step 1/);
  });
});

Deno.test("a checkpoint of another tree names all that differs", async () => {
  await inFolder(async (folder) => {
    right(await save(folder, 1, { a: ones([2]), b: ones([3]), c: 1, d: "x", e: ones([1]), f: null })());
    const like = { a: zeros([2, 1]), b: zeros([3], { dtype: "i32" }), c: "1", e: 3, f: 5, g: zeros([1]), "h.i": true };
    const error = left(await restore(folder, like)(), "Mismatch");
    assert.deepEqual(error.missing, ["g", "h~1i"]);
    assert.deepEqual(error.unexpected, ["d"]);
    assert.deepEqual(error.mismatched, [
      "a is f32 [2], not f32 [2, 1]",
      "b is f32 [3], not i32 [3]",
      "c is a number, not a string",
      "e is a tensor there",
    ]);
    assert.match(error.message, /missing: g, h~1i; unexpected: d; other: a is/);
  });
});

Deno.test("an empty folder, one that is not there, and one that is a file", async () => {
  await inFolder(async (folder) => {
    for (const empty of [folder, join(folder, "none")]) {
      assert.match(left(await restore(empty, {})(), "NotFound").message, /there is none/);
      assert.equal(right(await latest(empty)()), undefined);
      assert.deepEqual(right(await list(empty)()), []);
    }
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    left(await save(file, 1, {})(), "Write");
    left(await restore(file, {})(), "Read");
  });
});

Deno.test({
  name: "without permission no folder of checkpoints is read, and the error names the flag",
  permissions: { read: [new URL("../../", import.meta.url)], write: false, env: true, ffi: false },
  fn: async () => {
    for (const read of [restore("/run", {}), list("/run"), latest("/run")]) {
      assert.equal(left(await read(), "Permission").flag, "--allow-read=/run");
    }
  },
});

Deno.test("whatever fails while a checkpoint is saved, listed or restored is a value, and an earlier one is still there", async () => {
  const error = () => new Deno.errors.NotADirectory("on purpose");
  const points = [
    ...["mkdir", "stat", "realPath", "open", "remove", "chmod", "rename"].map((name) => ({
      owner: Deno,
      name,
      error,
      rejects: true,
    })),
    ...["write", "sync", "read"].map((name) => ({ owner: Deno.FsFile.prototype, name, error, rejects: true })),
    { owner: Deno, name: "readDir", error },
  ];
  const tree = (step: number) => ({ weight: tensor([step, -step]) });
  const tasks = {
    save: (folder: string) => save(folder, 3, tree(3), { keep: 1, metric: 3 }),
    list,
    restore: (folder: string) => restore(folder, tree(0)),
  };
  for (const [name, task] of Object.entries(tasks)) {
    const prepare = async (folder: string) => {
      for (const step of [1, 2]) right(await save(folder, step, tree(step), { metric: step })());
    };
    using faults = new Faults(points);
    let count = 0;
    await inFolder(async (folder) => {
      await prepare(folder);
      count = await faults.count(task(folder));
    });
    assert.ok(count >= 3, `${name}: ${count} calls`);
    let failed = 0;
    for (let call = 0; call < count; call++) {
      await inFolder(async (folder) => {
        await prepare(folder);
        let tag = "";
        const thrown = await faults.inject(call, false, async () => {
          tag = (await task(folder)())._tag;
        });
        assert.equal(thrown, undefined, `${name}, call ${call} of ${count}: ${thrown}`);
        if (tag === "Left") failed++;
        const { step, tree: restored } = right(await restore(folder, tree(0))());
        assert.ok(step >= 2, `${name}, call ${call} of ${count}: step ${step}`);
        assert.deepEqual([...await data(restored.weight)], [step, -step]);
        right(await save(folder, 4, tree(4), { keep: 1, metric: 4 })());
        assert.deepEqual(namesIn(folder), ["step-4.safetensors"]);
      });
    }
    assert.ok(failed >= 1, `${name}: ${failed} of ${count} failed`);
  }
});

Deno.test("what cannot be saved is a mistake of the program", () => {
  for (const leaf of [() => 1, new Float32Array(2), new Map(), new Date(), Symbol("a")]) {
    assert.throws(() => save("x", 1, { a: [leaf] }), /^TypeError: Cannot call checkpoints\.save with .* at "a\.0": /);
  }
  for (const step of [-1, 0.5, NaN, 2 ** 60, "1"]) {
    assert.throws(() => save("x", step as number, {}), /checkpoints\.save with step/);
  }
});

Deno.test("a process that is killed leaves a folder that can be read, and the next one tidies up", async () => {
  await inFolder(async (above) => {
    const folder = join(above, "checkpoints");
    for (const after of [0, 3, 11]) {
      await killed(folder, 1, after);
      await newestOf(folder);
    }
    right(await save(folder, 1e6, { step: 1 })());
    assert.deepEqual(leftIn(folder), []);
  });
});

Deno.test("processes that save into one folder take turns", async () => {
  await inFolder(async (above) => {
    const folder = join(above, "checkpoints");
    await Promise.all([killed(folder, 2, 60), killed(folder, 2, 80)]);
    assert.equal((await newestOf(folder)).skipped, 0);
    // Tasks of one process, too.
    await Promise.all([7, 8, 9].map(async (n) => right(await save(folder, 1e6 + n, { x: ones([50_000]) }, { keep: 2 })())));
    assert.equal(right(await list(folder)()).length, 2);
    assert.equal(treeTensors(right(await restore(folder, { x: zeros([50_000]) })()).tree).length, 1);
  });
});
