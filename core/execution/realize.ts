/**
 * Computing: from a pending graph to values in memory, and from there to the user.
 *
 * Programs are remembered by the structure of the graph, so the thousandth step of an eager loop compiles nothing. Constants with a
 * fraction are inputs of the program: another learning rate is the same structure.
 *
 * @module
 */
import { neededAgain, noteComputed } from "./intermediates.ts";
import { compileProgram } from "../compile/compile.ts";
import { buildGraph, GraphBuilder } from "../compile/graph.ts";
import { correctDepth, type Node, type Op, setValues, sourceOf, Tensor, traceOf, unreadable } from "../tensor.ts";
import { topological } from "../walk.ts";
import { showGraph, showProgram } from "../compile/show.ts";
import {
  deviceBytes,
  type DType,
  fromHostArray,
  type HostArray,
  isBool,
  tangentType,
  toHostArray,
  type TypedArray,
} from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { broadcastOp } from "../ops/movement.ts";
import { computeLongHistoriesBy } from "../ops/define.ts";
import type { Device, DeviceBuffer, Executable } from "../values/device.ts";
import { debug } from "../env.ts";
import { currentDevice } from "./current_device.ts";
import { noteWorkingSet, Storage, storageOf, withRoom } from "../values/storage.ts";
import { type Shape, showShape, sizeOf } from "../shape.ts";
import { hasStructure, type PendingGraph, type Role, type Structure, structureOf } from "./structure.ts";
import { treeTensors } from "../tree.ts";

/** How many eager programs are remembered; the ones used longest ago go first. */
const remembered = 256;

interface Compiled {
  readonly structure: Structure;
  /** Undefined if there is nothing to compute: all that was asked for are inputs. */
  readonly executable: Executable | undefined;
  /** What each requested tensor is: an output of the program, or (after simplification) one of its inputs. */
  readonly results: readonly { readonly kind: "output" | "input"; readonly index: number }[];
  readonly bytes: number;
}

/** The one used last is first: a loop finds its program at once. */
const programs = new Map<Device, Compiled[]>();
let compiled = 0;

/**
 * How many programs have been compiled since the start. After its first iterations a loop should compile none.
 *
 * ```ts
 * import { compileCount, item, sin, tensor } from "../../mod.ts";
 * const run = (x: number) => item(sin(tensor(x)));
 * await run(1);
 * const before = compileCount();
 * await run(2);
 * console.log(compileCount() - before); // 0
 * ```
 */
export function compileCount(): number {
  return compiled;
}

/** Values of tensors that could not forget their history when they were computed. */
const values = new WeakMap<Tensor, Storage>();

/** Whether there are values. Those found inside a transform make the tensor forget its history when that is over. */
function isKnown(tensor: Tensor): boolean {
  if (sourceOf(tensor).kind === "data") return true;
  const storage = values.get(tensor);
  if (storage && !traceOf(tensor)) setValues(tensor, storage);
  return storage !== undefined;
}

/** Constants that are part of the structure: they simplify it. */
function isPlain(value: number, dtype: DType): boolean {
  return !tangentType(dtype) || !Number.isFinite(value) || (Math.abs(value) <= 2 && Number.isInteger(value)) || value === 0.5;
}

function constantOfOp(tensor: Tensor): number | undefined {
  const source = sourceOf(tensor);
  if (source.kind !== "op" || source.op.lower.kind !== "constant") return undefined;
  return source.op.lower.value(source.attrs);
}

/** Compiles a graph for a device and counts it; tells which input each output overwrites, if any. */
export function compile(
  graph: { readonly nodes: readonly Node[]; readonly outputs: readonly Node[] },
  inputs: readonly Node[],
  donated: readonly boolean[],
  device: Device,
): { readonly executable: Executable; readonly bytes: number; readonly overwrites: readonly (number | undefined)[] } {
  if (debug.has("graph")) console.error(showGraph(graph));
  const program = compileProgram(graph, { target: device, inputs, donated });
  if (debug.has("kernels")) console.error(showProgram(program));
  const bytes = program.buffers.reduce(
    (sum, { size, dtype, location }) => location.kind === "slot" ? sum : sum + size * deviceBytes(dtype),
    0,
  );
  const overwrites = program.outputs.map((id) => {
    const { location } = program.buffers[id];
    return location.kind === "input" ? location.index : undefined;
  });
  const executable = withRoom(device, () => device.compile(program));
  compiled++;
  return { executable, bytes, overwrites };
}

/** What a tensor is for the program that computes it, or others from it. */
function roleOf(tensor: Tensor): Role {
  if (isKnown(tensor)) return "values";
  const value = constantOfOp(tensor);
  return value === undefined || isPlain(value, tensor.dtype) ? "op" : "number";
}

