/**
 * Models for tests, written out.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Tensor, toArray, zeros } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { right } from "../formats/results.ts";
import {
  AttributeProtoSchema,
  AttributeType,
  create,
  type GraphProto,
  GraphProtoSchema,
  type MessageInitShape,
  ModelProtoSchema,
  toBinary,
} from "./deps.ts";

type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

/** An attribute: integers, texts, lists of them, floats as `{ f }` and graphs. */
type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly f: number }
  | { readonly ref: string }
  | GraphSpec;

/** A node: op (behind its domain, if it has one: `mine.Pick`), inputs, outputs, attributes. */
export type NodeSpec = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Readonly<Record<string, Attribute>>,
  name?: string,
];

/** A graph. */
export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  /** Initializers: lists of floats, or of integers of 64 bits where they are bigints. */
  readonly values?: Readonly<Record<string, readonly number[] | readonly bigint[]>>;
  /** Initializers of other types: their number in ONNX, and the numbers as int32_data. */
  readonly typed?: Readonly<Record<string, { readonly dataType: number; readonly numbers: readonly number[] }>>;
  /** Shapes of initializers that are no lists. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

function attributeOf(name: string, value: Attribute): AttributeInit {
  if (typeof value === "number") return { name, type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === "string") return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ("ref" in value) return { name, type: AttributeType.INT, refAttrName: value.ref };
  if ("f" in value) return { name, type: AttributeType.FLOAT, f: value.f };
  if ("nodes" in value) return { name, type: AttributeType.GRAPH, g: graphOf(value) };
  if (typeof value[0] !== "string") return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  return { name, type: AttributeType.STRINGS, strings: value.map((each) => new TextEncoder().encode(`${each}`)) };
}

/** The message of a graph. */
export function graphOf({ nodes, inputs = [], outputs, values = {}, typed = {}, shapes = {} }: GraphSpec): GraphProto {
  return create(GraphProtoSchema, {
    node: nodes.map(([op, input, output, attributes = {}, name = ""]) => ({
      opType: op.slice(op.lastIndexOf(".") + 1),
      domain: op.slice(0, Math.max(0, op.lastIndexOf("."))),
      name,
      input: [...input],
      output: [...output],
      attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
    })),
    input: inputs.map((name) => ({ name })),
    output: outputs.map((name) => ({ name })),
    initializer: [
      ...Object.entries(typed).map(([name, { dataType, numbers }]) => {
        return { name, dims: (shapes[name] ?? [numbers.length]).map(BigInt), dataType, int32Data: [...numbers] };
      }),
      ...Object.entries(values).map(([name, list]) => {
        const dims = (shapes[name] ?? [list.length]).map(BigInt);
        return typeof list[0] === "bigint"
          ? { name, dims, dataType: 7, int64Data: list as bigint[] }
          : { name, dims, dataType: 1, floatData: list as number[] };
      }),
    ],
  });
}

/** The bytes of a model. */
export function bytesOf(graph: GraphSpec, opset = 18): Uint8Array {
  return toBinary(ModelProtoSchema, modelOf(graphOf(graph), opset));
}

/** A model's message from that of its graph. */
export function modelOf(graph: GraphInit, opset = 18) {
  return create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: BigInt(opset) }], graph });
}

/** A loaded model. */
export async function load(graph: GraphSpec, opset?: number): Promise<onnx.Model> {
  return right(await onnx.load(bytesOf(graph, opset))());
}

/** The values of the only output. */
export async function run(graph: GraphSpec, inputs: Readonly<Record<string, Tensor>> = {}, opset?: number): Promise<unknown> {
  const { params, apply } = await load(graph, opset);
  const [output] = Object.values(apply(params, inputs));
  return await toArray(output);
}

/** Loads and applies; nothing but an error that says what is wrong may come of it. Gives whether the model has run. */
export async function tryModel(bytes: Uint8Array, shape: readonly number[], dtype: "f32" | "i32"): Promise<boolean> {
  const loaded = await onnx.load(bytes)();
  if (loaded._tag === "Left") {
    assert.match(loaded.left.message, /^Cannot /);
    return false;
  }
  const { params, inputs, apply } = loaded.right;
  try {
    apply(params, Object.fromEntries(inputs.map(({ name }) => [name, zeros(shape, { dtype })])));
    return true;
  } catch (error) {
    // TypeErrors of ours say what could not be called; those of the language itself would be mistakes here.
    assert.match(`${error}`, /Error: Cannot /);
    return false;
  }
}
