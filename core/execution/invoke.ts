/**
 * Calls of a jitted function whose program is known.
 *
 * @module
 */
import { sourceOf, Tensor } from "../tensor.ts";
import { castTo, type HostArray } from "../dtype.ts";
import { beginRealizing, computed, realizeNow } from "./realize.ts";
import type { DeviceBuffer } from "../values/device.ts";
import { noteWorkingSet, withRoom } from "../values/budget.ts";
import { heldNumber } from "../values/small_array.ts";
import { Storage } from "../values/storage.ts";
import type { NumberInput, Passthrough, Result, Specialization } from "./specialization.ts";
import { buildTree } from "../tree.ts";
import { emit, withNumbers, withTensors } from "../values/effects.ts";

/** Counts up with each call, for `Storage.lastCall`. */
let calls = 0;

/** Calls the function with arguments of these leaves. */
export function execute(specialization: Specialization, leaves: readonly unknown[]): unknown {
  const { device } = specialization;
  realizeLeaves(leaves);
  const passthrough = specialization.passthrough.map((result) => {
    const storage = computed(tensorOf(result, leaves), "jit");
    // Later calls return it again, whatever becomes of this result.
    storage.shared ||= result.kind === "captured";
    return storage;
  });
  const donated = specialization.donated.map((leaf) => computed(leaves[leaf] as Tensor, "jit"));
  const isAliased = (storage: Storage) => storage.shared || passthrough.includes(storage);
  const [buffers, storages] = withRoom(device, () => run(specialization, leaves, donated, isAliased));
  // Nothing below fails, but effects, with which nothing is donated: donated values may be overwritten now.
  noteWorkingSet(specialization.bytes);
  const outputs = Storage.ofRun(
    device,
    buffers,
    specialization.overwrites.map((input) => input === undefined ? undefined : storages[input]),
  );
  for (const index of specialization.repeated) outputs[index].shared = true;
  const results = specialization.results.map((result) => returnedLeaf(result, outputs, leaves));
  const { effects } = specialization;
  if (effects.length > 0) {
    const known = withTensors(effects, results.slice(specialization.returned) as Tensor[]);
    emit(withNumbers(known, (traced) => leaves[specialization.leafOf.get(traced)!] as number));
  }
  for (const storage of donated) if (!isAliased(storage)) storage.donate();
  return buildTree(specialization.form, results);
}

/** Runs the program: its outputs, and for each input the storage it was read from, if any. */
function run(
  { device, executable, mayOverwrite, numbers, captured }: Specialization,
  leaves: readonly unknown[],
  donated: readonly Storage[],
  isAliased: (storage: Storage) => boolean,
): readonly [DeviceBuffer[], readonly (Storage | undefined)[]] {
  const call = ++calls;
  const inputs: (DeviceBuffer | HostArray)[] = [];
  const storages: (Storage | undefined)[] = [];
  const copies: DeviceBuffer[] = [];
  const copyOf = (storage: Storage): DeviceBuffer | HostArray => {
    const held = storage.forRun(device);
    if (ArrayBuffer.isView(held)) return held;
    const copy = device.copy(held);
    copies.push(copy);
    return copy;
  };
  const addInput = (storage: Storage, mayBeOverwritten: boolean) => {
    // Values that are donated as one argument and live on, or are read, as another are copied: overwriting must not be seen.
    const copy = (storage.lastCall === call && donated.includes(storage)) || (mayBeOverwritten && isAliased(storage));
    inputs.push(copy ? copyOf(storage) : storage.forRun(device));
    storages.push(storage);
    storage.lastCall = call;
  };
  let outputs: DeviceBuffer[] = [];
  try {
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i];
      if (leaf instanceof Tensor) addInput(computed(leaf, "jit"), mayOverwrite[i]);
    }
    for (const number of numbers) {
      inputs.push(scalarValues(number, leaves));
      storages.push(undefined);
    }
    for (const tensor of captured) addInput(computed(tensor, "jit"), false);
    outputs = executable?.run(inputs) ?? [];
    return [outputs, storages];
  } finally {
    // A copy that was overwritten is an output now.
    for (const copy of copies) if (!outputs.includes(copy)) device.free(copy);
  }
}

/** A number argument as the host array of its type; integers were asked whether they hold it, unless it is cast. */
function scalarValues({ leaf, dtype }: NumberInput, leaves: readonly unknown[]): HostArray {
  const value = leaves[leaf] as number;
  return heldNumber(dtype, dtype === "f32" ? value : castTo(dtype, value));
}

function isPending(leaf: unknown): leaf is Tensor {
  return leaf instanceof Tensor && sourceOf(leaf).kind !== "data";
}

/** Computes the tensors among the arguments that are not: most often there are none. */
function realizeLeaves(leaves: readonly unknown[]): void {
  if (leaves.some(isPending)) realizeNow(leaves.filter(isPending), "jit");
}

/** Does something, and meanwhile computes the tensors among the arguments, as the first parameters of a network. */
export function whileRealizing<T>(leaves: readonly unknown[], work: () => T): T {
  const finish = beginRealizing(leaves.filter(isPending), "jit");
  try {
    return work();
  } finally {
    finish();
  }
}

/** The tensor that a call returns unchanged. */
function tensorOf(result: Passthrough, leaves: readonly unknown[]): Tensor {
  return result.kind === "captured" ? result.tensor : leaves[result.leaf] as Tensor;
}

/** A leaf that the call returns. */
function returnedLeaf(result: Result, outputs: readonly Storage[], leaves: readonly unknown[]): unknown {
  switch (result.kind) {
    case "output":
      return new Tensor(result.shape, result.dtype, outputs[result.index], result.weak);
    case "argument":
      return leaves[result.leaf];
    case "scalar": {
      const { number, shape, weak } = result;
      return new Tensor(shape, number.dtype, Storage.ofHost(number.dtype, scalarValues(number, leaves)), weak);
    }
    case "captured":
      return result.tensor;
    case "static":
      return result.value;
  }
}
