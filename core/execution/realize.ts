/**
 * Computing: from a pending graph to values in memory.
 *
 * @module
 */
import { runProgram } from "./eager_programs.ts";
import { noteComputed, usedIntermediates } from "./intermediates.ts";
import { correctDepth, setValues, sourceOf, Tensor, traceOf, unreadable } from "../tensor.ts";
import { topological } from "../walk.ts";
import { type DType, type HostArray, tangentType } from "../dtype.ts";
import { executeBy } from "../values/eager.ts";
import { currentDevice } from "./current_device.ts";
import { heldNumber } from "../values/small_array.ts";
import { noteWorkingSet, withRoom } from "../values/budget.ts";
import type { DeviceBuffer, Executable } from "../values/device.ts";
import { Storage, storageOf } from "../values/storage.ts";
import { type Role } from "./structure.ts";
import { treeTensors } from "../tree.ts";

/** Values of tensors that could not forget their history when they were computed. */
const values = new WeakMap<Tensor, Storage>();

/** Whether there are values. Those found inside a transform make the tensor forget its history when that is over. */
function isKnown(tensor: Tensor): boolean {
  if (sourceOf(tensor).kind === "data") return true;
  const storage = values.get(tensor);
  if (storage && !traceOf(tensor)) setValues(tensor, storage);
  return storage !== undefined;
}

/** Constants that are part of the structure: they simplify it, and powers by them (up to 4) are products, as in a jitted function. */
function isPlain(value: number, dtype: DType): boolean {
  return !tangentType(dtype) || !Number.isFinite(value) || (Math.abs(value) <= 4 && Number.isInteger(value)) || value === 0.5;
}

function constantOfOp(tensor: Tensor): number | undefined {
  const source = sourceOf(tensor);
  if (source.kind !== "op" || source.op.lower.kind !== "constant") return undefined;
  return source.op.lower.value(source.attrs);
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
    else if (role === "number") inputs.push(heldNumber(tensor.dtype, constantOfOp(tensor)!));
  }
  return inputs;
}

/** Runs a program; the function that it gives waits for the outputs. */
type Begin = (executable: Executable, inputs: readonly (DeviceBuffer | HostArray)[]) => () => DeviceBuffer[];

const runNow: Begin = (executable, inputs) => {
  const outputs = executable.run(inputs);
  return () => outputs;
};

/** Computes tensors now; `reader` names the caller in messages. */
export function realizeNow(tensors: readonly Tensor[], reader: string): void {
  compute(tensors, reader, runNow)();
}

/** Computes tensors while the caller does something else, where the device can: they have values when the function that it gives returns. */
export function beginRealizing(tensors: readonly Tensor[], reader: string): () => void {
  return compute(tensors, reader, (executable, inputs) => executable.begin?.(inputs) ?? runNow(executable, inputs));
}

function compute(tensors: readonly Tensor[], reader: string, begin: Begin): () => void {
  const wanted = [...new Set(tensors)].filter((tensor) => !isKnown(tensor));
  if (wanted.length === 0) return () => {};
  const device = currentDevice();
  const order = topological(wanted, (tensor) => isKnown(tensor) || sourceOf(tensor).kind === "placeholder");
  const pending = [...new Set([...wanted, ...usedIntermediates(order)])];
  const inputs = inputsOf(order, reader);
  const [{ results, bytes }, outputs] = runProgram(
    { outputs: pending, order, roleOf },
    device,
    ({ executable }) =>
      executable
        ? withRoom(
          device,
          () => begin(executable, inputs.map((input) => input instanceof Tensor ? valuesFor(input).forRun(device) : input)),
        )
        : () => [],
  );
  noteWorkingSet(bytes);
  return () => {
    const storages = Storage.ofEagerRun(device, outputs());
    const storageOfInput = (tensor: Tensor, input: Tensor | HostArray) =>
      input instanceof Tensor ? valuesFor(input) : Storage.ofHost(tensor.dtype, input);
    const assigned = new Set<Storage>();
    pending.forEach((tensor, i) => {
      // Somebody else may have computed it meanwhile.
      if (isKnown(tensor)) return;
      const { kind, index } = results[i];
      const storage = kind === "output" ? storages[index] : storageOfInput(tensor, inputs[index]);
      storage.shared ||= kind === "input" || assigned.has(storage);
      assigned.add(storage);
      // Inside a transform the history is still needed.
      if (traceOf(tensor)) values.set(tensor, storage);
      else setValues(tensor, storage);
    });
    noteComputed(order);
  };
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

executeBy({
  compute: (tensors) => realizeNow(tensors, "realize"),
  // A loop that reads nothing at all would grow its graph for ever.
  shorten: (tensor, longest) => {
    const depth = depthNow(tensor);
    if (depth > longest) realizeNow([tensor], "realize");
    else correctDepth(tensor, depth);
  },
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
