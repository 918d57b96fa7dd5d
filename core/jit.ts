/**
 * Just-in-time compilation: a function is traced once per form of its arguments and becomes one program.
 *
 * The form is the tree structure, the shapes and types of the tensors, and the static values. A number is not static: it is a scalar
 * input, so that a new learning rate compiles nothing.
 *
 * @module
 */
import { buildGraph, GraphBuilder, type Node, topological } from "./compile/graph.ts";
import { TraceError } from "./errors.ts";
import { compile, computed, realizeNow } from "./realize.ts";
import type { Device, DeviceBuffer, Executable } from "./runtime/device.ts";
import { currentDevice } from "./runtime/select.ts";
import { noteWorkingSet, Storage } from "./runtime/storage.ts";
import { hole, sourceOf, Tensor, traceOf, withTrace } from "./tensor.ts";
import { flattenTree, type FlatTree } from "./tree.ts";
import type { DType, TypedArray } from "./dtype.ts";
import type { Shape } from "./shape.ts";

/** Options of `jit`. */
export interface JitOptions {
  /**
   * Positions of arguments whose tensors the caller gives up: their memory is used for the results (the old training state for the new).
   * Using them afterwards is a DonatedError. Default none.
   */
  readonly donate?: readonly number[];
}

/** One output leaf: a program's output, an argument handed through, or a value that is no tensor. */
type Result =
  | { readonly kind: "output"; readonly index: number; readonly shape: Shape; readonly dtype: DType; readonly weak: boolean }
  | { readonly kind: "argument"; readonly leaf: number }
  | { readonly kind: "captured"; readonly tensor: Tensor }
  | { readonly kind: "static"; readonly value: unknown };

interface Entry {
  readonly executable: Executable | undefined;
  /** Tensors from outside the function, inputs after the arguments. */
  readonly captured: readonly Tensor[];
  readonly results: readonly Result[];
  readonly form: FlatTree;
  readonly bytes: number;
}

const unused = new FinalizationRegistry<Map<string, Entry>>((entries) => {
  for (const { executable } of entries.values()) executable?.destroy();
});

let identities = 0;
const identityOf = new WeakMap<object, number>();

/** Text that is equal for equal static values; functions and objects count by identity. */
function staticKey(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    let identity = identityOf.get(value);
    if (identity === undefined) identityOf.set(value, identity = identities++);
    return `@${identity}`;
  }
  return String(value);
}

function leafKey(leaf: unknown): string {
  if (leaf instanceof Tensor) return `${leaf.dtype}${leaf.weak ? "~" : ""}[${leaf.shape.join()}]`;
  return typeof leaf === "number" ? "number" : staticKey(leaf);
}

function isInput(leaf: unknown): leaf is Tensor | number {
  return leaf instanceof Tensor || typeof leaf === "number";
}

/**
 * The same function, compiled: the first call with arguments of a new form traces it, later ones run the program.
 *
 * The function must be pure: what it does beside computing its result (printing, pushing to an array) happens when it is traced only.
 * Tensors from outside it are read anew at each call, JavaScript variables are not.
 *
 * ```ts
 * import { jit, mul, tensor, toArray } from "../mod.ts";
 * const scale = jit((x: Tensor, by: number) => mul(x, by));
 * console.log(await toArray(scale(tensor([1, 2]), 10))); // [10, 20]
 * import type { Tensor } from "../mod.ts";
 * ```
 *
 * @param f From trees of tensors, numbers and static values (strings, booleans, functions) to a tree.
 * @throws {TraceError} When called, if f reads values, which do not exist while it is traced.
 */
export function jit<A extends unknown[], R>(f: (...args: A) => R, { donate = [] }: JitOptions = {}): (...args: A) => R {
  const entries = new Map<string, Entry>();
  const devices = new Map<Device, number>();

  const compiled = (...args: A): R => {
    const flat = flattenTree(args);
    // Inside another transform it is part of that one's graph.
    if (flat.leaves.some((leaf) => leaf instanceof Tensor && traceOf(leaf))) return f(...args);
    const device = currentDevice();
    if (!devices.has(device)) devices.set(device, devices.size);
    const key = `${devices.get(device)}${flat.form}${flat.leaves.map(leafKey).join("|")}`;
    let entry = entries.get(key);
    if (!entry) {
      const donated = args.map((arg, i) => flattenTree(arg).leaves.map(() => donate.includes(i))).flat();
      entry = traceAndCompile(f as (...args: unknown[]) => unknown, flat, donated, device);
      if (!entry) return f(...args);
      entries.set(key, entry);
    }
    return execute(entry, flat, args, donate, device) as R;
  };
  unused.register(compiled, entries);
  return compiled;
}

