/**
 * Calls of a jitted function whose program is known.
 *
 * @module
 */
import { sourceOf, Tensor } from "../tensor.ts";
import { defaultFloat, type HostArray } from "../dtype.ts";
import { fromHost } from "../ops/from_values.ts";
import { computed, realizeNow } from "./realize.ts";
import type { DeviceBuffer } from "../values/device.ts";
import { noteWorkingSet, withRoom } from "../values/budget.ts";
import { Storage } from "../values/storage.ts";
import type { Passthrough, Result, Specialization } from "./specialization.ts";
import { buildTree } from "../tree.ts";
import { emit, withTensors } from "../values/effects.ts";

/** Counts up with each call, for `Storage.lastCall`. */
let calls = 0;

/** Calls the function with arguments of these leaves. */
export function execute(specialization: Specialization, leaves: readonly unknown[]): unknown {
  const { device } = specialization;
  realizeLeaves(leaves);
  const passthrough = specialization.passthrough.map((result) => computed(tensorOf(result, leaves), "jit"));
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
  if (effects.length > 0) emit(withTensors(effects, results.slice(specialization.returned) as Tensor[]));
  for (const storage of donated) if (!isAliased(storage)) storage.donate();
  return buildTree(specialization.form, results);
}

/** Runs the program: its outputs, and for each input the storage it was read from, if any. */
function run(
  { device, executable, mayOverwrite, captured }: Specialization,
  leaves: readonly unknown[],
  donated: readonly Storage[],
  isAliased: (storage: Storage) => boolean,
): readonly [DeviceBuffer[], readonly (Storage | undefined)[]] {
  const call = ++calls;
  const inputs: (DeviceBuffer | HostArray)[] = [];
  const storages: (Storage | undefined)[] = [];
  const addInput = (storage: Storage, mayBeOverwritten: boolean) => {
    // Values that are donated as one argument and live on, or are read, as another are copied: overwriting must not be seen.
    const copy = (storage.lastCall === call && donated.includes(storage)) || (mayBeOverwritten && isAliased(storage));
    inputs.push(copy ? storage.hostNow() : storage.forRun(device));
    storages.push(storage);
    storage.lastCall = call;
  };
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (leaf instanceof Tensor) addInput(computed(leaf, "jit"), mayOverwrite[i]);
    else if (typeof leaf === "number") {
      inputs.push(Float32Array.of(leaf));
      storages.push(undefined);
    }
  }
  for (const tensor of captured) addInput(computed(tensor, "jit"), false);
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

/** A leaf that the call returns. */
function returnedLeaf(result: Result, outputs: readonly Storage[], leaves: readonly unknown[]): unknown {
  switch (result.kind) {
    case "output":
      return new Tensor(result.shape, result.dtype, outputs[result.index], result.weak);
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
