/**
 * What graphs are made of: branches, loops, functions, the arithmetic of shapes, weights as constants and in few bits.
 *
 * @module
 */
import assert from "node:assert/strict";
import { grad, jit, sum, type Tensor, tensor, toArray, vmap, zeros } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { right } from "../formats/results.ts";
import { testOnDevices } from "../support/each_device.ts";
import { AttributeType, create, FunctionProtoSchema, ModelProtoSchema, NodeProtoSchema, toBinary } from "./deps.ts";
import { bytesOf, graphOf, type GraphSpec, load, modelOf, run } from "./models.ts";

const i32 = { dtype: "i32" } as const;

const branches: GraphSpec = {
  inputs: ["c", "x"],
  nodes: [["If", ["c"], ["y"], {
    then_branch: { nodes: [["Neg", ["x"], ["a"]]], outputs: ["a"] },
    else_branch: { nodes: [["Add", ["x", "x"], ["b"]]], outputs: ["b"] },
  }]],
  outputs: ["y"],
};

testOnDevices("If takes one branch by a known condition, and chooses elements by one that is computed", async () => {
  const x = tensor([1, 2]);
  assert.deepEqual(await run(branches, { c: tensor(true), x }), [-1, -2]);
  const { apply } = await load(branches);
  const f = jit((c: Tensor, x: Tensor) => apply({}, { c, x }).y);
  assert.deepEqual(await toArray(f(tensor(false), x)), [2, 4]);
  assert.deepEqual(await toArray(f(tensor(true), x)), [-1, -2]);
});

Deno.test("a computed condition refuses branches of different shapes", async () => {
  const graph: GraphSpec = {
    ...branches,
    nodes: [["If", ["c"], ["y"], {
      then_branch: { nodes: [["Neg", ["x"], ["a"]]], outputs: ["a"] },
      else_branch: { nodes: [["Concat", ["x", "x"], ["b"], { axis: 0 }]], outputs: ["b"] },
    }]],
  };
  const { apply } = await load(graph);
  assert.throws(
    () => jit((c: Tensor) => apply({}, { c, x: zeros([2]) }).y)(tensor(true)),
    /f32\[2\] in one and f32\[4\] in the other/,
  );
});

const looping = (steps: bigint): GraphSpec => ({
  inputs: ["x"],
  values: { n: [steps] },
  shapes: { n: [] },
  nodes: [["Loop", ["n", "", "x"], ["last", "all"], {
    body: {
      inputs: ["i", "c", "s"],
      nodes: [["Identity", ["c"], ["on"]], ["Add", ["s", "w"], ["t"]], ["Mul", ["t", "t"], ["square"]]],
      outputs: ["on", "t", "square"],
    },
  }], ["Add", ["last", "all"], ["y"]]],
  outputs: ["y"],
});

testOnDevices("loops of a known count give the same written out and as a scan, with gradients", async () => {
  for (const steps of [3, 30]) {
    const { params, apply } = await load({ ...looping(BigInt(steps)), values: { n: [BigInt(steps)], w: [0.5] } });
    const f = (p: onnx.NamedTensors, x: Tensor) => apply(p, { x }).y;
    const [x, w] = [2, 0.5];
    const last = x + steps * w;
    const expected = Array.from({ length: steps }, (_, i) => [last + (x + (i + 1) * w) ** 2]);
    for (const g of [f, jit(f)]) assert.deepEqual(await toArray(g(params, tensor([x]))), expected);
    const slope = Array.from({ length: steps }, (_, i) => steps + 2 * (x + (i + 1) * w) * (i + 1)).reduce((a, b) => a + b);
    const gradient = jit(grad((p: onnx.NamedTensors) => sum(f(p, tensor([x])))))(params);
    assert.deepEqual(await toArray(gradient.w), [slope]);
  }
});

Deno.test("a loop may end by a condition that it knows, and make a sequence", async () => {
  const graph: GraphSpec = {
    inputs: ["x"],
    values: { n: [100n], three: [3n] },
    shapes: { n: [], three: [] },
    nodes: [
      ["SequenceEmpty", [], ["none"]],
      ["Loop", ["n", "", "none"], ["parts"], {
        body: {
          inputs: ["i", "c", "list"],
          nodes: [["Less", ["i", "three"], ["on"]], ["SequenceInsert", ["list", "x"], ["longer"]]],
          outputs: ["on", "longer"],
        },
      }],
      ["ConcatFromSequence", ["parts"], ["y"], { axis: 0 }],
    ],
    outputs: ["y"],
  };
  assert.deepEqual(await run(graph, { x: tensor([1, 2]) }), [1, 2, 1, 2, 1, 2, 1, 2]);
});

