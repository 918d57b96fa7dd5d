/** `examples/fine_tune.ts`: the last layer of an imported network is replaced, what should learn learns, and nothing else; by files, too. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { digitNetwork, writePictures } from "../../examples/chapters/letters_after_digits.ts";
import { makeTuner } from "../../examples/parts/fine_tuning.ts";
import { letterPictures, letters } from "../../examples/parts/letter_pictures.ts";
import { type Adapted, withNewHead } from "../../examples/parts/new_head.ts";
import {
  add,
  argmax,
  at,
  data,
  item,
  layers,
  matmul,
  mul,
  random,
  relu,
  setDevice,
  softmax,
  type Tensor,
  tensor,
} from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { right } from "../formats/results.ts";
import { checkEnded, runExample, smoke } from "./run_example.ts";

const file = "fine_tune.ts";
const key = random.key(0);

async function imported(f: (...xs: Tensor[]) => Tensor, params: Record<string, Tensor>, shapes = [[2, 6]]): Promise<onnx.Model> {
  return right(await onnx.load(await onnx.encode(f, shapes.map((shape) => ({ shape })), { params }))());
}

function adapted(model: onnx.Model, shape: readonly number[], classes: number, prefix?: string): Adapted {
  const result = withNewHead(model, shape, classes, key, prefix);
  return result._tag === "Right" ? result.right : assert.fail(result.left);
}

/** A network of two layers with a norm between them. */
function network() {
  const model = layers.serial({
    fc1: layers.linear({ features: 4 }),
    norm: layers.batchNorm(),
    act: relu,
    fc2: layers.linear({ features: 4 }),
  });
  const { params, state } = model.init(key, [6]);
  const f = (x: Tensor) => model.apply(params, state, x, layers.evalMode)[0];
  return { f, params: layers.stateDict(params, state) };
}

Deno.test("the last layer is replaced, whichever way its matrix lies, and with or without a bias", async () => {
  const w = random.normal(key, [6, 6]), b = random.normal(key, [6]);
  const cases: readonly (readonly [(x: Tensor) => Tensor, Record<string, readonly number[]>])[] = [
    [(x) => matmul(x, w), { w: [6, 3] }],
    [(x) => add(matmul(x, w), b), { w: [6, 3], b: [3] }],
    [(x) => softmax(add(matmul(x, w), b), { axis: 1 }), { w: [6, 3], b: [3] }],
  ];
  for (const [f, expected] of cases) {
    const { head, body, apply, outputs } = adapted(await imported(f, { w, b }), [6], 3);
    assert.deepEqual(Object.fromEntries(Object.entries(head).map(([name, { shape }]) => [name, shape])), expected);
    assert.deepEqual([outputs, apply({ ...body, ...head }, random.normal(key, [5, 6])).shape], [6, [5, 3]]);
  }
  const { f, params } = network();
  const model = await imported(f, params);
  const { head, body } = adapted(model, [6], 7);
  assert.deepEqual(Object.keys(head), ["fc2.weight", "fc2.bias"]);
  assert.deepEqual([head["fc2.weight"].shape, head["fc2.bias"].shape], [[7, 4], [7]]);
  assert.equal(Object.keys(body).length, Object.keys(model.params).length - 2);
});

Deno.test("a network that has no such layer is refused with the reason", async () => {
  const w = random.normal(key, [6, 4]);
  const cases: readonly (readonly [onnx.Model, RegExp, string?])[] = [
    [await imported((x, y) => matmul(add(x, y), w), { w }, [[2, 6], [2, 6]]), /^it has 2 inputs/],
    [await imported((x) => relu(x), {}), /^none of its parameters is a matrix with 6 rows or columns$/],
    [await imported((x) => matmul(x, w), { w }), /^none of its parameters/, "fc"],
    [
      await imported((x) => layers.flatten().apply({}, {}, x, layers.evalMode)[0], {}, [[2, 6, 2]]),
      /^it gives \[1, 6, 2\]|^none/,
    ],
    // The numbers of the matrix have to be four afterwards, too.
    [
      await imported((x) => mul(matmul(x, w), tensor([[1, 2, 3, 4]])), { w }),
      /^it does not give 3 numbers when \w+ or \w+ has as many/,
    ],
  ];
  for (const [model, reason, prefix] of cases) {
    const shape = (model.inputs[0].shape ?? []).slice(1).map(Number);
    const result = withNewHead(model, shape, 3, key, prefix);
    assert.match(result._tag === "Left" ? result.left : "none", reason);
  }
});