/** The inputs of the program that computes a graph. */
function inputsOf(order: readonly Tensor[], reader: string): (Tensor | HostArray)[] {
  const inputs: (Tensor | HostArray)[] = [];
  for (const tensor of order) {
    const source = sourceOf(tensor);
    if (source.kind === "placeholder") throw unreadable(tensor, source.trace, reader);
    const role = roleOf(tensor);
    if (role === "values") inputs.push(tensor);
    else if (role === "number") inputs.push(toHostArray(tensor.dtype, [constantOfOp(tensor)!]));
  }
  return inputs;
}

function compileEager(pending: PendingGraph, device: Device): Compiled {
  const builder = new GraphBuilder();
  const inputs: Node[] = [];
  const input = (shape: Shape, dtype: DType) => {
    const node = builder.input(inputs.length, shape, dtype);
    inputs.push(node);
    return node;
  };
  const graph = buildGraph(pending.outputs, builder, (tensor) => {
    const role = roleOf(tensor);
    if (role === "values") return input(tensor.shape, tensor.dtype);
    if (role === "op") return undefined;
    const scalar = input([], tensor.dtype);
    return builder.op(broadcastOp as Op, [scalar], { shape: tensor.shape, axes: [] }, tensor.shape, tensor.dtype);
  });
  const computed = [...new Set(graph.outputs.filter(({ made }) => made.kind === "op"))];
  const made = computed.length > 0
    ? compile({ ...graph, outputs: computed }, inputs, inputs.map(() => false), device)
    : undefined;
  return {
    structure: structureOf(pending),
    executable: made?.executable,
    bytes: made?.bytes ?? 0,
    results: graph.outputs.map((node) =>
      node.made.kind === "input" ? { kind: "input", index: node.made.index } : { kind: "output", index: computed.indexOf(node) }
    ),
  };
}

/** Runs the program for a graph: one used before, or a new one, which is remembered when it has run. */
function runProgram(graph: PendingGraph, device: Device, run: (program: Compiled) => DeviceBuffer[]): [Compiled, DeviceBuffer[]] {
  let known = programs.get(device);
  if (!known) programs.set(device, known = []);
  const at = known.findIndex(({ structure }) => hasStructure(graph, structure));
  if (at >= 0) {
    const program = known[at];
    if (at > 0) known.unshift(...known.splice(at, 1));
    return [program, run(program)];
  }
  const program = compileEager(graph, device);
  const buffers = firstRun(program.executable, () => run(program));
  known.unshift(program);
  if (known.length > remembered) known.pop()!.executable?.destroy();
  return [program, buffers];
}

/** Runs a new program. One that fails, most likely because memory has run out, must not keep any. */
export function firstRun<T>(executable: Executable | undefined, run: () => T): T {
  try {
    return run();
  } catch (error) {
    executable?.destroy();
    throw error;
  }
}

/** Computes tensors now; `reader` is who asks, for messages. */
export function realizeNow(tensors: readonly Tensor[], reader: string): void {
  const wanted = [...new Set(tensors)].filter((tensor) => !isKnown(tensor));
  if (wanted.length === 0) return;
  const device = currentDevice();
  const order = topological(wanted, (tensor) => isKnown(tensor) || sourceOf(tensor).kind === "placeholder");
  const pending = [...new Set([...wanted, ...neededAgain(order)])];
  const inputs = inputsOf(order, reader);
  const [program, buffers] = runProgram(
    { outputs: pending, order, roleOf },
    device,
    ({ executable }) =>
      executable
        ? withRoom(
          device,
          () => executable.run(inputs.map((input) => input instanceof Tensor ? valuesFor(input).forRun(device) : input)),
        )
        : [],
  );
  noteWorkingSet(program.bytes);
  const storages = Storage.ofEagerRun(device, buffers);
  const storageOfInput = (tensor: Tensor, input: Tensor | HostArray) =>
    input instanceof Tensor ? valuesFor(input) : Storage.ofHost(tensor.dtype, input);
  const settled = new Set<Storage>();
  pending.forEach((tensor, i) => {
    const { kind, index } = program.results[i];
    const storage = kind === "output" ? storages[index] : storageOfInput(tensor, inputs[index]);
    storage.shared ||= kind === "input" || settled.has(storage);
    settled.add(storage);
    // Inside a transform the history is still needed.
    if (traceOf(tensor)) values.set(tensor, storage);
    else setValues(tensor, storage);
  });
  noteComputed(order);
}

function valuesFor(tensor: Tensor): Storage {
  const storage = storageOf(tensor) ?? values.get(tensor);
  if (!storage) throw new Error("A tensor was not computed");
  return storage;
}

