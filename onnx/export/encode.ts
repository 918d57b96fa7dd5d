/**
 * Functions as ONNX files: their models (`model.ts`) with the values of the parameters.
 *
 * @module
 */
import { defaultFloat, type DType } from "../../core/dtype.ts";
import { CotangentError, OptionError, ShapeError } from "../../core/errors.ts";
import { toBytes } from "../../core/execution/read.ts";
import { realizeNow } from "../../core/execution/realize.ts";
import { aFunction, aList, argument, aString, aTree, type Kind, kindOf, stringList } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { checkShape, type Shape, showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { quoted } from "../../core/quoted.ts";
import { stateDict } from "../../layers/state_dict.ts";
import type { FormatTask } from "../../formats/errors.ts";
import { attemptAsync } from "../../formats/failures.ts";
import { writeFile } from "../../formats/files.ts";
import { ModelProtoSchema, toBinary } from "../deps.ts";
import { writeModel, type WrittenModel } from "./model.ts";

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

/** Protocol buffers are no larger. */
const mostBytes = 2 ** 31 - 1;

/**
 * A function as the bytes of an ONNX file: any function of tensors that can be traced, the `apply` of a model first of all.
 *
 * Layers become the ops that other programs expect (Conv, Gemm, BatchNormalization, pools, Softmax, LayerNormalization, LSTM, GRU, Scan for
 * other loops), parameters become initializers with their names, and the batch is left open: the function is traced with several
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
  return await bytesOf(modelOf(f, examples, options, "encode"));
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
  const written = modelOf(f, examples, options, "save");
  return () => attemptAsync(async () => await writeFile(path, [await bytesOf(written)]));
}

async function bytesOf({ model, parameters }: WrittenModel): Promise<Uint8Array> {
  for (const { tensor, proto } of parameters) proto.rawData = await toBytes(tensor) as Uint8Array<ArrayBuffer>;
  const bytes = parameters.reduce((total, { proto }) => total + proto.rawData.length, 0);
  if (bytes > mostBytes) {
    throw new CotangentError(`Cannot export parameters of ${bytes} bytes: an ONNX file has at most ${mostBytes}`, { bytes });
  }
  return toBinary(ModelProtoSchema, model);
}

/** The model of a function, with all that is said of it checked. */
function modelOf(
  f: (...inputs: Tensor[]) => unknown,
  examples: readonly InputExample[],
  options: ExportOptions,
  what: "encode" | "save",
): WrittenModel {
  const call = `onnx.${what}`;
  argument(f, aFunction<typeof f>(), "f", call);
  const { params = {}, batchAxis = 0, ...names } = checkOptions(options, exportOptions, call);
  const inputs = checkExamples(examples, call);
  const batchAxes = axesOf(batchAxis, inputs, call);
  const named = new Map(Object.entries(stateDict(params)).map(([path, tensor]) => [tensor, path]));
  // With values they are no constants of the function, which a loop or a jitted function makes anew.
  realizeNow([...named.keys()], call);
  return writeModel({ f, call, inputs, batchAxes, named, ...names });
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
