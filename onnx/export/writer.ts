/**
 * The parts of an ONNX graph as they are written: nodes in the order in which they run, initializers, names that are used once.
 *
 * @module
 */
import { type DType, toHostArray } from "../../core/dtype.ts";
import type { Shape } from "../../core/shape.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeType,
  create,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../deps.ts";
import { elementOfDType, elementType } from "../elements.ts";
import { type Extent, nameOfExtent } from "./extents.ts";

/** An attribute: an integer or a list of them, a text, a floating number, a graph. */
export type Attribute = number | readonly number[] | string | { readonly float: number } | { readonly graph: GraphProto };

const int64 = elementType("int64").code;
const encoder = new TextEncoder();

/** The number of an element type in the file. */
export function codeOf(dtype: DType): number {
  return elementType(elementOfDType(dtype)).code;
}

function attributeOf(name: string, value: Attribute): AttributeProto {
  const rest = typeof value === "number"
    ? { type: AttributeType.INT, i: BigInt(value) }
    : typeof value === "string"
    ? { type: AttributeType.STRING, s: encoder.encode(value) }
    : "float" in value
    ? { type: AttributeType.FLOAT, f: value.float }
    : "graph" in value
    ? { type: AttributeType.GRAPH, g: value.graph }
    : { type: AttributeType.INTS, ints: value.map(BigInt) };
  return create(AttributeProtoSchema, { name, ...rest });
}

/** The type and shape of a value, in which extents that grow with the batch have names. */
export function describedValue(name: string, dtype: DType, shape: readonly Extent[]): ValueInfoProto {
  const dim = shape.map((extent) =>
    typeof extent === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(extent) } }
      : { value: { case: "dimParam" as const, value: nameOfExtent(extent) } }
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: codeOf(dtype), shape: { dim } } } },
  });
}

/** Names of values and nodes: each is used once in a file. */
export class Names {
  /** Each name that is taken, and how many others like it. */
  readonly #taken = new Map<string, number>();

  /** The name that is wished for, or one like it. */
  fresh(wish: string): string {
    let others = this.#taken.get(wish) ?? 0;
    let name = wish;
    while (this.#taken.has(name)) name = `${wish}_${++others}`;
    this.#taken.set(name, 0).set(wish, others);
    return name;
  }
}

/** The constants of a file: equal ones are written once. */
export class Initializers {
  readonly #written: TensorProto[] = [];
  readonly #constants = new Map<string, string>();

  constructor(readonly names: Names) {}

  get all(): readonly TensorProto[] {
    return this.#written;
  }

  /** A parameter, whose elements may be put in later. */
  parameter(name: string, dtype: DType, shape: Shape): TensorProto {
    const tensor = create(TensorProtoSchema, { name, dataType: codeOf(dtype), dims: shape.map(BigInt) });
    this.#written.push(tensor);
    return tensor;
  }

  /** Numbers of a type as a tensor: a scalar unless a shape is given. */
  numbers(dtype: DType, values: readonly number[], shape: Shape = []): string {
    const { buffer, byteOffset, byteLength } = toHostArray(dtype, values);
    return this.#constant(codeOf(dtype), shape, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }

  /** A list of integers, as axes and shapes are given. */
  integers(values: readonly number[]): string {
    return this.#constant(int64, [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  /** An integer as a scalar, as indices are given. */
  integer(value: number): string {
    return this.#constant(int64, [], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  }

  #constant(dataType: number, shape: Shape, rawData: Uint8Array<ArrayBuffer>): string {
    const key = `${dataType}:${shape.join()}:${rawData.join()}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.names.fresh("constant");
    this.#written.push(create(TensorProtoSchema, { name, dataType, dims: shape.map(BigInt), rawData }));
    this.#constants.set(key, name);
    return name;
  }
}

/** The nodes of a graph, or of one inside. */
export class Nodes {
  readonly #nodes: NodeProto[] = [];

  constructor(readonly names: Names) {}

  /** Adds a node, and gives the names of its outputs. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>, outputs: readonly string[]): void {
    this.#nodes.push(create(NodeProtoSchema, {
      name: this.names.fresh(`node_${op}`),
      opType: op,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
    }));
  }

  /** The graph of these nodes. */
  graph(
    name: string,
    inputs: readonly ValueInfoProto[],
    outputs: readonly ValueInfoProto[],
    initializers: readonly TensorProto[],
  ): GraphProto {
    return create(GraphProtoSchema, {
      name,
      node: this.#nodes,
      input: [...inputs],
      output: [...outputs],
      initializer: [...initializers],
    });
  }
}
