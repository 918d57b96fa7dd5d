/**
 * Functions as ONNX files: that every record has a row, which ops networks become, and what is refused. That the files mean what the
 * functions do is checked in another runtime by the long tests.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  argmax,
  CotangentError,
  type DType,
  elu,
  gelu,
  groupNorm,
  hardSwish,
  instanceNorm,
  jit,
  layers,
  lgamma,
  logSoftmax,
  matmul,
  mean,
  mul,
  ones,
  OptionError,
  prelu,
  random,
  relu6,
  reshape,
  scan,
  type Shape,
  ShapeError,
  sin,
  softmax,
  softplus,
  stack,
  sum,
  Tensor,
  tensor,
} from "../../mod.ts";
import { allOps } from "../../core/ops/mod.ts";
import { erfinv } from "../../core/ops/special.ts";
import * as onnx from "../../onnx/mod.ts";
import { handedOn, rows } from "../../onnx/export/table.ts";
import { fromBinary, type GraphProto, type ModelProto, ModelProtoSchema } from "../../onnx/deps.ts";
import { cnn } from "../../examples/parts/models.ts";
import { recordsIn } from "../support/records.ts";

type Options = onnx.ExportOptions;

async function exported(
  f: (...inputs: Tensor[]) => unknown,
  inputs: readonly onnx.InputExample[],
  options?: Options,
): Promise<ModelProto> {
  return fromBinary(ModelProtoSchema, await onnx.encode(f, inputs, options));
}

/** The ops of a graph in order, without the last ones that give outputs their names. */
function ops({ graph }: ModelProto): string[] {
  return graph!.node.slice(0, -graph!.output.length).map(({ opType }) => opType);
}

function shapesOf(values: GraphProto["input"]): (string | number)[][] {
  return values.map(({ type }) => {
    if (type?.value.case !== "tensorType") throw new Error("no tensor");
    return type.value.value.shape!.dim.map(({ value }) => value.case === "dimParam" ? value.value : Number(value.value));
  });
}

/** The `apply` of a model in use, and its parameters by name. */
function modelOf(model: layers.AnyLayer, input: Shape): [(x: Tensor) => Tensor, readonly onnx.InputExample[], Options] {
  const { params, state } = model.init(random.key(0), input);
  return [
    (x) => model.apply(params, state, x, layers.evalMode)[0],
    [{ shape: [1, ...input] }],
    { params: layers.stateDict(params, state) },
  ];
}

Deno.test("every record is written, refused with a reason, or handed on", async () => {
  const records = new Set([...allOps, ...await recordsIn(new URL("../../core/grad/", import.meta.url))]);
  const handed = new Set(handedOn);
  for (const op of records) assert.equal(Number(rows.has(op)) + Number(handed.has(op)), 1, op.name);
  for (const op of [...rows.keys(), ...handed]) assert.ok(records.has(op), op.name);
});

const one = [{ shape: [2, 3] }];
const vector: Shape = [4];
const image: Shape = [3, 8, 8];
const perChannel = { weight: tensor([1, 2, 3]), bias: tensor([4, 5, 6]) };

