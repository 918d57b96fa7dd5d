/**
 * Just-in-time compilation: a function is traced once per form of its arguments and becomes one program.
 *
 * The form is the tree structure, the shapes and types of the tensors, and the static values. A number is not static: it is a scalar
 * input, so that a new learning rate compiles nothing.
 *
 * @module
 */
import { type Example, traceFunction } from "../grad/traced_function.ts";
import { compileTensors, firstRun } from "./program.ts";
import { type Node, sourceOf, Tensor, traceOf } from "../tensor.ts";
import { defaultFloat, type DType, type HostArray } from "../dtype.ts";
import { TraceError } from "../errors.ts";
import { fromHost } from "../ops/creation.ts";
import { computed, realizeNow } from "./realize.ts";
import type { Device, DeviceBuffer, Executable } from "../values/device.ts";
import { currentDevice } from "./current_device.ts";
import { noteWorkingSet, withRoom } from "../values/budget.ts";
import { Storage } from "../values/storage.ts";
import { sameShape, type Shape } from "../shape.ts";
import { buildTree, flattenTree, type Form, hasForm } from "../tree.ts";

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

/** A tensor from outside that is returned unchanged. */
type Passthrough = Extract<Result, { kind: "argument" | "captured" }>;

/** A program for one form of arguments. */
interface Entry {
  readonly device: Device;
  readonly executable: Executable | undefined;
  /** The arguments it is for. */
  readonly args: Form;
  readonly guards: readonly Guard[];
  /** Tensors from outside the function, inputs after the arguments. */
  readonly captured: readonly Tensor[];
  readonly results: readonly Result[];
  readonly form: Form;
  readonly passthrough: readonly Passthrough[];
  /** Outputs that are returned more than once. */
  readonly repeated: readonly number[];
  /** For each output of the program which of its inputs it overwrites, if any. */
  readonly overwrites: readonly (number | undefined)[];
  /** Leaves whose memory the caller gives up. */
  readonly donated: readonly number[];
  /** For each leaf whether it is one of those. */
  readonly mayOverwrite: readonly boolean[];
  readonly bytes: number;
}

/** What one leaf of the arguments must be: a tensor of this type and shape, any number, or this very value. */
type Guard =
  | {
    readonly kind: "tensor";
    /** The array last seen: in a loop it is the same one each time. */
    shape: Shape;
    readonly dtype: DType;
    readonly weak: boolean;
  }
  | { readonly kind: "number" }
  | { readonly kind: "static"; readonly value: unknown };

function guardOf(leaf: unknown): Guard {
  if (leaf instanceof Tensor) return { kind: "tensor", shape: leaf.shape, dtype: leaf.dtype, weak: leaf.weak };
  return typeof leaf === "number" ? { kind: "number" } : { kind: "static", value: leaf };
}

function passes(guard: Guard, leaf: unknown): boolean {
  switch (guard.kind) {
    case "tensor":
      if (!(leaf instanceof Tensor) || leaf.dtype !== guard.dtype || leaf.weak !== guard.weak) return false;
      if (!sameShape(leaf.shape, guard.shape)) return false;
      guard.shape = leaf.shape;
      return true;
    case "number":
      return typeof leaf === "number";
    case "static":
      return Object.is(leaf, guard.value);
  }
}

const unused = new FinalizationRegistry<Entry[]>((entries) => {
  for (const { executable } of entries) executable?.destroy();
});

function isInput(leaf: unknown): leaf is Tensor | number {
  return leaf instanceof Tensor || typeof leaf === "number";
}

/**
 * The same function, compiled: the first call with arguments of new shapes, types or static values traces it, later calls run the
 * program.
 *
 * The function must be pure: its side effects (printing, pushing to an array) happen only while it is traced.
 * Tensors from outside are read again at each call, JavaScript variables are not.
 *
 * ```ts
 * import { jit, mul, tensor, toArray } from "../../mod.ts";
 * const scale = jit((x: Tensor, by: number) => mul(x, by));
 * console.log(await toArray(scale(tensor([1, 2]), 10))); // [10, 20]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f From trees of tensors, numbers and static values (strings, booleans, functions) to a tree.
 * @throws {TraceError} When called, if f reads values, which do not exist while it is traced.
 */