/** The program for arguments of this form; undefined if the function captures variables of a transform around it. */
function traceAndCompile(
  f: (...args: unknown[]) => unknown,
  flat: FlatTree,
  donated: readonly boolean[],
  device: Device,
): Entry | undefined {
  return withTrace("jit", (trace) => {
    const start = Tensor.nextSerial;
    const holes: Tensor[] = [];
    const holeOfLeaf = new Map<Tensor, number>();
    const traced = flat.build(flat.leaves.map((leaf, i) => {
      if (!isInput(leaf)) return leaf;
      const made = leaf instanceof Tensor ? hole(trace, leaf.shape, leaf.dtype, leaf.weak) : hole(trace, [], "f32", true);
      holes.push(made);
      holeOfLeaf.set(made, i);
      return made;
    })) as unknown[];
    const form = flattenTree(f(...traced));
    if (form.leaves.some((leaf) => leaf instanceof Promise)) {
      throw new TraceError("Cannot jit an async function: its result is a Promise; await outside and jit the computation", {});
    }

    const isOld = (tensor: Tensor) => tensor.serial < start && !isConstant(tensor);
    const outputs = form.leaves.filter((leaf) => leaf instanceof Tensor);
    const captured = topological(outputs, (tensor) => isOld(tensor) || sourceOf(tensor).kind !== "op")
      .filter((tensor) => !holeOfLeaf.has(tensor) && (isOld(tensor) || sourceOf(tensor).kind === "data"));
    if (captured.some((tensor) => traceOf(tensor))) return undefined;
    realizeNow(captured, "jit");

    const builder = new GraphBuilder();
    const inputTensors = [...holes, ...captured];
    const inputs = inputTensors.map((tensor, i) => builder.input(i, tensor.shape, tensor.dtype));
    const nodeOf = new Map<Tensor, Node>(inputTensors.map((tensor, i) => [tensor, inputs[i]]));
    const graph = buildGraph(outputs, builder, (tensor) => nodeOf.get(tensor));

    const computedNodes = [...new Set(graph.outputs.filter((node) => node.made.kind === "op"))];
    let next = 0;
    const results = form.leaves.map((leaf): Result => {
      if (!(leaf instanceof Tensor)) return { kind: "static", value: leaf };
      const node = graph.outputs[next++];
      if (node.made.kind === "op") {
        const { shape, dtype, weak } = leaf;
        return { kind: "output", index: computedNodes.indexOf(node), shape, dtype, weak };
      }
      const input = inputTensors[node.made.index];
      const argument = holeOfLeaf.get(input);
      return argument === undefined ? { kind: "captured", tensor: input } : { kind: "argument", leaf: argument };
    });
    // An argument that is handed through keeps its memory.
    const kept = new Set(results.flatMap((result) => result.kind === "argument" ? [result.leaf] : []));
    const mayOverwrite = inputTensors.map((tensor) => {
      const leaf = holeOfLeaf.get(tensor);
      return leaf !== undefined && donated[leaf] && flat.leaves[leaf] instanceof Tensor && !kept.has(leaf);
    });
    const made = computedNodes.length > 0
      ? compile({ nodes: graph.nodes, outputs: computedNodes }, inputs, mayOverwrite, device)
      : undefined;
    return { executable: made?.executable, captured, results, form, bytes: made?.bytes ?? 0 };
  });
}

function isConstant(tensor: Tensor): boolean {
  const source = sourceOf(tensor);
  return source.kind === "op" && source.inputs.length === 0;
}

function execute(entry: Entry, flat: FlatTree, args: readonly unknown[], donate: readonly number[], device: Device): unknown {
  const given = flat.leaves.filter(isInput);
  realizeNow(given.filter((leaf) => leaf instanceof Tensor), "jit");
  const storages = [...given, ...entry.captured].map((leaf) => leaf instanceof Tensor ? computed(leaf, "jit") : leaf);
  const donated = new Set(
    donate.flatMap((i) => flattenTree(args[i]).leaves).flatMap((leaf) => leaf instanceof Tensor ? [computed(leaf, "jit")] : []),
  );
  for (const result of entry.results) {
    if (result.kind === "argument") donated.delete(computed(flat.leaves[result.leaf] as Tensor, "jit"));
  }
  const inputs: (DeviceBuffer | TypedArray)[] = [];
  const seen = new Set<Storage>();
  for (const storage of storages) {
    if (typeof storage === "number") inputs.push(Float32Array.of(storage));
    // Values that are donated in one place and read in another are copied: overwriting must not be seen.
    else if (donated.has(storage) && seen.has(storage)) inputs.push(storage.hostNow());
    else inputs.push(storage.forRun(device));
    if (typeof storage !== "number") seen.add(storage);
  }
  noteWorkingSet(entry.bytes);
  const buffers = entry.executable?.run(inputs) ?? [];
  const returned = new Set<DeviceBuffer>(buffers);
  for (const storage of donated) {
    const buffer = storage.donate();
    if (buffer && !returned.has(buffer)) device.free(buffer);
  }
  const made = buffers.map((buffer) => Storage.ofDevice(device, buffer));
  return entry.form.build(entry.results.map((result) => {
    switch (result.kind) {
      case "output":
        return new Tensor(result.shape, result.dtype, { kind: "data", storage: made[result.index] }, result.weak);
      case "argument": {
        const leaf = flat.leaves[result.leaf];
        return typeof leaf === "number"
          ? new Tensor([], "f32", { kind: "data", storage: Storage.ofHost("f32", Float32Array.of(leaf)) }, true)
          : leaf;
      }
      case "captured":
        return result.tensor;
      case "static":
        return result.value;
    }
  }));
}