testOnDevices("Scan goes along any axis, backwards too", async () => {
  const graph: GraphSpec = {
    inputs: ["s", "x"],
    nodes: [["Scan", ["s", "x"], ["last", "y"], {
      num_scan_inputs: 1,
      scan_input_axes: [1],
      scan_input_directions: [1],
      scan_output_axes: [1],
      body: { inputs: ["a", "b"], nodes: [["Add", ["a", "b"], ["t"]], ["Identity", ["t"], ["u"]]], outputs: ["t", "u"] },
    }]],
    outputs: ["y"],
  };
  assert.deepEqual(await run(graph, { s: tensor([0, 10]), x: tensor([[1, 2, 3], [4, 5, 6]]) }), [[3, 5, 6], [16, 21, 25]]);
});

Deno.test("shapes are computed beforehand, so that compiled and batched functions have them", async () => {
  const { apply } = await load({
    inputs: ["x"],
    values: { zero: [0n], half: [2n], rest: [-1n] },
    nodes: [
      ["Shape", ["x"], ["s"]],
      ["Gather", ["s", "zero"], ["n"]],
      ["Div", ["n", "half"], ["m"]],
      ["Cast", ["m"], ["f"], { to: 1 }],
      ["Floor", ["f"], ["g"]],
      ["Cast", ["g"], ["k"], { to: 7 }],
      ["Concat", ["k", "half", "rest"], ["to"], { axis: 0 }],
      ["Reshape", ["x", "to"], ["y"]],
    ],
    outputs: ["y"],
  });
  const f = (x: Tensor) => apply({}, { x }).y;
  for (const n of [2, 6]) assert.deepEqual(jit(f)(zeros([n, 3])).shape, [n / 2, 2, 3]);
  assert.deepEqual(vmap(f)(zeros([5, 4, 3])).shape, [5, 2, 2, 3]);
});

testOnDevices("weights in 8 bits, by row", async () => {
  const graph: GraphSpec = {
    inputs: ["x"],
    typed: { q: { dataType: 3, numbers: [-128, 127, 3, -1] }, zero: { dataType: 3, numbers: [0, 1] } },
    values: { scale: [0.5, 2] },
    shapes: { q: [2, 2] },
    nodes: [["DequantizeLinear", ["q", "scale", "zero"], ["w"], { axis: 0 }], ["MatMul", ["x", "w"], ["y"]]],
    outputs: ["y"],
  };
  assert.deepEqual(await run(graph, { x: tensor([[1, 10]]) }), [[-64 + 10 * 4, 63.5 - 10 * 4]]);
});

Deno.test("weights in 8 bits, by blocks of rows, of which the last may be shorter", async () => {
  const graph: GraphSpec = {
    inputs: ["x"],
    typed: { q: { dataType: 3, numbers: [1, 2, 3, 4, 5, 6] } },
    values: { scale: [0.5, 2, 10, 100] },
    shapes: { q: [3, 2], scale: [2, 2] },
    nodes: [["DequantizeLinear", ["q", "scale"], ["w"], { axis: 0, block_size: 2 }], ["MatMul", ["x", "w"], ["y"]]],
    outputs: ["y"],
  };
  assert.deepEqual(await run(graph, { x: tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) }, 21), [[0.5, 4], [1.5, 8], [50, 600]]);
});

