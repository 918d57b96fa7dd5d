/**
 * ONNX's Gradient: the part of a graph that it names, differentiated at the values that it is given.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cast, grad, jit, square, sum, type Tensor, tensor, toArray, vmap } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { left, right } from "../formats/results.ts";
import { testOnDevices } from "../support/each_device.ts";
import { create, FunctionProtoSchema, ModelProtoSchema, toBinary } from "./deps.ts";
import { bytesOf, graphOf, type GraphSpec, load, modelOf, type NodeSpec } from "./models.ts";

interface Ends {
  readonly xs: readonly string[];
  readonly zs?: readonly string[];
  readonly y: string;
}

/** A node that differentiates at the values of the names themselves, or at others. */
function gradient({ xs, zs = [], y }: Ends, outputs: readonly string[], inputs: readonly string[] = [...xs, ...zs]): NodeSpec {
  return ["ai.onnx.preview.training.Gradient", inputs, outputs, { xs, y, ...zs.length > 0 ? { zs } : {} }, "slope"];
}

async function outputsOf(graph: GraphSpec, inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, unknown>> {
  const { params, apply } = await load(graph);
  const made = Object.entries(apply(params, inputs)).map(async ([name, x]) => [name, await toArray(x)] as const);
  return Object.fromEntries(await Promise.all(made));
}

// y = (w x) z^2, with an initializer w, inputs x and z, and h = w x on the way.
const product: readonly NodeSpec[] = [
  ["Mul", ["w", "x"], ["h"]],
  ["Mul", ["z", "z"], ["square"]],
  ["Mul", ["h", "square"], ["y"]],
];
const values = { w: [2, 3] };
const [x, z] = [tensor([5, 7]), tensor([10, 1])];

testOnDevices("gradients by inputs and initializers, in the order of xs; outputs that nobody wants have no name", async () => {
  const graph: GraphSpec = {
    inputs: ["x", "z"],
    values,
    nodes: [
      ...product,
      gradient({ xs: ["x", "w"], zs: ["z"], y: "y" }, ["dx", "dw"]),
      gradient({ xs: ["w", "z"], zs: ["x"], y: "y" }, ["", "dz"]),
    ],
    outputs: ["y", "dx", "dw", "dz"],
  };
  assert.deepEqual(await outputsOf(graph, { x, z }), { y: [1000, 21], dx: [200, 3], dw: [500, 7], dz: [200, 42] });
});

testOnDevices("gradients by a value on the way, at its own values and at others", async () => {
  const graph: GraphSpec = {
    inputs: ["x", "z"],
    values: { ...values, other: [1, 2] },
    nodes: [
      ...product,
      ["Mul", ["h", "y"], ["loss"]],
      gradient({ xs: ["h", "z"], y: "loss" }, ["dh", "dz"]),
      gradient({ xs: ["h", "z"], y: "loss" }, ["dh1", "dz1"], ["other", "x"]),
    ],
    outputs: ["dh", "dz", "dh1", "dz1"],
  };
  // loss = h^2 z^2:  2 h z^2 and 2 h^2 z, at h = [10, 21] and z, then at h = [1, 2] and z = x
  assert.deepEqual(await outputsOf(graph, { x, z }), {
    dh: [2000, 42],
    dz: [2000, 882],
    dh1: [50, 196],
    dz1: [10, 56],
  });
});

testOnDevices("what does not influence y has zeros, y itself ones", async () => {
  const graph: GraphSpec = {
    inputs: ["x", "z"],
    values,
    nodes: [...product, gradient({ xs: ["x", "square", "y"], y: "y" }, ["a", "b", "c"])],
    outputs: ["a", "b", "c"],
  };
  const matrix = tensor([[10, 1], [2, 3]]);
  assert.deepEqual(await outputsOf(graph, { x, z: matrix }), { a: [0, 0], b: [[0, 0], [0, 0]], c: [[1, 1], [1, 1]] });
});

testOnDevices("several gradients of several values, and a node of which one result is given and the other made", async () => {
  const graph: GraphSpec = {
    inputs: ["x"],
    nodes: [
      ["Split", ["x"], ["a", "b"], { axis: 0, num_outputs: 2 }],
      ["Mul", ["a", "b"], ["ab"]],
      ["Exp", ["ab"], ["e"]],
      gradient({ xs: ["x"], y: "ab" }, ["dx"]),
      // b is made of x, a is not.
      gradient({ xs: ["a", "x"], y: "ab" }, ["da", "db"]),
      gradient({ xs: ["ab"], y: "e" }, ["de"]),
    ],
    outputs: ["dx", "da", "db", "de"],
  };
  assert.deepEqual(await outputsOf(graph, { x: tensor([0, 4]) }), { dx: [4, 0], da: [4], db: [0, 0], de: [1] });
});

testOnDevices("gradients of gradients", async () => {
  // o = sum (w x)^3, as the specification chains two: by w, then what came of it by x and w.
  const graph: GraphSpec = {
    inputs: ["x"],
    values: { w: [2, 3] },
    nodes: [
      ["Mul", ["w", "x"], ["h"]],
      ["Mul", ["h", "h"], ["h2"]],
      ["Mul", ["h", "h2"], ["h3"]],
      ["ReduceSum", ["h3"], ["o"]],
      gradient({ xs: ["x", "w"], y: "o" }, ["dx", "dw"]),
      gradient({ xs: ["x", "w"], y: "dw" }, ["dwdx", "dwdw"]),
    ],
    outputs: ["dx", "dw", "dwdx", "dwdw"],
  };
  const [w, given] = [[2, 3], [1, -2]];
  const each = (f: (w: number, x: number) => number) => w.map((value, i) => f(value, given[i]));
  assert.deepEqual(await outputsOf(graph, { x: tensor(given) }), {
    dx: each((w, x) => 3 * w ** 3 * x ** 2),
    dw: each((w, x) => 3 * w ** 2 * x ** 3),
    dwdx: each((w, x) => 9 * w ** 2 * x ** 2),
    dwdw: each((w, x) => 6 * w * x ** 3),
  });
});

testOnDevices("the op meets our own transforms: jit, vmap and a gradient through it", async () => {
  const { params, apply } = await load({
    inputs: ["x", "z"],
    values,
    nodes: [...product, gradient({ xs: ["z"], zs: ["x"], y: "y" }, ["dz"])],
    outputs: ["dz"],
  });
  // 2 w x z
  const f = (p: onnx.NamedTensors, x: Tensor, z: Tensor) => apply(p, { x, z }).dz;
  assert.deepEqual(await toArray(jit(f)(params, x, z)), [200, 42]);
  const rows = tensor([[1, 2], [3, 4]]);
  assert.deepEqual(await toArray(vmap((row: Tensor) => f(params, row, z))(rows)), [[40, 12], [120, 24]]);
  const { w } = jit(grad((p: onnx.NamedTensors) => sum(square(f(p, x, z)))))(params);
  // (2 w x z)^2' = 2 (2 w x z) (2 x z)
  assert.deepEqual(await toArray(w), [2 * 200 * 100, 2 * 42 * 14]);
});

testOnDevices("in loops, branches and functions, of what is around them, too", async () => {
  const inside: GraphSpec = {
    inputs: ["x", "z"],
    values: { ...values, n: [3n] },
    shapes: { n: [] },
    nodes: [
      ...product,
      // Each step adds the slope of s y at s.
      ["Loop", ["n", "", "x"], ["last"], {
        body: {
          inputs: ["i", "c", "s"],
          nodes: [
            ["Identity", ["c"], ["on"]],
            ["Mul", ["s", "square"], ["sy"]],
            gradient({ xs: ["s"], y: "sy" }, ["ds"]),
            gradient({ xs: ["z"], y: "square" }, ["dz"]),
            ["Add", ["s", "ds"], ["t"]],
            ["Add", ["t", "dz"], ["u"]],
          ],
          outputs: ["on", "u"],
        },
      }],
      gradient({ xs: ["x"], y: "last" }, ["dx"]),
      gradient({ xs: ["square"], y: "last" }, ["dq"]),
    ],
    outputs: ["last", "dx", "dq"],
  };
  assert.deepEqual(await outputsOf(inside, { x, z }), { last: [5 + 360, 7 + 9], dx: [1, 1], dq: [3, 3] });

  const calling = graphOf({ inputs: ["x"], nodes: [["mine.Slope", ["x"], ["y"]]], outputs: ["y"] });
  const { node } = graphOf({
    nodes: [["Mul", ["a", "a"], ["s"]], gradient({ xs: ["a"], y: "s" }, ["b"])],
    outputs: [],
  });
  const model = modelOf(calling);
  model.functions.push(create(FunctionProtoSchema, { name: "Slope", domain: "mine", input: ["a"], output: ["b"], node }));
  const { apply } = right(await onnx.load(toBinary(ModelProtoSchema, model))());
  assert.deepEqual(await toArray(apply({}, { x }).y), [10, 14]);
});

testOnDevices("values in 16 bits have gradients in 16 bits", async () => {
  const { apply } = await load({
    inputs: ["x", "z"],
    nodes: [["Sqrt", ["x"], ["r"]], ["Mul", ["r", "z"], ["y"]], gradient({ xs: ["x"], zs: ["z"], y: "y" }, ["dx"])],
    outputs: ["dx"],
  });
  const half = (values: number[]) => cast(tensor(values), "f16");
  const { dx } = apply({}, { x: half([4, 16]), z: half([8, 8]) });
  assert.equal(dx.dtype, "f16");
  assert.deepEqual(await toArray(dx), [2, 1]);
});

Deno.test("a gradient whose ends are wrong is refused when the model is loaded", async () => {
  const refused = async (node: NodeSpec, more: readonly NodeSpec[] = []) => {
    const bytes = bytesOf({ inputs: ["x", "z"], values, nodes: [...product, ...more, node], outputs: [] });
    return left(await onnx.load(bytes)(), "Format");
  };
  const wrong: readonly (readonly [NodeSpec, RegExp])[] = [
    [gradient({ xs: [], y: "y" }, ["g"]), /slope \(ai\.onnx\.preview\.training\.Gradient\): attribute xs is missing/],
    [gradient({ xs: ["x"], y: "" }, ["g"]), /attribute y is missing/],
    [gradient({ xs: ["lost"], y: "y" }, ["g"], ["x"]), /nothing makes "lost", which its attributes name/],
    [gradient({ xs: ["x"], y: "lost" }, ["g"]), /nothing makes "lost"/],
    [gradient({ xs: ["x"], zs: ["x"], y: "y" }, ["g"]), /"x" is named twice in xs and zs/],
    [gradient({ xs: ["x"], zs: ["z"], y: "y" }, ["g"], ["x"]), /xs and zs name 2 values, but it has 1 inputs/],
    [gradient({ xs: ["x"], zs: ["z"], y: "y" }, ["g"], ["x", ""]), /xs and zs name 2 values, but it has 1 inputs/],
  ];
  for (const [node, message] of wrong) {
    const failure = await refused(node);
    assert.deepEqual([failure.rule, failure.entry], ["gradients", "slope"]);
    assert.match(failure.message, message);
  }
  const own = await refused(gradient({ xs: ["x"], y: "back" }, ["g"]), [["Mul", ["g", "x"], ["back"]]]);
  assert.deepEqual([own.rule, own.entry], ["cycles", "slope"]);
  assert.match(own.message, /slope \(.*\) differentiates what it makes itself/);
});

Deno.test("gradients of gradients without end are refused by their size", async () => {
  const chain = (count: number, next: (i: number) => readonly NodeSpec[]) => {
    const nodes: NodeSpec[] = [["Mul", ["x", "x"], ["y0"]], ...Array.from({ length: count }, (_, i) => next(i)).flat()];
    return { inputs: ["x"], nodes: nodes.reverse(), outputs: [`y${count}`] };
  };
  const refused = async (graph: GraphSpec) => left(await onnx.load(bytesOf(graph))(), "Format");
  // Each is of the one before, whose body is in its own.
  const deep = await refused(chain(5000, (i) => [gradient({ xs: ["x"], y: `y${i}` }, [`y${i + 1}`])]));
  assert.match(deep.message, /gradients lie more than 100 deep in each other/);
  // Each is twice in what comes after it.
  const wide = await refused(chain(40, (i) => [
    gradient({ xs: ["x"], y: `y${i}` }, [`g${i}`]),
    ["Add", [`g${i}`, `y${i}`], [`y${i + 1}`]],
  ]));
  assert.deepEqual([deep.rule, wide.rule], ["size", "size"]);
  assert.match(wide.message, /more than 262144 nodes/);
});

Deno.test("only floating numbers have gradients", async () => {
  const { apply } = await load({
    inputs: ["x"],
    nodes: [["Cast", ["x"], ["k"], { to: 6 }], ["Add", ["k", "k"], ["y"]], gradient({ xs: ["x"], y: "y" }, ["g"])],
    outputs: ["g"],
  });
  assert.throws(
    () => apply({}, { x }),
    /DTypeError: Cannot run slope \(.*Gradient\): only floating numbers have gradients, but "y" is i32/,
  );
  const byWhole = await load({
    inputs: ["k"],
    nodes: [["Cast", ["k"], ["y"], { to: 1 }], gradient({ xs: ["k"], y: "y" }, ["g"])],
    outputs: ["g"],
  });
  assert.throws(() => byWhole.apply({}, { k: tensor([1, 2], { dtype: "i32" }) }), /but "k" is i32/);
});
