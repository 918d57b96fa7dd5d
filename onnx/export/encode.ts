/**
 * Functions as ONNX files: traced, written, and with the values of their parameters.
 *
 * @module
 */
import { defaultFloat, type DType } from "../../core/dtype.ts";
import { CotangentError, OptionError, ShapeError } from "../../core/errors.ts";
import { toBytes } from "../../core/execution/read.ts";
import { realizeNow } from "../../core/execution/realize.ts";
import { traceFunction } from "../../core/grad/traced_function.ts";
import { aFunction, aList, argument, aString, aTree, type Kind, kindOf, stringList } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { checkShape, type Shape, showShape } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { treeLeaves } from "../../core/tree.ts";
import { quoted } from "../../core/quoted.ts";
import { stateDict } from "../../layers/state_dict.ts";
import type { FormatTask } from "../../formats/errors.ts";
import { attemptAsync } from "../../formats/failures.ts";
import { writeFile } from "../../formats/files.ts";
import { create, type ModelProto, ModelProtoSchema, type TensorProto, toBinary } from "../deps.ts";
import { batchSizes } from "./extents.ts";
import { Emitter } from "./emitter.ts";
import { joined, leaf, type Value } from "./graph.ts";
import { fusions, rows } from "./table.ts";
import { describedValue, Names } from "./writer.ts";

/** What an input looks like: a tensor, or its shape and type (default f32). Values are not used. */
export interface InputExample {
  /** The extents of the axes. */
  readonly shape: Shape;
  /** The type of the elements. Default f32. */
  readonly dtype?: DType;
}

/** Options of `encode` and `save`. */
export interface ExportOptions {
  /**
   * Parameters and state of a model, in any form: what the function uses of them is named by its path, in PyTorch's spelling
   * (`conv1.weight`, `bn1.running_mean`). `layers.stateDict(params, state)` joins both. Other tensors that the function uses are named
   * by the file.
   */
  readonly params?: object;
  /** The names of the inputs. Default "input", or "input_0", "input_1" ... */
  readonly inputNames?: readonly string[];
  /** The names of the outputs, in the order of the leaves of what the function returns. Default their paths, or "output". */
  readonly outputNames?: readonly string[];
  /**
   * Which axis of each input is the batch, whose extent is left open: one number for all, or one for each (null for an input without).
   * null: all extents are those of the examples. Default 0.
   */
  readonly batchAxis?: number | null | readonly (number | null)[];
  /** The name of the graph. Default that of the function. */
  readonly name?: string;
}

const batchAxes = kindOf<NonNullable<ExportOptions["batchAxis"]> | null>(
  "an axis, null, or a list of these",
  (value) => [value].flat().every((axis) => axis === null || Number.isInteger(axis)),
);

const exportOptions = optionTable<ExportOptions>({
  params: aTree,
  inputNames: stringList,
  outputNames: stringList,
  batchAxis: batchAxes,
  name: aString,
});

/** The first version of the format that knows this opset, and the opset: both are read everywhere. */
const [irVersion, opset] = [8n, 18n];
/** Protocol buffers are no larger. */
const mostBytes = 2 ** 31 - 1;