testOnDevices("weights in 4 bits, two in a byte, of which the last has one", async () => {
  // The first of two is in the lower half.
  const typed = {
    q: { dataType: 22, numbers: [0x78, 0x1f, 0x0e] },
    u: { dataType: 21, numbers: [0x0f, 0x37, 0x09] },
    zero: { dataType: 21, numbers: [0x08] },
  };
  const graph: GraphSpec = {
    inputs: ["x"],
    typed,
    values: { scale: [0.5, 2, 10, 100, 1000], one: [0.5] },
    shapes: { q: [5, 1], u: [5, 1], scale: [5, 1], zero: [], one: [] },
    nodes: [
      ["DequantizeLinear", ["q", "scale"], ["signed"], { axis: 0, block_size: 1 }],
      ["DequantizeLinear", ["u", "one", "zero"], ["unsigned"]],
      ["Concat", ["signed", "unsigned"], ["w"], { axis: 1 }],
      ["MatMul", ["x", "w"], ["y"]],
    ],
    outputs: ["y"],
  };
  const rows = [[-4, 3.5], [14, -4], [-10, -0.5], [100, -2.5], [-2000, 0.5]];
  const unit = tensor(rows.map((_, i) => rows.map((_, k) => Number(i === k))));
  assert.deepEqual(await run(graph, { x: unit }, 21), rows);

  const short = { ...graph, typed: { ...typed, q: { dataType: 22, numbers: [0x78, 0x1f] } } };
  const refused = await onnx.load(bytesOf(short, 21))();
  assert.match(
    refused._tag === "Left" ? refused.left.message : "",
    /"q" has 2 bytes of elements, but its shape \[5, 1\] of int4 takes 3/,
  );
});

Deno.test("numbers are quantized to 4 bits, those that are too large to the ends of the range", async () => {
  const graph = (dataType: number): GraphSpec => ({
    inputs: ["x"],
    typed: { zero: { dataType, numbers: [0x01] } },
    values: { scale: [2] },
    shapes: { scale: [], zero: [] },
    nodes: [["QuantizeLinear", ["x", "scale", "zero"], ["q"]], ["DequantizeLinear", ["q", "scale", "zero"], ["y"]]],
    outputs: ["y"],
  });
  const x = tensor([-100, -3, 0, 5, 9, 100]);
  assert.deepEqual(await run(graph(22), { x }, 21), [-18, -4, 0, 4, 8, 12]);
  assert.deepEqual(await run(graph(21), { x }, 21), [-2, -2, 0, 4, 8, 28]);
  const cast = (to: number): GraphSpec => ({
    inputs: ["x"],
    nodes: [["Cast", ["x"], ["q"], { to }], ["Cast", ["q"], ["y"], { to: 6 }]],
    outputs: ["y"],
  });
  const whole = tensor([-1, 7, 8, 17], { dtype: "i32" });
  assert.deepEqual([await run(cast(22), { x: whole }, 21), await run(cast(21), { x: whole }, 21)], [[-1, 7, -8, 1], [
    15,
    7,
    8,
    1,
  ]]);
});

Deno.test("functions of a model are written out where they are called, with the attributes of the call", async () => {
  const graph = graphOf({ inputs: ["x"], nodes: [["Pick", ["x"], ["y"], { which: 1 }]], outputs: ["y"] });
  const body = graphOf({ nodes: [["Softmax", ["a"], ["p"], { axis: { ref: "which" } }], ["Neg", ["p"], ["b"]]], outputs: [] });
  const model = modelOf({ ...graph, node: graph.node.map((node) => Object.assign(node, { domain: "mine" })) });
  const called = { name: "Pick", domain: "mine", input: ["a", "c"], output: ["b"], attribute: ["which"], node: body.node };
  model.functions.push(create(FunctionProtoSchema, called));
  const { apply } = right(await onnx.load(toBinary(ModelProtoSchema, model))());
  assert.deepEqual(await toArray(apply({}, { x: zeros([1, 4]) }).y), [[-0.25, -0.25, -0.25, -0.25]]);
});

Deno.test("functions that call themselves, or each other without end, are refused", async () => {
  const graph = graphOf({ inputs: ["x"], nodes: [["F0", ["x"], ["y"]]], outputs: ["y"] });
  const make = (name: string, inner: string) => {
    const body = graphOf({ nodes: [[inner, ["a"], ["t"]], [inner, ["t"], ["b"]]], outputs: [] });
    return create(FunctionProtoSchema, { name, input: ["a"], output: ["b"], node: body.node });
  };
  const self = modelOf(graph);
  self.functions.push(make("F0", "F0"));
  assert.equal((await onnx.load(toBinary(ModelProtoSchema, self))())._tag, "Left");
  for (const [count, message] of [[60, /more than 262144 nodes/], [1000, /lie more than 100 deep in each other/]] as const) {
    const many = modelOf(graph);
    for (let i = 0; i < count; i++) many.functions.push(make(`F${i}`, i === count - 1 ? "Neg" : `F${i + 1}`));
    assert.match(JSON.stringify(await onnx.load(toBinary(ModelProtoSchema, many))()), message);
  }
});