/** What functions and layers become. */
const written: readonly (readonly [string, (x: Tensor) => unknown, Shape, readonly string[]])[] = [
  ["linear", modelOf(layers.linear({ features: 2 }), vector)[0], vector, ["Gemm"]],
  ["linear on sequences", modelOf(layers.linear({ features: 2 }), [5, 4])[0], [5, 4], ["Transpose", "MatMul", "Add"]],
  ["conv2d", modelOf(layers.conv2d({ features: 2, kernel: 3 }), image)[0], image, ["Conv"]],
  ["conv2d without bias", modelOf(layers.conv2d({ features: 2, kernel: 3, bias: false }), image)[0], image, ["Conv"]],
  ["conv1d", modelOf(layers.conv1d({ features: 2, kernel: 3 }), [3, 8])[0], [3, 8], ["Conv"]],
  ["convTranspose2d", modelOf(layers.convTranspose2d({ features: 2, kernel: 3 }), image)[0], image, ["ConvTranspose"]],
  ["convTranspose1d", modelOf(layers.convTranspose1d({ features: 2, kernel: 3 }), [3, 8])[0], [3, 8], ["ConvTranspose"]],
  ["maxPool2d", modelOf(layers.maxPool2d({ kernel: 2 }), image)[0], image, ["MaxPool"]],
  ["maxPool1d", modelOf(layers.maxPool1d({ kernel: 2 }), [3, 8])[0], [3, 8], ["MaxPool"]],
  ["avgPool2d", modelOf(layers.avgPool2d({ kernel: 3, padding: 1 }), image)[0], image, ["AveragePool"]],
  ["avgPool1d", modelOf(layers.avgPool1d({ kernel: 2 }), [3, 8])[0], [3, 8], ["AveragePool"]],
  ["mean of images", (x) => mean(x, { axis: [2, 3] }), image, ["GlobalAveragePool", "Flatten"]],
  ["mean of images with their axes", (x) => mean(x, { axis: [2, 3], keepDims: true }), image, ["GlobalAveragePool"]],
  ["mean", (x) => mean(x, { axis: 1 }), [5, 4], ["ReduceMean"]],
  ["sum with its axis", (x) => sum(x, { axis: 1, keepDims: true }), [5, 4], ["ReduceSum"]],
  ["batchNorm", modelOf(layers.batchNorm(), image)[0], image, ["BatchNormalization"]],
  ["batchNorm without parameters", modelOf(layers.batchNorm({ affine: false }), vector)[0], vector, ["BatchNormalization"]],
  ["layerNorm", modelOf(layers.layerNorm(), [5, 4])[0], [5, 4], ["LayerNormalization"]],
  ["instanceNorm", (x) => instanceNorm(x), image, ["InstanceNormalization"]],
  ["instanceNorm with parameters", (x) => instanceNorm(x, perChannel), image, ["InstanceNormalization"]],
  ["groupNorm", (x) => groupNorm(x, { groups: 1 }), image, ["Reshape", "InstanceNormalization", "Reshape"]],
  ["softmax", (x) => softmax(x), vector, ["Softmax"]],
  ["logSoftmax", (x) => logSoftmax(x, { axis: 1 }), [5, 4], ["LogSoftmax"]],
  ["relu6", (x) => relu6(x), vector, ["Clip"]],
  ["hardSwish", (x) => hardSwish(x), vector, ["HardSwish"]],
  ["elu", (x) => elu(x), vector, ["Elu"]],
  ["prelu", (x) => prelu(x, tensor([0.1, 0.2, 0.3])), image, ["Reshape", "PRelu"]],
  ["softplus", (x) => softplus(x), vector, ["Softplus"]],
  ["flatten", modelOf(layers.flatten(), image)[0], image, ["Flatten"]],
  ["embedding", modelOf(layers.embedding({ numEmbeddings: 9, features: 4 }), [5])[0], [5], ["Gather"]],
  ["scan", (x) => scan((s: Tensor, row: Tensor) => [add(s, row), null], ones([x.shape[1]]), x)[0], vector, ["Scan"]],
];

Deno.test("layers become the ops of their names", async (t) => {
  for (const [name, f, shape, expected] of written) {
    const dtype: DType = name === "embedding" ? "i32" : "f32";
    await t.step(name, async () => assert.deepEqual(ops(await exported(f, [{ shape: [2, ...shape], dtype }])), expected));
  }
});

/** Every name is made once, and before it is used, in inner graphs too. */
function checkOrder(graph: GraphProto, around: ReadonlySet<string> = new Set()): void {
  const known = new Set(around);
  const make = (name: string) => {
    assert.ok(name !== "" && !known.has(name), `${name} is made once`);
    known.add(name);
  };
  [...graph.input, ...graph.initializer].forEach(({ name }) => make(name));
  for (const node of graph.node) {
    for (const input of node.input) assert.ok(known.has(input), `${node.name} takes ${input}, which was made before`);
    for (const { g } of node.attribute) if (g) checkOrder(g, known);
    node.output.forEach(make);
  }
  for (const { name } of graph.output) assert.ok(known.has(name), `${name} is made`);
}

Deno.test("a network has its parameters by name, a free batch, and ops in order", async () => {
  const [f, inputs, options] = modelOf(cnn, [1, 28, 28]);
  const model = await exported(f, inputs, options);
  assert.deepEqual(ops(model), ["Conv", "MaxPool", "Relu", "Conv", "MaxPool", "Relu", "Flatten", "Gemm"]);
  assert.equal(model.irVersion, 8n);
  assert.deepEqual(model.opsetImport.map(({ domain, version }) => [domain, version]), [["", 18n]]);
  const graph = model.graph!;
  assert.deepEqual(new Set(graph.initializer.map(({ name }) => name)), new Set(Object.keys(options.params!)));
  assert.deepEqual(graph.initializer.map(({ dims }) => dims.map(Number)), [
    [10, 1, 5, 5],
    [10],
    [20, 10, 5, 5],
    [20],
    [10, 320],
    [10],
  ]);
  assert.deepEqual([shapesOf(graph.input), shapesOf(graph.output)], [[["batch", 1, 28, 28]], [["batch", 10]]]);
  checkOrder(graph);
});

