/**
 * Ops as op sets newer than the conformance suite have them, next to onnxruntime.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomStream } from "../../../core/random_stream.ts";
import { sizeOf } from "../../../core/shape.ts";
import { data, setDevice, tensor } from "../../../mod.ts";
import * as onnx from "../../../onnx/mod.ts";
import { right } from "../../formats/results.ts";
import { create, type GraphProto, ModelProtoSchema, toBinary, ValueInfoProtoSchema } from "../../onnx/deps.ts";
import { graphOf, modelOf, type NodeSpec } from "../../onnx/models.ts";
import { relativeError, runtimeResults } from "./run.ts";

await setDevice("wasm");

/** An input: its shape, and integers if it holds some. */
type Input = readonly [shape: readonly number[], integers?: readonly number[]];

/** A use of an op in an op set; outputs that are "" are not asked for, inputs in the order of `order` if some are left out. */
interface Use {
  readonly op: string;
  readonly opset: number;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly attributes?: NonNullable<NodeSpec[3]>;
  readonly outputs?: readonly string[];
  readonly order?: readonly string[];
}

const x: Input = [[2, 4, 6, 6]];
const q: Input = [[2, 4, 3, 8]];
const uses: readonly Use[] = [
  ...["none", "tanh"].map((approximate): Use => ({ op: "Gelu", opset: 20, inputs: { x }, attributes: { approximate } })),
  { op: "Mish", opset: 18, inputs: { x } },
  { op: "RMSNormalization", opset: 23, inputs: { x, s: [[6]] } },
  { op: "GroupNormalization", opset: 21, inputs: { x, s: [[4]], b: [[4]] }, attributes: { num_groups: 2 } },
  { op: "GroupNormalization", opset: 18, inputs: { x, s: [[2]], b: [[2]] }, attributes: { num_groups: 2 } },
  { op: "LpPool", opset: 18, inputs: { x }, attributes: { kernel_shape: [2, 2], p: 3 } },
  { op: "AveragePool", opset: 19, inputs: { x }, attributes: { kernel_shape: [2, 2], dilations: [2, 2] } },
  ...[0, 1].flatMap((ceil_mode) =>
    [0, 1].map((count_include_pad): Use => ({
      op: "AveragePool",
      opset: 19,
      inputs: { x },
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 1, 1, 0], ceil_mode, count_include_pad },
    }))
  ),
  ...["nearest", "linear", "cubic"].flatMap((mode) =>
    [[2, 4, 9, 13], [2, 4, 4, 3]].map((sizes): Use => ({
      op: "Resize",
      opset: 19,
      inputs: { x, s: [[4], sizes] },
      attributes: { mode, antialias: mode === "nearest" ? 0 : 1 },
      order: ["x", "", "", "s"],
    }))
  ),
  ...["linear", "nearest", "cubic"].flatMap((mode) =>
    ["zeros", "border", "reflection"].map((padding_mode): Use => ({
      op: "GridSample",
      opset: 20,
      inputs: { x, g: [[2, 3, 4, 2]] },
      attributes: { mode, padding_mode },
    }))
  ),
  { op: "GridSample", opset: 20, inputs: { x: [[1, 2, 3, 4, 5]], g: [[1, 2, 3, 2, 3]] } },
  ...["reflect", "edge", "wrap"].map((mode): Use => ({
    op: "Pad",
    opset: 19,
    inputs: { x, p: [[4], [2, 1, 1, 3]], a: [[2], [3, 2]] },
    attributes: { mode },
    order: ["x", "p", "", "a"],
  })),
  ...["add", "mul", "max", "min"].map((reduction): Use => ({
    op: "ScatterElements",
    opset: 18,
    inputs: { x: [[4, 5]], i: [[2, 3], [0, 2, 0, 1, 3, 3]], u: [[2, 3]] },
    attributes: { axis: 0, reduction },
  })),
  { op: "Split", opset: 18, inputs: { x: [[7, 2]] }, attributes: { num_outputs: 3 }, outputs: ["a", "b", "c"] },
  { op: "CenterCropPad", opset: 18, inputs: { x, s: [[2], [3, 9]] }, attributes: { axes: [2, 3] } },
  { op: "ReduceMean", opset: 18, inputs: { x, a: [[1], [-1]] }, attributes: { keepdims: 0 } },
  { op: "DFT", opset: 20, inputs: { x: [[2, 7, 2]], n: [[], [5]] } },
  { op: "Attention", opset: 23, inputs: { q, k: [[2, 2, 5, 8]], v: [[2, 2, 5, 6]] }, attributes: { is_causal: 1 } },
  { op: "Attention", opset: 23, inputs: { q, k: q, v: q, m: [[3, 3]] }, attributes: { scale: { f: 0.3 }, softcap: { f: 2 } } },
  {
    op: "Attention",
    opset: 23,
    inputs: { q: [[2, 3, 8]], k: [[2, 5, 8]], v: [[2, 5, 8]] },
    attributes: { q_num_heads: 2, kv_num_heads: 2 },
  },
  {
    op: "Attention",
    opset: 23,
    inputs: { q, k: q, v: q, pk: [[2, 4, 2, 8]], pv: [[2, 4, 2, 8]] },
    attributes: { is_causal: 1 },
    outputs: ["y", "keys", "values"],
    order: ["q", "k", "v", "", "pk", "pv"],
  },
  ...[0, 1].map((interleaved): Use => ({
    op: "RotaryEmbedding",
    opset: 23,
    inputs: { x: [[2, 3, 4, 8]], c: [[10, 2]], s: [[10, 2]], p: [[2, 4], [0, 1, 2, 3, 4, 5, 6, 9]] },
    attributes: { interleaved, rotary_embedding_dim: 4 },
  })),
];