export function jit<A extends unknown[], R>(f: (...args: A) => R, { donate = [] }: JitOptions = {}): (...args: A) => R {
  // The one used last is first: a loop finds its program at once.
  const entries: Entry[] = [];

  const compiled = (...args: A): R => {
    const device = currentDevice();
    for (let i = 0; i < entries.length; i++) {
      const leaves: unknown[] = [];
      if (!matches(entries[i], device, args, leaves)) continue;
      if (i > 0) entries.unshift(...entries.splice(i, 1));
      return execute(entries[0], leaves) as R;
    }
    const leaves: unknown[] = [];
    const form = flattenTree(args, leaves);
    // Inside another transform it is part of that one's graph.
    if (leaves.some((leaf) => leaf instanceof Tensor && traceOf(leaf))) return f(...args);
    const entry = traceAndCompile(f as (...args: unknown[]) => unknown, form, leaves, donatedLeaves(form, donate), device);
    if (!entry) return f(...args);
    const result = firstRun(entry.executable, () => execute(entry, leaves));
    entries.unshift(entry);
    return result as R;
  };
  unused.register(compiled, entries);
  return compiled;
}

function matches(entry: Entry, device: Device, args: unknown, leaves: unknown[]): boolean {
  if (entry.device !== device || !hasForm(args, entry.args, leaves)) return false;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (!passes(entry.guards[i], leaf) || (leaf instanceof Tensor && traceOf(leaf))) return false;
  }
  return true;
}

/** Which leaves belong to donated arguments. */
function donatedLeaves(form: Form, donate: readonly number[]): number[] {
  if (form.kind !== "array") return [];
  let next = 0;
  const count = (part: Form): number => part.kind === "leaf" ? 1 : part.items.reduce((sum, each) => sum + count(each), 0);
  return form.items.flatMap((part, position) => {
    const leaves = Array.from({ length: count(part) }, () => next++);
    return donate.includes(position) ? leaves : [];
  });
}

/** The program for arguments of this form; undefined if the function captures variables of a transform around it. */
function traceAndCompile(
  f: (...args: unknown[]) => unknown,
  args: Form,
  leaves: readonly unknown[],
  donated: readonly number[],
  device: Device,
): Entry | undefined {
  const inputLeaves = leaves.flatMap((leaf, i) => isInput(leaf) ? [i] : []);
  const [traced, { form, returned }] = traceFunction("jit", inputLeaves.map((i) => exampleOf(leaves[i])), (placeholders) => {
    const filled = [...leaves];
    inputLeaves.forEach((leaf, i) => filled[leaf] = placeholders[i]);
    const returned: unknown[] = [];
    const form = flattenTree(f(...buildTree(args, filled) as unknown[]), returned);
    refusePromises(returned);
    return [returned.filter((leaf) => leaf instanceof Tensor), { form, returned }];
  }, { hoist: false });
  const { captured, outputs } = traced;
  if (captured.some((tensor) => traceOf(tensor))) return undefined;
  realizeNow(captured, "jit");

  // An argument that is handed through keeps its memory.
  const mayOverwrite = leaves.map((leaf, i) => donated.includes(i) && leaf instanceof Tensor);
  const inputs = [...traced.args, ...captured];
  const indices = new Map(inputs.map((tensor, i) => [tensor, i]));
  const nodes: Node[] = [];
  const program = compileTensors({
    outputs,
    leaf: (tensor, builder) => {
      // All inputs, in their order, also those that nothing depends on.
      if (nodes.length === 0) { for (const { shape, dtype } of inputs) nodes.push(builder.input(shape, dtype)); }
      const index = indices.get(tensor);
      return index === undefined ? undefined : nodes[index];
    },
    donated: (results) => {
      for (const { kind, index } of results) {
        if (kind === "input" && index < inputLeaves.length) mayOverwrite[inputLeaves[index]] = false;
      }
      return inputLeaves.map((leaf) => mayOverwrite[leaf]);
    },
  }, device);
  let next = 0;
  const results = returned.map((leaf): Result => {
    if (!(leaf instanceof Tensor)) return { kind: "static", value: leaf };
    const { shape, dtype, weak } = leaf;
    const { kind, index } = program.results[next++];
    if (kind === "output") return { kind, index, shape, dtype, weak };
    const leafIndex = inputLeaves[index];
    return leafIndex === undefined ? { kind: "captured", tensor: inputs[index] } : { kind: "argument", leaf: leafIndex };
  });
  return {
    device,
    executable: program.executable,
    args,
    guards: leaves.map(guardOf),
    captured,
    results,
    passthrough: results.filter((result): result is Passthrough =>
      result.kind === "captured" || (result.kind === "argument" && leaves[result.leaf] instanceof Tensor)
    ),
    repeated: repeatedIn(results),
    form,
    donated: donated.filter((leaf) => mayOverwrite[leaf]),
    mayOverwrite,
    overwrites: program.overwrites,
    bytes: program.bytes,
  };
}