Deno.test("a recurrent network is one op for each layer and direction, of parameters by name", async () => {
  for (const [layer, op, gates] of [[layers.lstm, "LSTM", 4], [layers.gru, "GRU", 3]] as const) {
    const [f, inputs, options] = modelOf(layer({ features: 4, layers: 2, bidirectional: true }), [6, 3]);
    const graph = (await exported(f, inputs, options)).graph!;
    checkOrder(graph);
    const cells = graph.node.filter(({ opType }) => opType === op);
    assert.equal(cells.length, 4);
    assert.ok(!graph.node.some(({ opType }) => ["MatMul", "Gemm", "Scan"].includes(opType)), "the cell has all products");
    assert.equal(graph.node.find(({ opType }) => opType === "Split")!.output.length, gates);
    for (const name of Object.keys(options.params!)) assert.ok(graph.initializer.some((each) => each.name === name), name);
  }
});

Deno.test("another loop is a Scan whose step sees what is around it, and has the free batch", async () => {
  const [weight, bias] = [random.normal(random.key(0), [4, 4]), tensor([1, 2, 3, 4])];
  const f = (x: Tensor) =>
    scan((s: Tensor, row: Tensor) => [add(matmul(add(s, row), weight), bias), null], mul(x, 0), stack([x, x]))[0];
  const graph = (await exported(f, [{ shape: [2, 4] }], { params: { weight, bias } })).graph!;
  checkOrder(graph);
  const loop = graph.node.find(({ opType }) => opType === "Scan")!;
  const step = loop.attribute.find(({ name }) => name === "body")!.g!;
  assert.deepEqual(shapesOf(step.input), [["batch", 4], ["batch", 4]]);
  assert.deepEqual(step.node.map(({ opType }) => opType), ["Add", "Gemm", "Identity"]);
  assert.deepEqual(step.node[1].input.slice(1), ["weight", "bias"]);
});

Deno.test("an attention layer is products, softmax and normalisations", async () => {
  const encoder = layers.transformerEncoderLayer({ features: 8, heads: 2, hidden: 16 });
  const graph = (await exported(...modelOf(encoder, [5, 8]))).graph!;
  checkOrder(graph);
  const count = (op: string) => graph.node.filter(({ opType }) => opType === op).length;
  assert.deepEqual(["MatMul", "Softmax", "LayerNormalization", "Relu", "Gather"].map(count), [8, 1, 2, 1, 0]);
});

Deno.test("a parameter of equal numbers has its name, also where a function makes its constants anew", async () => {
  const params = { fc: { weight: ones([3, 3]), bias: ones([3]) } };
  const f = jit((x: Tensor) => add(matmul(x, params.fc.weight), params.fc.bias));
  const { graph } = await exported(f, one, { params });
  assert.deepEqual(graph!.node[0].input.slice(1), ["fc.weight", "fc.bias"]);
});

Deno.test("a long chain of steps is written", async () => {
  const count = 5000;
  const chain = (x: Tensor) => Array.from({ length: count }).reduce((y: Tensor) => sin(y), x);
  assert.equal(ops(await exported(chain, [{ shape: [2, 3] }])).length, count);
});

Deno.test("extents that depend on the batch are computed from the input", async () => {
  const flat = await exported((x) => reshape(x, [x.shape[0] * x.shape[1], -1]), [{ shape: [2, 3, 4] }]);
  assert.deepEqual(shapesOf(flat.graph!.output), [["3*batch", 4]]);
  const ofBatch = await exported((x) => mean(x, { axis: 0 }), [{ shape: [2, 3] }]);
  assert.deepEqual(ops(ofBatch), ["ReduceMean"]);
  const padded = await exported((x) => add(x, ones([x.shape[0], 1])), [{ shape: [2, 3] }]);
  assert.deepEqual(ops(padded), ["Add"]);
  const second = await exported((x, y) => matmul(x, y), [{ shape: [4, 2] }, { shape: [2, 3] }], { batchAxis: [1, 0] });
  assert.deepEqual(shapesOf(second.graph!.input), [[4, "batch"], ["batch", 3]]);
  const fixed = await exported((x) => sum(x), [{ shape: [2, 3] }], { batchAxis: null });
  assert.deepEqual(shapesOf(fixed.graph!.input), [[2, 3]]);
});