/**
 * A function as the bytes of an ONNX file: any function of tensors that can be traced, the `apply` of a model first of all.
 *
 * Layers become the ops that other programs expect (Conv, Gemm, BatchNormalization, pools, Softmax, LayerNormalization, LSTM, GRU, Scan for
 * other loops), parameters become initialisers with their names, and the batch is left open: the function is traced with several
 * sizes of it, and what differs is computed from the input's shape. The file has opset 18 and IR version 8. Programs that run it refuse
 * indices out of range, also where ours give NaN or the nearest element.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * import * as onnx from "../mod.ts";
 * const model = layers.serial({ fc1: layers.linear({ features: 16 }), norm: layers.batchNorm(), fc2: layers.linear({ features: 3 }) });
 * const { params, state } = model.init(random.key(0), [4]);
 * const bytes = await onnx.encode((x) => model.apply(params, state, x, layers.evalMode)[0], [{ shape: [1, 4] }], {
 *   params: layers.stateDict(params, state),
 * });
 * console.log(bytes.length > 400); // true
 * ```
 *
 * @param f Gives a tensor, or a tree of tensors, from tensors like the examples.
 * @param examples One for each argument of `f`: a tensor, or `{ shape, dtype }`.
 * @returns The bytes.
 * @throws {CotangentError} If the function uses what ONNX has no ops for: all of it is listed. If it does not work for other sizes of the
 * batch, or the file would have more than 2 GiB.
 * @throws {OptionError} If the names are not as many as the inputs or outputs, or one is there twice.
 * @throws {TypeError} If the function gives something else than tensors.
 * @see https://onnx.ai/onnx/intro/
 */
export async function encode(
  f: (...inputs: Tensor[]) => unknown,
  examples: readonly InputExample[],
  options: ExportOptions = {},
): Promise<Uint8Array> {
  const { model, parameters } = graphOf(f, examples, options, "encode");
  return await bytesOf(model, parameters);
}

/**
 * Writes a function as an ONNX file: see `encode`. What was there before stays if anything fails.
 *
 * ```ts
 * import { relu } from "../../mod.ts";
 * import * as onnx from "../mod.ts";
 * const path = `${await Deno.makeTempDir()}/relu.onnx`;
 * const saved = await onnx.save(path, relu, [{ shape: [1, 4] }])();
 * if (saved._tag === "Left") throw new Error(saved.left.message);
 * ```
 *
 * @returns A task: Left if the file cannot be written.
 * @throws {CotangentError} As `encode`, before anything is written.
 * @throws {OptionError} As `encode`.
 * @throws {TypeError} As `encode`.
 */
export function save(
  path: string,
  f: (...inputs: Tensor[]) => unknown,
  examples: readonly InputExample[],
  options: ExportOptions = {},
): FormatTask<void> {
  argument(path, aString, "path", "onnx.save");
  const { model, parameters } = graphOf(f, examples, options, "save");
  return () => attemptAsync(async () => await writeFile(path, [await bytesOf(model, parameters)]));
}

/** A file whose parameters have no values yet. */
interface Written {
  readonly model: ModelProto;
  readonly parameters: readonly { readonly tensor: Tensor; readonly proto: TensorProto }[];
}

async function bytesOf(model: ModelProto, parameters: Written["parameters"]): Promise<Uint8Array> {
  for (const { tensor, proto } of parameters) proto.rawData = await toBytes(tensor) as Uint8Array<ArrayBuffer>;
  const bytes = parameters.reduce((total, { proto }) => total + proto.rawData.length, 0);
  if (bytes > mostBytes) {
    throw new CotangentError(`Cannot export parameters of ${bytes} bytes: an ONNX file has at most ${mostBytes}`, { bytes });
  }
  return toBinary(ModelProtoSchema, model);
}

