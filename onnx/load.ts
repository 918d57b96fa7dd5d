/**
 * ONNX models as functions: parameters apart, so that a network from elsewhere can be differentiated, compiled, batched and trained on.
 *
 * @module
 */
import { OptionError } from "../core/errors.ts";
import { quoted } from "../core/quoted.ts";
import { isFloat, isInteger } from "../core/dtype.ts";
import { knownValues } from "../core/ops/known.ts";
import { Tensor } from "../core/tensor.ts";
import type { FormatTask } from "../formats/errors.ts";
import { attemptAsync, broken, unsupported } from "../formats/failures.ts";
import { readWhole } from "../formats/files.ts";
import { fromBinary, type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto, type TensorProto } from "./deps.ts";
import { type ElementName, elementOfDType, elementType } from "./elements.ts";
import type { Input } from "./call.ts";
import { readExternal } from "./external.ts";
import { functionsOf } from "./functions.ts";
import { type Context, format, graphFrom, unsupportedOps } from "./graph.ts";
import { graphsOf } from "./nodes.ts";
import { constantOf, tensorOf, typeOf } from "./proto.ts";
import { runGraph, Scope } from "./run.ts";
import { withWeights } from "./weights.ts";
import { Host, Sequence, type Value } from "./values.ts";

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** Tensors by name, or lists of them where the model has sequences. */
export type NamedValues = Readonly<Record<string, Tensor | readonly Tensor[]>>;

/** An input or output of a model. */
export interface ModelValue {
  /** As in the graph. */
  readonly name: string;
  /** ONNX's name of the element type; tensors of int64 are i32 here. Undefined for what is no tensor, or not said. */
  readonly type?: string;
  /** Extents; those that are free have a name, or "?". Undefined if the file does not say. */
  readonly shape?: readonly (number | string)[];
}

/** A model as a function of its parameters and inputs. */
export interface Model {
  /**
   * The floating initializers of the file by their names: weights, and the statistics of normalizations. So are weights that the exporter
   * wrote as constants. Integers stay in the graph.
   */
  readonly params: NamedTensors;
  /** The names of those parameters that are statistics of batch normalizations: what is trained on leaves them as they are. */
  readonly statistics: readonly string[];
  /** What `apply` takes, without the parameters. */
  readonly inputs: readonly ModelValue[];
  /** What `apply` gives. */
  readonly outputs: readonly ModelValue[];
  /**
   * The outputs by name. Where one is a sequence, name the type of all: `apply<{ parts: Tensor[] }>(params, inputs)`.
   *
   * @param params As those of the model, or others of the same names.
   * @param inputs Tensors by the names of the model's inputs.
   * @throws {OptionError} If a parameter or input is missing, or there is none of a name.
   * @throws {CotangentError} What the ops throw, with the name of the node.
   */
  apply<Outputs extends NamedValues = Record<string, Tensor>>(params: NamedTensors, inputs: NamedValues): Outputs;
}

/** The oldest and the newest op set that is understood. */
const opsets = [1, 23] as const;

/**
 * Reads an ONNX model.
 *
 * ```ts
 * import { grad, jit, layers, ones, random, sum, toArray } from "../mod.ts";
 * import * as onnx from "./mod.ts";
 * const linear = layers.linear({ features: 3 });
 * const { params: weights, state } = linear.init(random.key(0), [2]);
 * const options = { params: weights, inputNames: ["x"], outputNames: ["y"] };
 * const bytes = await onnx.encode((x) => linear.apply(weights, state, x, layers.evalMode)[0], [{ shape: [1, 2] }], options);
 *
 * const loaded = await onnx.load(bytes)(); // or a path
 * if (loaded._tag === "Left") throw new Error(loaded.left.message);
 * const { params, inputs, apply } = loaded.right;
 * console.log(inputs[0].name, Object.keys(params).length); // x 2
 * const x = ones([4, 2]);
 * console.log(jit(apply)(params, { x }).y.shape); // [4, 3]
 * const gradients = grad((p: typeof params) => sum(apply(p, { x }).y))(params);
 * console.log(await toArray(gradients.bias)); // [4, 4, 4]
 * ```
 *
 * The batch axis is free, as are all that the graph does not fix: shapes are those of the inputs of each `apply`. Numbers that
 * shapes depend on must be known then: constants, shapes and what is computed from them, or a tensor made from numbers that is
 * not traced. Models have the meaning of inference: dropout does nothing.
 *
 * @param source A path, or the bytes of a file; tensors in other files ("external data") are read from the folder of the path only.
 * @returns Left if the file cannot be read, breaks a rule of the format, or has ops or types that are not supported: all of them are
 * listed, with the names of their nodes.
 * @see https://onnx.ai/onnx/operators
 */
export function load(source: string | Uint8Array): FormatTask<Model> {
  if (typeof source !== "string" && !(source instanceof Uint8Array)) {
    throw new TypeError(`Cannot call onnx.load with ${quoted(source)}: it takes a path or the bytes of a file as a Uint8Array`);
  }
  return () =>
    attemptAsync(async () => {
      const file = typeof source === "string" ? source : "the bytes";
      const proto = parse(typeof source === "string" ? await readWhole(source) : source, file);
      const external = await readExternal(proto, typeof source === "string" ? source : undefined);
      return modelFrom(proto, { file, external });
    });
}