/** The bytes of a model of one node. */
function bytesOf({ op, opset, inputs, attributes = {}, outputs = ["y"], order = Object.keys(inputs) }: Use): Uint8Array {
  const graph = graphOf({ nodes: [[op, order, outputs, attributes]], outputs: outputs.filter((name) => name !== "") });
  return typed(graph, inputs, opset);
}

/** The bytes of a model. onnxruntime wants to know the types of inputs. */
function typed(graph: GraphProto, inputs: Use["inputs"], opset: number): Uint8Array {
  graph.input = Object.entries(inputs).map(([name, [shape, integers]]) => {
    const dim = shape.map((extent) => ({ value: { case: "dimValue" as const, value: BigInt(extent) } }));
    const tensorType = { elemType: integers ? 7 : 1, shape: { dim } };
    return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
  });
  return toBinary(ModelProtoSchema, modelOf(graph, opset));
}

for (const use of uses) {
  Deno.test(`${use.op} ${use.opset} ${JSON.stringify(use.attributes ?? {})}`, async () => {
    const bytes = bytesOf(use);
    let next = 0;
    const inputs = Object.entries(use.inputs).map(([name, [shape, integers]]) => {
      const floats = () => Float32Array.from({ length: sizeOf(shape) }, () => 1.5 * Math.sin(1.37 * ++next));
      return [name, integers ? tensor([...integers], { shape, dtype: "i32" }) : tensor(floats(), { shape })] as const;
    });
    const { params, apply } = right(await onnx.load(bytes)());
    const results = Object.values(apply(params, Object.fromEntries(inputs)));
    const expected = await runtimeResults(bytes, inputs.map(([, input]) => input));
    for (const [i, y] of results.entries()) {
      assert.deepEqual(y.shape, expected[i].shape);
      assert.ok(relativeError(expected[i].values, Array.from(await data<Float32Array>(y))) <= 1e-5);
    }
  });
}

for (const [type, dataType] of [["int4", 22], ["uint4", 21]] as const) {
  for (const block_size of [0, 2]) {
    Deno.test(`weights of ${type}, ${block_size === 0 ? "a scale for each column" : "a scale for two rows of a column"}`, async () => {
      const scale = block_size === 0 ? [0.5, 0.25, 2] : [0.5, 0.25, 2, 1, 3, 0.75, 4, 8, 0.125];
      const graph = graphOf({
        typed: { q: { dataType, numbers: [0x78, 0x1f, 0x2e, 0x93, 0xb4, 0x6d, 0x5a, 0x0c] } },
        values: { scale },
        shapes: { q: [5, 3], scale: block_size === 0 ? [3] : [3, 3] },
        nodes: [
          ["DequantizeLinear", ["q", "scale"], ["w"], block_size === 0 ? { axis: 1 } : { axis: 0, block_size }],
          // Not a product, which the runtime makes one of rounded inputs.
          ["Add", ["x", "w"], ["y"]],
        ],
        outputs: ["y"],
      });
      const bytes = typed(graph, { x: [[5, 3]] }, 21);
      const x = tensor(Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)), { shape: [5, 3] });
      const { params, apply } = right(await onnx.load(bytes)());
      const [expected] = await runtimeResults(bytes, [x]);
      const found = Array.from(await data<Float32Array>(apply(params, { x }).y));
      assert.ok(relativeError(expected.values, found) <= 1e-6, `${found}, not ${expected.values}`);
    });
  }
}

for (const center_point_box of [0, 1]) {
  Deno.test(`the boxes that are kept among many, ${center_point_box ? "by centre and extents" : "by corners"}`, async () => {
    const [batches, classes, count] = [2, 3, 60];
    const inputs = { boxes: [[batches, count, 4]], scores: [[batches, classes, count]] } as const;
    const random = randomStream([0, center_point_box]);
    // Multiples of 1/8, so that many scores are equal and many boxes overlap by just the threshold.
    const eighths = (shape: readonly number[], least: number) =>
      tensor(Float32Array.from({ length: sizeOf(shape) }, () => (least + random.below(16)) / 8), { shape });
    let kept = 0;
    for (const most of [0n, 1n, 7n, 100n]) {
      for (const overlap of [0, 0.5, 0.75, 1]) {
        const graph = graphOf({
          values: { most: [most], overlap: [overlap], least: [0.25] },
          shapes: { most: [], overlap: [], least: [] },
          nodes: [["NonMaxSuppression", ["boxes", "scores", "most", "overlap", "least"], ["y"], { center_point_box }]],
          outputs: ["y"],
        });
        const bytes = typed(graph, inputs, 11);
        const [boxes, scores] = [eighths(inputs.boxes[0], 1), eighths(inputs.scores[0], -4)];
        const { params, apply } = right(await onnx.load(bytes)());
        const { y } = apply(params, { boxes, scores });
        const [expected] = await runtimeResults(bytes, [boxes, scores]);
        assert.deepEqual([y.shape, Array.from(await data<Int32Array>(y))], [expected.shape, expected.values]);
        kept += y.shape[0];
      }
    }
    assert.ok(kept > 100, `only ${kept}`);
  });
}