Deno.test("weights that were written as constants are parameters; a few numbers that may be sizes are not", async () => {
  const weights = Array.from({ length: 9 }, (_, i) => i);
  const graph = graphOf({ inputs: ["x"], nodes: [["MatMul", ["x", "w"], ["y"]], ["Mul", ["y", "k"], ["z"]]], outputs: ["z"] });
  const constant = (name: string, dims: bigint[], floatData: number[]) =>
    create(NodeProtoSchema, {
      opType: "Constant",
      output: [name],
      attribute: [{ name: "value", type: AttributeType.TENSOR, t: { dims, dataType: 1, floatData } }],
    });
  const node = [constant("w", [3n, 3n], weights), constant("k", [1n], [2]), ...graph.node];
  const { params, apply } = right(await onnx.load(toBinary(ModelProtoSchema, modelOf({ ...graph, node })))());
  assert.deepEqual(Object.keys(params), ["w"]);
  assert.deepEqual(await toArray(apply(params, { x: tensor([[1, 0, 0]]) }).z), [[0, 2, 4]]);
});

Deno.test("integers that are known choose, also as inputs: positions and lengths", async () => {
  const graph: GraphSpec = {
    inputs: ["x", "k"],
    nodes: [["TopK", ["x", "k"], ["values", "y"]]],
    outputs: ["y"],
  };
  assert.deepEqual(await run(graph, { x: tensor([3, 1, 2]), k: tensor([2], i32) }), [0, 2]);
});

testOnDevices(
  "boxes that overlap better ones are left out, of each class and image, as far as their numbers are known",
  async () => {
    const graph = (inputs: readonly string[], attributes = {}): GraphSpec => ({
      inputs: ["boxes", "scores"],
      values: { most: [2n], none: [0n], half: [0.5], least: [0.25] },
      shapes: { most: [], none: [], half: [], least: [] },
      nodes: [["NonMaxSuppression", ["boxes", "scores", ...inputs], ["y"], attributes]],
      outputs: ["y"],
    });
    // Of the last one the corners are the other way around; the third one overlaps the first by just a half.
    const boxes = tensor([[[0, 0, 1, 2], [5, 5, 6, 6], [0, 0, 1, 1], [1, 2, 0, 0.5]]]);
    const scores = tensor([[[0.5, 0.5, 0.5, 0.75], [0.25, 1, 0, 0.125]]]);
    const kept = (inputs: readonly string[], attributes?: object) => run(graph(inputs, attributes), { boxes, scores });
    assert.deepEqual(await kept(["most", "half", "least"]), [[0, 0, 3], [0, 0, 1], [0, 1, 1]]);
    assert.deepEqual(await kept(["most", "half"]), [[0, 0, 3], [0, 0, 1], [0, 1, 1], [0, 1, 0]]);
    assert.deepEqual(await kept(["most"]), [[0, 0, 3], [0, 0, 1], [0, 1, 1], [0, 1, 0]]);
    // The first and the third have the same score: the first comes first, and the third may stay.
    const two = [tensor([[[0, 0, 1, 2], [0, 0, 1, 1]]]), tensor([[[0.5, 0.5]]])];
    const { params, apply } = await load(graph(["most", "half"]));
    assert.deepEqual(await toArray(apply(params, { boxes: two[0], scores: two[1] }).y), [[0, 0, 0], [0, 0, 1]]);
    // By centres and extents these are other boxes: of the second class, the fourth has no area, and so overlaps none.
    assert.deepEqual(await kept(["most", "half", ""], { center_point_box: 1 }), [[0, 0, 3], [0, 0, 0], [0, 1, 1], [0, 1, 0]]);
    for (const inputs of [["none", "half"], []]) {
      const { params, apply } = await load(graph(inputs));
      const { y } = apply(params, { boxes, scores });
      assert.deepEqual([y.shape, y.dtype], [[0, 3], "i32"]);
    }
    assert.throws(
      () => jit((x: Tensor) => apply(params, { boxes: x, scores }).y)(boxes),
      /input 0 \("boxes"\) decides a shape, so its numbers must be known/,
    );
    assert.throws(
      () => apply(params, { boxes, scores: two[1] }),
      /boxes must be \[batches, boxes, 4\].* \[1, 4, 4\] and \[1, 1, 2\]/,
    );
  },
);