Deno.test("inputs and outputs have names: of the caller, of the tree, or of the file", async () => {
  const f = (x: Tensor, y: Tensor) => ({ total: add(x, y), parts: [x, { at: argmax(y, { axis: 1 }) }] });
  const inputs = [{ shape: [2, 3] }, ones([2, 3])];
  const names = ({ graph }: ModelProto) => [graph!.input, graph!.output].map((list) => list.map(({ name }) => name));
  assert.deepEqual(names(await exported(f, inputs)), [["input_0", "input_1"], ["total", "parts.0", "parts.1.at"]]);
  const own = { inputNames: ["a", "b"], outputNames: ["c", "d", "e"] };
  assert.deepEqual(names(await exported(f, inputs, own)), [["a", "b"], ["c", "d", "e"]]);
  assert.deepEqual(names(await exported((x) => x, [ones([2])])), [["input"], ["output"]]);
  assert.deepEqual(names(await exported((x) => [x, x], [ones([2])])), [["input"], ["output_0", "output_1"]]);
});

Deno.test("all that ONNX has no op for is named at once", async () => {
  const f = (x: Tensor) => mul(lgamma(x), erfinv(x));
  await assert.rejects(onnx.encode(f, one), (error: Error) => {
    assert.ok(error instanceof CotangentError);
    assert.match(error.message, /^Cannot export the function as ONNX: there are no ops for lgamma \(.*\), erfinv \(.*\)$/);
    return true;
  });
  assert.throws(() => onnx.save("/nowhere/x.onnx", f, one), CotangentError);
  const noise = (x: Tensor) => add(x, random.normal(random.key(0), x.shape));
  await assert.rejects(onnx.encode(noise, one), /threefry0 \(it is a step of the random generator/);
});

Deno.test("mistakes of the caller are named", async () => {
  const id = (x: Tensor) => x;
  const wrong: readonly (readonly [Promise<unknown>, RegExp, new (...args: never[]) => Error])[] = [
    [onnx.encode(id, one, { batchAxis: 2 }), /batchAxis 2: input 0 has the axes \[2, 3\]/, ShapeError],
    [onnx.encode(id, one, { batchAxis: [0, 1] }), /with 2 batch axes: there are 1 inputs/, OptionError],
    [onnx.encode(id, one, { inputNames: ["a", "b"] }), /with 2 inputNames: 1 are needed/, OptionError],
    [onnx.encode(id, one, { inputNames: ["a"], outputNames: ["a"] }), /outputNames of which "a" is there before/, OptionError],
    [onnx.encode(id, one, { inputNames: [""] }), /"" among inputNames: names are well-formed and not empty/, OptionError],
    [onnx.encode((x) => add(x, ones([4, 3])), one), /with a batch of 5 it fails: .*; batchAxis says which axis/, ShapeError],
    [onnx.encode(() => 3, one), /gives 3: its results must be tensors/, TypeError],
    [onnx.encode(id, 3 as unknown as []), /with examples/, TypeError],
    [
      onnx.encode((x) => reshape(matmul(x, reshape(x, [3, -1])), [-1]), one),
      /is no multiple of the batch; use batchAxis: null/,
      CotangentError,
    ],
    [onnx.encode((x) => x.shape[0] > 6 ? add(x, 1) : x, one), /it computes in different ways/, CotangentError],
    [onnx.encode(id, one, { batch: 1 } as Options), /batch/, OptionError],
  ];
  for (const [promise, message, kind] of wrong) {
    await assert.rejects(promise, (error: Error) => {
      assert.match(error.message, message);
      assert.ok(error instanceof kind, error.message);
      return true;
    });
  }
});

Deno.test("a file is written whole, and what goes wrong is a value", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [path, f] = [`${folder}/gelu.onnx`, (x: Tensor) => gelu(x)];
    const saved = await onnx.save(path, f, one)();
    assert.equal(saved._tag, "Right");
    assert.deepEqual(await Deno.readFile(path), await onnx.encode(f, one));
    const failed = await onnx.save(`${folder}/none/x.onnx`, f, one)();
    assert.ok(failed._tag === "Left" && failed.left.kind === "Write", JSON.stringify(failed));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