function exampleOf(leaf: unknown): Example {
  return leaf instanceof Tensor ? leaf : { shape: [], dtype: defaultFloat, weak: true };
}

function refusePromises(returned: readonly unknown[]): void {
  const promises = returned.filter((leaf) => leaf instanceof Promise);
  if (promises.length === 0) return;
  // What goes wrong inside it is only a consequence.
  for (const promise of promises) promise.catch(() => {});
  throw new TraceError("Cannot jit an async function: its result is a Promise; await outside and jit the computation", {});
}

function repeatedIn(results: readonly Result[]): number[] {
  const indices = results.flatMap((result) => result.kind === "output" ? [result.index] : []);
  return indices.filter((index, i) => indices.indexOf(index) < i);
}

/** Counts up with each call, for `Storage.lastCall`. */
let calls = 0;

function execute(entry: Entry, leaves: readonly unknown[]): unknown {
  const { device } = entry;
  realizeLeaves(leaves);
  const passthrough = entry.passthrough.map((result) => computed(tensorOf(result, leaves), "jit"));
  const given = entry.donated.map((leaf) => computed(leaves[leaf] as Tensor, "jit"));
  const isAliased = (storage: Storage) => storage.shared || passthrough.includes(storage);
  const [buffers, storages] = withRoom(device, () => run(entry, leaves, given, isAliased));
  // Nothing below fails: donated values may be overwritten now.
  noteWorkingSet(entry.bytes);
  const made = Storage.ofRun(device, buffers, entry.overwrites.map((input) => input === undefined ? undefined : storages[input]));
  for (const storage of given) if (!isAliased(storage)) storage.donate();
  for (const index of entry.repeated) made[index].shared = true;
  return buildTree(entry.form, entry.results.map((result) => resultOf(result, made, leaves)));
}

/** Runs an entry's program; gives its outputs, and whose values each input was. */
function run(
  { device, executable, mayOverwrite, captured }: Entry,
  leaves: readonly unknown[],
  given: readonly Storage[],
  isAliased: (storage: Storage) => boolean,
): readonly [DeviceBuffer[], readonly (Storage | undefined)[]] {
  const call = ++calls;
  const inputs: (DeviceBuffer | HostArray)[] = [];
  const storages: (Storage | undefined)[] = [];
  const give = (storage: Storage, mayBeOverwritten: boolean) => {
    // Values that are donated as one argument and live on, or are read, as another are copied: overwriting must not be seen.
    const copy = (storage.lastCall === call && given.includes(storage)) || (mayBeOverwritten && isAliased(storage));
    inputs.push(copy ? storage.hostNow() : storage.forRun(device));
    storages.push(storage);
    storage.lastCall = call;
  };
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (leaf instanceof Tensor) give(computed(leaf, "jit"), mayOverwrite[i]);
    else if (typeof leaf === "number") {
      inputs.push(Float32Array.of(leaf));
      storages.push(undefined);
    }
  }
  for (const tensor of captured) give(computed(tensor, "jit"), false);
  return [executable?.run(inputs) ?? [], storages];
}

/** Computes the tensors among the arguments that are not: most often there are none. */
function realizeLeaves(leaves: readonly unknown[]): void {
  const isPending = (leaf: unknown): leaf is Tensor => leaf instanceof Tensor && sourceOf(leaf).kind !== "data";
  if (leaves.some(isPending)) realizeNow(leaves.filter(isPending), "jit");
}

/** The tensor that a call returns unchanged. */
function tensorOf(result: Passthrough, leaves: readonly unknown[]): Tensor {
  return result.kind === "captured" ? result.tensor : leaves[result.leaf] as Tensor;
}

function resultOf(result: Result, made: readonly Storage[], leaves: readonly unknown[]): unknown {
  switch (result.kind) {
    case "output":
      return new Tensor(result.shape, result.dtype, made[result.index], result.weak);
    case "argument": {
      const leaf = leaves[result.leaf];
      return typeof leaf === "number" ? fromHost(Float32Array.of(leaf), [], defaultFloat) : leaf;
    }
    case "captured":
      return result.tensor;
    case "static":
      return result.value;
  }
}
