/**
 * A function as a model of ONNX: traced at every size of the batch, named, and written.
 *
 * @module
 */
import type { DType } from "../../core/dtype.ts";
import { CotangentError, OptionError, ShapeError } from "../../core/errors.ts";
import { type TracedFunction, traceFunction } from "../../core/grad/traced_function.ts";
import { quoted } from "../../core/quoted.ts";
import type { Shape } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { type Leaf, treeLeaves } from "../../core/tree.ts";
import { create, type ModelProto, ModelProtoSchema, type TensorProto } from "../deps.ts";
import { type BatchSource, Emitter } from "./emitter.ts";
import { batchSizes } from "./extents.ts";
import { joined, leaf, type Value } from "./graph.ts";
import { fusions, rows } from "./table.ts";
import { describedValue, Names } from "./writer.ts";

/** The first version of the format that knows this opset, and the opset: both are read everywhere. */
const [irVersion, opset] = [8n, 18n];
/** What is exported. */
export interface ExportedFunction {
  readonly f: (...inputs: Tensor[]) => unknown;
  /** The function of ours that was called, for messages. */
  readonly call: string;
  readonly inputs: readonly { readonly shape: Shape; readonly dtype: DType }[];
  /** Which axis of each input is the batch; null if none. */
  readonly batchAxes: readonly (number | null)[];
  /** The parameters, and what they are called. */
  readonly named: ReadonlyMap<Tensor, string>;
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
  readonly name?: string;
}

/** A model whose parameters have no values yet. */
export interface WrittenModel {
  readonly model: ModelProto;
  readonly parameters: readonly { readonly tensor: Tensor; readonly proto: TensorProto }[];
}

/**
 * Writes a function.
 *
 * @throws {CotangentError} If it uses what ONNX has no ops for, or computes in different ways at other sizes of the batch.
 * @throws {OptionError} If a name cannot be one.
 * @throws {TypeError} If it gives something else than tensors.
 */
export function writeModel(exported: ExportedFunction): WrittenModel {
  const { f, inputs, batchAxes, named, name } = exported;
  const sizes = sizesOf(exported);
  const { traced, paths } = traceAt(sizes, exported);
  const names = new Names();
  const { inputLabels, outputLabels } = labelsOf(exported, paths, names);
  const emitter = Emitter.of({ rows, fusions }, names, sizes, sourceOf(batchAxes, inputLabels));

  const args = inputs.map((_, i) => leaf(traced.map(({ args }) => args[i]), sizes));
  args.forEach((arg, i) => emitter.define(arg, inputLabels[i]));
  const parameters: { tensor: Tensor; proto: TensorProto }[] = [];
  const parameter = (tensor: Tensor): Value => {
    const value = leaf(sizes.map(() => tensor), sizes);
    const label = names.fresh(named.get(tensor) || "parameter");
    parameters.push({ tensor, proto: emitter.initializers.parameter(label, tensor.dtype, tensor.shape) });
    emitter.define(value, label);
    return value;
  };
  const captured = new Set(traced.flatMap((each) => each.captured));
  const results = joined({
    sizes,
    traces: traced.map((each) => ({ outputs: each.outputs, leaves: new Map(each.args.map((arg, i) => [arg, args[i]])) })),
  }, { has: (tensor) => named.has(tensor) || captured.has(tensor), value: parameter });
  const made = results.map((result) => emitter.of(result));
  if (emitter.refused.size > 0) {
    const list = [...emitter.refused];
    throw new CotangentError(`Cannot export the function as ONNX: there are no ops for ${list.join(", ")}`, { operations: list });
  }
  results.forEach((_, i) => emitter.nodes.add("Identity", [made[i]], {}, [outputLabels[i]]));
  const graph = emitter.nodes.graph(
    name ?? (f.name || "cotangent"),
    args.map(({ dtype, shape }, i) => describedValue(inputLabels[i], dtype, shape)),
    results.map(({ dtype, shape }, i) => describedValue(outputLabels[i], dtype, shape)),
    emitter.initializers.all,
  );
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "cotangent",
    opsetImport: [{ domain: "", version: opset }],
    graph,
  });
  return { model, parameters };
}

