/**
 * Models that are not what they should be: each is a Left or an error that says what is wrong, before anything large is made.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CotangentError, grad, jit, setDevice, sum, type Tensor, tensor, toArray, zeros } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import fixtures from "../fixtures/onnx.json" with { type: "json" };
import { inFolder, left, right } from "../formats/results.ts";
import { ModelProtoSchema, toBinary } from "./deps.ts";
import { bytesOf, type GraphSpec, load, modelOf, run, tryModel } from "./models.ts";

await setDevice("reference");

const refused = async (graph: GraphSpec, opset?: number) => left(await onnx.load(bytesOf(graph, opset))(), "Format");

Deno.test("all ops that are not supported are listed, with their nodes, those in branches too", async () => {
  const branch: GraphSpec = { nodes: [["Unheard", ["x"], ["a"], {}, "inner"]], outputs: ["a"] };
  const bytes = bytesOf({
    inputs: ["x", "c"],
    nodes: [
      ["Strange", ["x"], ["y"], {}, "first"],
      ["Relu", ["y"], ["z"]],
      ["Strange", ["z"], ["w"]],
      ["If", ["c"], ["o"], { then_branch: branch, else_branch: branch }],
    ],
    outputs: ["w", "o"],
  });
  const { message } = left(await onnx.load(bytes)(), "Unsupported");
  assert.match(
    message,
    /^Cannot read the bytes: it has what is not supported: Strange \(first, the node of "w"\); Unheard \(inner, inner\)$/,
  );
});

Deno.test("graphs that cannot be run are refused when they are loaded", async () => {
  const cycle = await refused({
    inputs: ["x"],
    nodes: [["Add", ["x", "b"], ["a"], {}, "one"], ["Relu", ["a"], ["b"]]],
    outputs: ["b"],
  });
  assert.deepEqual([cycle.rule, cycle.entry], ["cycles", "one"]);
  const missing = await refused({ inputs: ["x"], nodes: [["Add", ["x", "lost"], ["y"]]], outputs: ["y"] });
  assert.deepEqual([missing.rule, missing.entry], ["inputs", "lost"]);
  const twice = await refused({ inputs: ["x"], nodes: [["Relu", ["x"], ["y"]], ["Neg", ["x"], ["y"]]], outputs: ["y"] });
  assert.deepEqual([twice.rule, twice.entry], ["names", "y"]);
  const nothing = await refused({ inputs: ["x"], nodes: [], outputs: ["y"] });
  assert.deepEqual([nothing.rule, nothing.entry], ["outputs", "y"]);
  const nested = (depth: number): GraphSpec =>
    depth === 0
      ? { nodes: [["Relu", ["x"], ["y"]]], outputs: ["y"] }
      : { nodes: [["If", ["c"], ["y"], { then_branch: nested(depth - 1) }]], outputs: ["y"] };
  assert.equal((await refused({ inputs: ["x", "c"], ...nested(40) })).rule, "protocol buffer");
  left(await onnx.load(bytesOf({ inputs: ["x"], nodes: [], outputs: ["x"] }, 99))(), "Unsupported");
});

Deno.test("values may have very many users, and nodes very many inputs", async () => {
  const count = 150_000; // more than a call may have arguments
  const many: GraphSpec = {
    inputs: ["x"],
    nodes: [
      ["Relu", ["x"], ["a"]],
      ...Array.from({ length: 20_000 }, (_, i) => ["Neg", ["a"], [`b${i}`]] as const),
      ["Concat", new Array<string>(count).fill("a"), ["y"], { axis: 0 }],
      ["ai.onnx.preview.training.Gradient", ["x"], ["g"], { xs: ["x"], y: "y" }],
    ],
    outputs: ["y"],
  };
  right(await onnx.load(bytesOf(many))());
});

Deno.test("nodes are run in the order of their values, whatever the order of the file", async () => {
  const nodes = [["Neg", ["b"], ["y"]], ["Add", ["a", "a"], ["b"]], ["Relu", ["x"], ["a"]]] as const;
  assert.deepEqual(await run({ inputs: ["x"], nodes, outputs: ["y"] }, { x: tensor([-1, 2]) }), [-0, -4]);
});

Deno.test("sizes of tensors must be those of their elements", async () => {
  const graph = (dims: readonly number[]): GraphSpec => ({
    nodes: [],
    outputs: ["w"],
    values: { w: [1, 2, 3] },
    shapes: { w: dims },
  });
  for (const dims of [[2], [2 ** 30, 2 ** 30], [-3], [2 ** 31]]) {
    const { entry } = await refused(graph(dims));
    assert.equal(entry, "w");
  }
});

Deno.test("integers of 64 bits are sizes as they are, and i32 as tensors, or an error", async () => {
  const graph: GraphSpec = {
    inputs: ["x"],
    nodes: [["Add", ["x", "k"], ["y"]]],
    outputs: ["y"],
    values: { k: [3_000_000_000n] },
  };
  await assert.rejects(run(graph, { x: zeros([100], { dtype: "i32" }) }), /Cannot run the node of "y" \(Add\): .*3000000000/);
  const sliced: GraphSpec = {
    inputs: ["x"],
    nodes: [["Slice", ["x", "from", "to"], ["y"]]],
    outputs: ["y"],
    values: { from: [1n], to: [9_223_372_036_854_775_807n] },
  };
  assert.deepEqual(await run(sliced, { x: tensor([1, 2, 3]) }), [2, 3]);
});

Deno.test("what apply is given is checked by name", async () => {
  const { params, apply } = await load({
    inputs: ["x"],
    nodes: [["Add", ["x", "w"], ["y"]]],
    outputs: ["y"],
    values: { w: [1] },
  });
  const x = tensor([1]);
  assert.throws(() => apply(params, {}), /inputs are missing: x/);
  assert.throws(() => apply({}, { x }), /parameters are missing: w/);
  assert.throws(() => apply(params, { x, z: x }), /there is no input named z; there are x/);
  assert.throws(() => apply(params, { x: 3 as unknown as Tensor }), /its input "x" is 3/);
});

Deno.test("an error at run time names the node, and is of its own class", async () => {
  const graph: GraphSpec = { inputs: ["x", "y"], nodes: [["MatMul", ["x", "y"], ["z"], {}, "product"]], outputs: ["z"] };
  const { apply } = await load(graph);
  assert.throws(() => apply({}, { x: zeros([2, 3]), y: zeros([4, 5]) }), (error: Error) => {
    return error.constructor.name === "ShapeError" && error.message.startsWith("Cannot run product (MatMul): Cannot matmul");
  });
});

Deno.test("wrong ranks, and sizes that would take all memory, are errors", async () => {
  const cases: [GraphSpec["nodes"][number], GraphSpec["values"]?][] = [
    [["LSTM", ["x", "x", "x"], ["y"], { hidden_size: 2 }]],
    [["DepthToSpace", ["x"], ["y"], { blocksize: 2 }]],
    [["Conv", ["x", "x"], ["y"]]],
    [["MaxPool", ["x"], ["y"], { kernel_shape: [2] }]],
    [["EyeLike", ["x"], ["y"]]],
    [["BatchNormalization", ["x", "x", "x", "x", "x"], ["y"]]],
    [["Resize", ["x", "", "s"], ["y"]], { s: [1e9] }],
    [["Transpose", ["x"], ["y"], { perm: [3, 1] }]],
    [["Concat", ["x", "x"], ["y"], { axis: 7 }]],
    [["Gather", ["x", "k"], ["y"]], { k: [99n] }],
    [["Reshape", ["x", "k"], ["y"]], { k: [7n, -1n] }],
    [["Softmax", ["x"], ["y"], { axis: "last" }]],
    [["TopK", ["x", "k"], ["y", "z"]], { k: [5n] }],
  ];
  for (const [node, values] of cases) {
    const { params, apply } = await load({ inputs: ["x"], nodes: [node], outputs: ["y"], values });
    assert.throws(() => apply(params, { x: tensor([1, 2, 3]) }), (error: unknown) => {
      // TypeErrors of ours say what could not be called; those of the language itself would be mistakes here.
      assert.ok(`${error}`.includes(`Cannot run the node of "y" (${node[0]}): `), `${error}`);
      return error instanceof CotangentError || error instanceof RangeError || /: Cannot call/.test(`${error}`);
    });
  }
});

Deno.test("shapes must be known: under jit, an input that decides one is named", async () => {
  const { apply } = await load({ inputs: ["x", "to"], nodes: [["Reshape", ["x", "to"], ["y"]]], outputs: ["y"] });
  const inputs = { x: tensor([1, 2, 3, 4]), to: tensor([2, -1], { dtype: "i32" }) };
  assert.deepEqual(await toArray(apply({}, inputs).y), [[1, 2], [3, 4]]);
  assert.throws(() => jit(apply)({}, inputs), /input 1 \("to"\) decides a shape/);
});

Deno.test("initializers are parameters if they are floats; names of the prototype are names", async () => {
  const { params, apply } = await load({
    inputs: ["x"],
    nodes: [["Mul", ["x", "__proto__"], ["a"]], ["Reshape", ["a", "to"], ["constructor"]]],
    outputs: ["constructor"],
    values: { __proto__x: [1], to: [1n, 2n] },
  }).catch(() => ({ params: {}, apply: undefined }));
  assert.equal(apply, undefined);
  assert.deepEqual(params, {});
  const model = await load({ inputs: ["x"], nodes: [["Mul", ["x", "w"], ["y"]]], outputs: ["y"], values: { w: [2, 3] } });
  assert.deepEqual(Object.keys(model.params), ["w"]);
  const g = grad((p: onnx.NamedTensors) => sum(model.apply(p, { x: tensor([5, 7]) }).y))(model.params);
  assert.deepEqual(await toArray(g.w), [5, 7]);
});

Deno.test("tensors in other files are read from the model's folder, and from nowhere else", async () => {
  await inFolder(async (folder) => {
    const model = async (entries: Readonly<Record<string, string>>) => {
      const message = modelOf({
        output: [{ name: "w" }],
        initializer: [{
          name: "w",
          dims: [2n],
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
        }],
      });
      const path = join(folder, "inner", "model.onnx");
      await Deno.writeFile(path, toBinary(ModelProtoSchema, message));
      return onnx.load(path)();
    };
    await Deno.mkdir(join(folder, "inner", "deep"), { recursive: true });
    const floats = new Uint8Array(Float32Array.of(9, 1.5, 2.5).buffer);
    for (const path of ["secret", "inner/w.data", "inner/deep/w.data"]) await Deno.writeFile(join(folder, path), floats);
    await Deno.symlink(join(folder, "secret"), join(folder, "inner", "link"));
    for (const location of ["w.data", "deep/w.data", "./deep/../w.data"]) {
      const { params } = right(await model({ location, offset: "4", length: "8" }));
      assert.deepEqual(await toArray(params.w), [1.5, 2.5]);
    }
    for (const location of ["../secret", join(folder, "secret"), "deep/../../secret", "link", "..\\secret", ""]) {
      assert.equal(left(await model({ location, offset: "4" }), "Format").rule, "folder", location);
    }
    left(await model({ location: "none" }), "NotFound");
    const wrong: Readonly<Record<string, string>>[] = [{ offset: "8" }, { length: "4" }, { offset: "-4" }, { offset: "1e1" }, {
      offset: "99999999999999999999",
    }];
    for (const entries of wrong) {
      assert.equal(left(await model({ location: "w.data", ...entries }), "Format").rule, "external data");
    }
    const bytes = await Deno.readFile(join(folder, "inner", "model.onnx"));
    assert.match(left(await onnx.load(bytes)(), "Unsupported").message, /load the model by its path/);
    left(await onnx.load(join(folder, "missing.onnx"))(), "NotFound");
    left(await onnx.load(folder)(), "Read");
  });
});

Deno.test("a file that is cut short anywhere is refused, or a smaller model", async () => {
  const bytes = bytesFrom("gru");
  for (let length = 0; length < bytes.length; length += 7) await tryModel(bytes.slice(0, length), [2, 4, 3], "f32");
  left(await onnx.load(new Uint8Array())(), "Format");
});

function bytesFrom(name: keyof typeof fixtures): Uint8Array {
  return Uint8Array.fromBase64(fixtures[name].model);
}