function graphOf(
  f: (...inputs: Tensor[]) => unknown,
  examples: readonly InputExample[],
  options: ExportOptions,
  what: "encode" | "save",
): Written {
  const call = `onnx.${what}`;
  argument(f, aFunction<typeof f>(), "f", call);
  const { params = {}, batchAxis = 0, inputNames, outputNames, name } = checkOptions(options, exportOptions, call);
  const inputs = checkExamples(examples, call);
  const batchAxes = axesOf(batchAxis, inputs, call);
  const named = new Map(Object.entries(stateDict(params)).map(([path, tensor]) => [tensor, path]));
  // With values they are no constants of the function, which a loop or a jitted function makes anew.
  realizeNow([...named.keys()], call);
  const grows = batchAxes.some((axis) => axis !== null);
  const shapes = [...inputs.map(({ shape }) => shape), ...[...named.keys()].map(({ shape }) => shape)];
  const sizes = grows ? batchSizes(shapes) : [1];

  let paths: readonly string[] = [];
  const traced = sizes.map((size) => {
    const sized = inputs.map(({ shape, dtype }, i) => ({
      shape: shape.map((extent, axis) => axis === batchAxes[i] ? size : extent),
      dtype,
    }));
    return traceFunction(call, sized, (args) => {
      const leaves = treeLeaves(sizes.length > 1 ? withBatch(size, () => f(...args)) : f(...args));
      const wrong = leaves.find(({ value }) => !(value instanceof Tensor));
      if (wrong || leaves.length === 0) {
        throw new TypeError(
          `Cannot export a function that gives ${wrong ? quoted(wrong.value) : "nothing"}` +
            `${wrong?.path ? ` at "${wrong.path}"` : ""}: its results must be tensors`,
        );
      }
      paths = leaves.map(({ path }) => path);
      return [leaves.map(({ value }) => value as Tensor), undefined];
    }, { hoist: false })[0];
  });

  const names = new Names();
  const inputLabels = labels(inputNames, inputs.map((_, i) => inputs.length === 1 ? "input" : `input_${i}`), "inputNames", names);
  const outputLabels = labels(
    outputNames,
    paths.map((path, i) => path === "" ? "output" : /^\d+$/.test(path) ? `output_${path}` : path || `output_${i}`),
    "outputNames",
    names,
  );
  const batched = batchAxes.findIndex((axis) => axis !== null);
  const source = batched < 0 ? undefined : { name: inputLabels[batched], axis: batchAxes[batched]! };
  const emitter = Emitter.of({ rows, fusions }, names, sizes, source);

  const args = inputs.map((_, i) => leaf(traced.map(({ args }) => args[i]), sizes));
  args.forEach((arg, i) => emitter.define(arg, inputLabels[i]));
  const parameters: { tensor: Tensor; proto: TensorProto }[] = [];
  const parameter = (tensor: Tensor): Value => {
    const value = leaf(sizes.map(() => tensor), sizes);
    const label = names.fresh(named.get(tensor) || "parameter");
    parameters.push({ tensor, proto: emitter.initialisers.parameter(label, tensor.dtype, tensor.shape) });
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
    emitter.initialisers.all,
  );
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "cotangent",
    opsetImport: [{ domain: "", version: opset }],
    graph,
  });
  return { model, parameters };
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

function checkExamples(examples: readonly InputExample[], what: string): Required<InputExample>[] {
  return argument(examples, aList as Kind<typeof examples>, "examples", what).map((example) => {
    if (typeof example !== "object" || example === null || !Array.isArray(example.shape)) {
      throw new TypeError(`Cannot call ${what} with ${quoted(example)} as an example: it takes tensors, or { shape, dtype }`);
    }
    return { shape: checkShape(example.shape, "export an input"), dtype: example.dtype ?? defaultFloat };
  });
}

/** The axis of each input that is the batch; null if none. Scalars have none. */
function axesOf(
  given: ExportOptions["batchAxis"],
  inputs: readonly InputExample[],
  what: string,
): (number | null)[] {
  const list = Array.isArray(given) ? given as readonly (number | null)[] : undefined;
  if (list && list.length !== inputs.length) {
    throw new OptionError(`Cannot call ${what} with ${list.length} batch axes: there are ${inputs.length} inputs`, {
      batchAxis: list,
    });
  }
  return inputs.map(({ shape }, i) => {
    const axis = list ? list[i] : given as number | null;
    if (axis === null || shape.length === 0 && !list) return null;
    if (Number.isInteger(axis) && axis >= 0 && axis < shape.length) return axis;
    throw new ShapeError(`Cannot call ${what} with batchAxis ${axis}: input ${i} has the axes ${showShape(shape)}`, {
      axis,
      shape,
    });
  });
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