/** The sizes of the batch at which a function is traced. */
function sizesOf({ inputs, batchAxes, named }: ExportedFunction): readonly number[] {
  if (batchAxes.every((axis) => axis === null)) return [1];
  return batchSizes([...inputs, ...named.keys()].map(({ shape }) => shape));
}

/** What the size of the batch is read from while a model runs, if it has one. */
function sourceOf(batchAxes: ExportedFunction["batchAxes"], labels: readonly string[]): BatchSource | undefined {
  const batched = batchAxes.findIndex((axis) => axis !== null);
  return batched < 0 ? undefined : { name: labels[batched], axis: batchAxes[batched]! };
}

/** A function at each size of the batch, and the paths of its results. */
function traceAt(
  sizes: readonly number[],
  { f, call, inputs, batchAxes }: ExportedFunction,
): { readonly traced: readonly TracedFunction[]; readonly paths: readonly string[] } {
  let paths: readonly string[] = [];
  const traced = sizes.map((size) => {
    const sized = inputs.map(({ shape, dtype }, i) => ({
      shape: shape.map((extent, axis) => axis === batchAxes[i] ? size : extent),
      dtype,
    }));
    return traceFunction(call, sized, (args) => {
      const leaves = checkResults(treeLeaves(sizes.length > 1 ? withBatch(size, () => f(...args)) : f(...args)));
      paths = leaves.map(({ path }) => path);
      return [leaves.map(({ value }) => value), undefined];
    }, { hoist: false })[0];
  });
  return { traced, paths };
}

function checkResults(leaves: readonly Leaf[]): readonly (Leaf & { readonly value: Tensor })[] {
  const wrong = leaves.find(({ value }) => !(value instanceof Tensor));
  if (wrong || leaves.length === 0) {
    throw new TypeError(
      `Cannot export a function that gives ${wrong ? quoted(wrong.value) : "nothing"}` +
        `${wrong?.path ? ` at "${wrong.path}"` : ""}: its results must be tensors`,
    );
  }
  return leaves as readonly (Leaf & { readonly value: Tensor })[];
}

/** Runs a function with a batch that its author may not have thought of. */
function withBatch<R>(size: number, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(
      `Cannot export the function with a free batch axis: with a batch of ${size} it fails: ${error.message}; ` +
        "batchAxis says which axis of each input is the batch, and null that all extents are those of the examples",
      { ...error.facts, size },
    );
  }
}

/** The names of the inputs and outputs in the file. */
function labelsOf({ inputs, inputNames, outputNames }: ExportedFunction, paths: readonly string[], names: Names) {
  const ownOf = (path: string, i: number) =>
    path === "" ? "output" : /^\d+$/.test(path) ? `output_${path}` : path || `output_${i}`;
  const inputLabels = labels(inputNames, inputs.map((_, i) => inputs.length === 1 ? "input" : `input_${i}`), "inputNames", names);
  return { inputLabels, outputLabels: labels(outputNames, paths.map(ownOf), "outputNames", names) };
}

/** Names that were given, or those that are left to us; each can be there only once. */
function labels(given: readonly string[] | undefined, otherwise: readonly string[], option: string, names: Names): string[] {
  const list = given ?? otherwise;
  if (list.length !== otherwise.length) {
    throw new OptionError(`Cannot export with ${list.length} ${option}: ${otherwise.length} are needed`, { [option]: list });
  }
  const wrong = list.find((name) => name === "" || !name.isWellFormed());
  if (wrong !== undefined) {
    throw new OptionError(`Cannot export with ${quoted(wrong)} among ${option}: names are well-formed and not empty`, {
      [option]: list,
    });
  }
  const labels = list.map((name) => names.fresh(name));
  const twice = given && labels.findIndex((label, i) => label !== list[i]);
  if (twice === undefined || twice < 0) return labels;
  throw new OptionError(`Cannot export with ${option} of which "${list[twice]}" is there before: names are used once`, {
    [option]: list,
  });
}