function parse(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw broken(file, format, "protocol buffer", `it is not the message of a model: ${(error as Error).message}`);
  }
}

function modelFrom(proto: ModelProto, read: Context["read"]): Model {
  const { file } = read;
  if (proto.graph === undefined) throw broken(file, format, "graph", "it has no graph");
  const main = withWeights(proto.graph);
  const opset = opsetOf(proto, file);
  const isParam = (each: TensorProto) => isFloat(elementType(typeOf(each, each.name, file)).dtype);
  const params = new Map<string, Tensor>();
  const hints = new Map<string, Host>();
  const context: Context = {
    file,
    opset,
    read,
    size: { nodes: 0 },
    depth: 0,
    unsupported: new Map(),
    functions: functionsOf(proto),
    differentiating: new Set(),
  };
  for (const each of main.initializer) {
    if (params.has(each.name)) {
      throw broken(file, format, "names", `it has two initializers ${JSON.stringify(each.name)}`, each.name);
    }
    if (!isParam(each)) continue;
    const value = tensorOf(each, each.name, read);
    params.set(each.name, value);
    if (value.size > mostHinted) continue;
    const hint = constantOf(each, each.name, read);
    if (hint instanceof Host) hints.set(each.name, hint);
  }
  const graph = graphFrom(main, new Map(), context, new Set(params.keys()));
  const failure = unsupportedOps(context);
  if (failure !== undefined) throw failure;
  const names = new Set(params.keys());
  return {
    params: Object.fromEntries(params),
    statistics: [...new Set(nodesOf(main).flatMap(statisticsOf))].filter((name) => names.has(name)),
    inputs: graph.inputs,
    outputs: graph.outputs,
    apply: <Outputs extends NamedValues>(given: NamedTensors, inputs: NamedValues) => {
      checkNames(given, names, "parameter");
      checkNames(inputs, new Set(graph.inputs.map(({ name }) => name)), "input");
      const scope = new Scope();
      for (const name of names) scope.set({ name, value: given[name], hint: hints.get(name) });
      for (const { name, type } of graph.inputs) scope.set(inputFrom(inputs[name], name, type));
      const results = runGraph(graph, scope);
      return Object.fromEntries(graph.outputs.map(({ name }, i) => [name, outputOf(results[i])])) as Outputs;
    },
  };
}

/** Parameters of up to so many elements may decide shapes, by their values in the file: scales of a resize, for one. */
const mostHinted = 64;

/** The nodes of a graph, and of graphs among their attributes. */
function nodesOf({ node }: GraphProto): NodeProto[] {
  return node.flatMap((each) => [each, ...graphsOf(each).flatMap(nodesOf)]);
}

/** Mean and variance by which a node normalizes. */
function statisticsOf({ opType, input }: NodeProto): string[] {
  return opType === "BatchNormalization" ? input.slice(3, 5) : [];
}

/** The version of the standard op set that a model is written in. */
function opsetOf({ opsetImport }: ModelProto, file: string): number {
  const version = opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version;
  const opset = Number(version ?? 1n);
  if (opset >= opsets[0] && opset <= opsets[1]) return opset;
  throw unsupported(file, `it is of op set ${opset}; supported are ${opsets[0]} to ${opsets[1]}`);
}

function checkNames(given: NamedValues, names: ReadonlySet<string>, what: string): void {
  if (typeof given !== "object" || given === null || given instanceof Tensor) {
    throw new TypeError(`Cannot apply a model to ${quoted(given)}: it takes a record of tensors by the name of each ${what}`);
  }
  const missing = [...names].filter((name) => !Object.hasOwn(given, name));
  const unknown = Object.keys(given).filter((name) => !names.has(name));
  if (missing.length === 0 && unknown.length === 0) return;
  const parts = [
    ...missing.length > 0 ? [`${what}s are missing: ${missing.join(", ")}`] : [],
    ...unknown.length > 0 ? [`there is no ${what} named ${unknown.join(", ")}; there are ${[...names].join(", ")}`] : [],
  ];
  throw new OptionError(`Cannot apply the model: ${parts.join("; ")}`, { missing, unknown });
}

/** An input of the graph. A few integers that are known are taken for sizes and positions, so that shapes can be computed from them. */
function inputFrom(given: Tensor | readonly Tensor[], name: string, type: ElementName | undefined): Input {
  const value = valueOf(given, name);
  const isSmall = value instanceof Tensor && value.rank <= 1 && value.size <= mostHinted && isInteger(value.dtype);
  const values = isSmall ? knownValues(value) : undefined;
  const known = values && new Host(type ?? elementOfDType((value as Tensor).dtype), (value as Tensor).shape, [...values]);
  return { name, type, value: known ?? value };
}

function valueOf(given: Tensor | readonly Tensor[], name: string): Value {
  if (given instanceof Tensor) return given;
  if (Array.isArray(given)) return new Sequence(given.map((each) => valueOf(each, name)));
  throw new TypeError(`Cannot apply the model: its input ${JSON.stringify(name)} is ${quoted(given)}, but must be a tensor`);
}

function outputOf(value: Value): Tensor | Tensor[] {
  if (value instanceof Sequence) return value.items.map((item) => outputOf(item) as Tensor);
  return value instanceof Host ? value.tensor() : value;
}