Deno.test("the new layer learns alone, or all weights do; statistics stay", async () => {
  await setDevice("wasm");
  const { f, params } = network();
  const x = random.normal(random.key(4), [24, 6]);
  const labels = argmax(at(f(x), [":", { stop: 3 }]), { axis: 1 });
  for (const all of [false, true]) {
    const model = await imported(f, params);
    assert.deepEqual([...model.statistics].sort(), ["norm.running_mean", "norm.running_var"]);
    const before = new Map<string, string>();
    for (const [name, value] of Object.entries(model.params)) before.set(name, String(await data(value)));
    const fixed = all ? model.statistics : undefined;
    const tuner = await makeTuner({ network: adapted(model, [6], 3), fixed, learningRate: 0.1, sample: x });
    let state = tuner.initial;
    const losses: number[] = [];
    for (let i = 0; i < 40; i++) {
      const [loss, next] = tuner.step(state, { x, labels });
      state = next;
      losses.push(await item(loss));
    }
    assert.ok(losses.at(-1)! < losses[0] / 2, `${losses[0]} became ${losses.at(-1)}`);
    const after = tuner.params(state.learning);
    const changed: string[] = [];
    for (const [name, value] of before) {
      if (value !== String(await data(after[name]))) changed.push(name);
    }
    const weights = ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight", "norm.bias", "norm.weight"];
    assert.deepEqual(changed.sort(), all ? weights : ["fc2.bias", "fc2.weight"]);
  }
});

Deno.test("of a network that ends with softmax the logarithms are learned by", async () => {
  const w = random.normal(key, [6, 4]);
  const x = random.normal(random.key(4), [8, 6]);
  for (
    const [f, isProbability] of [[(x: Tensor) => softmax(matmul(x, w), { axis: 1 }), true], [
      (x: Tensor) => matmul(x, w),
      false,
    ]] as const
  ) {
    const network = adapted(await imported(f, { w }), [6], 3);
    const tuner = await makeTuner({ network, fixed: undefined, learningRate: 0.1, sample: x });
    const values = await data(tuner.logits(tuner.initial.learning, x));
    const given = await data(network.apply({ ...network.body, ...network.head }, x));
    values.forEach((value, i) => assert.ok(Math.abs(value - (isProbability ? Math.log(given[i]) : given[i])) < 1e-4));
  }
});

/** Accuracies in the order in which they were printed. */
function accuracies(out: string): number[] {
  return [...out.matchAll(/test accuracy ([\d.]+) %/g)].map(([, percents]) => Number(percents)).slice(1);
}

Deno.test("--smoke: learns letters, in memory without permission, and by files with it", async () => {
  const inMemory = await runExample(file, smoke);
  checkEnded(inMemory, 0, /stay in memory/);
  const byFiles = await runExample(file, [...smoke, "--all"], { permissions: ["--allow-read", "--allow-write"] });
  checkEnded(byFiles, 0, /200 pictures of 5 classes \(A, E, K, R, S\), 40 of them to test/);
  for (const { out, err } of [inMemory, byFiles]) {
    assert.equal(err, "");
    const [before, ...epochs] = accuracies(out);
    assert.ok(before < 60 && epochs.at(-1)! >= 95, out);
  }
  assert.ok(!byFiles.out.includes("in memory"));
});

Deno.test("a network learns the folders of a user, and is saved; what is wrong is told", async () => {
  await setDevice("wasm");
  await withFolder(async (folder) => {
    const [digits, pictures, saved] = ["digits.onnx", "letters", "tuned.onnx"].map((name) => join(folder, name));
    const bytes = await digitNetwork(3);
    await Deno.writeFile(digits, bytes);
    await writePictures(letterPictures(3, 20), pictures);
    const permissions = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    const args = ["--pixels", "mnist", "--device", "wasm"];
    const ended = await runExample(file, [digits, pictures, "--save", saved, ...args], { permissions });
    checkEnded(ended, 0, /10 outputs before; new: head\.weight \[5, 320\], head\.bias \[5\]/);
    assert.match(ended.out, /^epoch 8\/8 .*\nsaved .*tuned\.onnx$/m);

    const { params, apply, inputs } = right(await onnx.load(saved)());
    assert.deepEqual([inputs[0].name, inputs[0].shape], ["pixels", ["batch", 1, 28, 28]]);
    const others = letterPictures(8, 20);
    const pixels = tensor(Float32Array.from(others.images, (byte) => byte / 255), { shape: [others.count, ...others.shape] });
    const { probabilities } = apply(params, { pixels });
    const named = await data(argmax(probabilities, { axis: 1 }));
    const rightly = others.labels.filter((label, i) => label === named[i]).length;
    assert.ok(rightly >= 0.9 * others.count, `${rightly} of ${others.count} ${letters}`);

    const wrong = async (more: readonly string[], code: number, said: RegExp) =>
      checkEnded(await runExample(file, [...more, ...args], { permissions }), code, said);
    await wrong([digits], 2, /a MODEL and a FOLDER are needed/);
    await wrong([join(folder, "none.onnx"), pictures], 1, /none\.onnx/);
    await wrong([join(pictures, "A", "0.png"), pictures], 1, /as ONNX/);
    await wrong([digits, join(folder, "none")], 1, /none/);
    await wrong([digits, pictures, "--head", "fc"], 1, /Cannot give the network a new last layer: none of its parameters/);
  });
});