/** How many operations one after the other are really pending. */
function depthNow(tensor: Tensor): number {
  const depths = new Map<Tensor, number>();
  for (const each of topological([tensor], isKnown)) {
    const source = sourceOf(each);
    const inputs = source.kind === "op" && !isKnown(each) ? source.inputs : [];
    depths.set(each, inputs.reduce((most, input) => Math.max(most, 1 + depths.get(input)!), 0));
  }
  return depths.get(tensor)!;
}

// A loop that reads nothing at all would grow its graph for ever.
computeLongHistoriesBy((tensor, longest) => {
  const depth = depthNow(tensor);
  if (depth > longest) realizeNow([tensor], "realize");
  else correctDepth(tensor, depth);
});

/**
 * Computes all tensors of a tree at once, in one program, without reading them.
 *
 * A loop without `jit` that reads only its loss should call it on the new parameters: otherwise each step computes part of the
 * step before again.
 *
 * ```ts
 * import { mul, ones, realize } from "../../mod.ts";
 * const { a } = realize({ a: mul(ones([2]), 3) });
 * ```
 *
 * @returns The same tree.
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function realize<T>(tree: T): T {
  realizeNow(treeTensors(tree), "realize");
  return tree;
}

/** The storage of a tensor, which is computed if it is not yet. */
export function computed(tensor: Tensor, reader: string): Storage {
  const storage = storageOf(tensor);
  if (storage) return storage;
  realizeNow([tensor], reader);
  return valuesFor(tensor);
}

/**
 * The elements in row-major order, as a typed array of the tensor's type (bool as 0 and 1 in a Uint8Array). Where JavaScript has no
 * such array, it is one of the type in which the tensor is computed, with the same numbers: a Float32Array for bf16.
 *
 * ```ts
 * import { add, data, tensor } from "../../mod.ts";
 * console.log(await data(add(tensor([1, 2]), 1))); // Float32Array(2) [2, 3]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function data(x: Tensor): Promise<TypedArray> {
  // Not async: a mistake shows where it is made, also if nobody awaits.
  return numbersOf(x, "data");
}

/**
 * The elements as bytes in row-major order, as they lie in memory and in files: little-endian; bool is one byte, 0 or 1. `fromBytes`
 * reads them.
 *
 * ```ts
 * import { tensor, toBytes } from "../../mod.ts";
 * console.log(await toBytes(tensor([1, 2], { dtype: "i32" }))); // Uint8Array(8) [1, 0, 0, 0, 2, 0, 0, 0]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 * @see NumPy's tobytes
 */
export function toBytes(x: Tensor): Promise<Uint8Array> {
  return valuesOf(x, "toBytes").read().then(({ buffer, byteOffset, byteLength }) => {
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}

/** The numbers of what a user wants to read. */
function numbersOf(x: Tensor, reader: string): Promise<TypedArray> {
  return valuesOf(x, reader).read().then((values) => fromHostArray(x.dtype, values));
}

/** The storage of what a user wants to read; programs without type checking may pass anything. */
function valuesOf(x: unknown, reader: string): Storage {
  if (x instanceof Tensor) return computed(x, reader);
  const given = x instanceof Promise ? "a Promise: await it first" : x === null ? "null" : `a ${typeof x}`;
  throw new TypeError(`Cannot read values with ${reader} of ${given}${x instanceof Promise ? "" : ", only of a tensor"}`);
}

/**
 * The number that a tensor of one element holds.
 *
 * ```ts
 * import { item, sum, tensor } from "../../mod.ts";
 * console.log(await item(sum(tensor([1, 2, 3])))); // 6
 * ```
 *
 * @throws {ShapeError} If there is not exactly one element.
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function item(x: Tensor): Promise<number> {
  if (x instanceof Tensor && x.size !== 1) {
    throw new ShapeError(`Cannot take the item of a tensor of shape ${showShape(x.shape)}: it has ${x.size} elements, not one`, {
      shape: x.shape,
    });
  }
  return numbersOf(x, "item").then(([value]) => value);
}

/** Numbers (or booleans) in nested arrays. */
export type Nested = number | boolean | Nested[];

/** Row-major values as nested arrays. */
export function nest(values: ArrayLike<number>, shape: Shape, dtype: DType): Nested {
  const bool = isBool(dtype);
  const convert = (value: number) => bool ? value !== 0 : value;
  const build = (axis: number, start: number): Nested => {
    if (axis === shape.length) return convert(values[start]);
    const step = sizeOf(shape.slice(axis + 1));
    return Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, start + i * step));
  };
  return build(0, 0);
}

/**
 * The elements as nested arrays of numbers (booleans for bool); a scalar gives the number itself.
 *
 * ```ts
 * import { tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(tensor([[1, 2], [3, 4]]))); // [[1, 2], [3, 4]]
 * console.log(await toArray(tensor([true, false]))); // [true, false]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function toArray(x: Tensor): Promise<Nested> {
  return numbersOf(x, "toArray").then((values) => nest(values, x.shape, x.dtype));
}
