/**
 * Copies that nobody needs: an output that is another kernel's result in a different shape is written where it belongs by that kernel.
 *
 * Fusing does so for kernels that end in stores. What writes over its memory (rows at indices), piece by piece (a concatenation) or in rounds
 * (a loop) has none that could be exchanged.
 *
 * @module
 */
import { isContiguous } from "../ir/axes.ts";
import { type Access, type Kernel, mapAccesses, readsOf, writesOf } from "../ir/kernel.ts";
import { sizeOf } from "../shape.ts";
import type { BufferType } from "./plan.ts";

/** A kernel that copies a whole buffer to another of the same type, unchanged. */
interface Copy {
  readonly from: number;
  readonly to: number;
}

function copyBy(kernel: Kernel, buffers: readonly BufferType[]): Copy | undefined {
  if (kernel.kind !== "map" || kernel.stores.length !== 1) return undefined;
  const [store] = kernel.stores;
  if (store.value.kind !== "load") return undefined;
  const load = kernel.loads[store.value.slot];
  const isWhole = ({ buffer, offset, strides }: Access) =>
    offset === 0 && isContiguous(kernel.shape, strides) && sizeOf(buffers[buffer].shape) === sizeOf(kernel.shape);
  const sameType = buffers[load.buffer].dtype === buffers[store.buffer].dtype;
  return sameType && isWhole(store) && isWhole(load) ? { from: load.buffer, to: store.buffer } : undefined;
}

/** Kernels without the copies of what is made here and no output itself; `isKept` tells inputs and outputs. */
export function withoutCopies(
  kernels: readonly Kernel[],
  buffers: readonly BufferType[],
  isKept: (buffer: number) => boolean,
): readonly Kernel[] {
  const renamed = new Map<number, number>();
  const idle = new Set<Kernel>();
  const writers = new Map<number, Kernel[]>();
  for (const kernel of kernels) {
    for (const buffer of writesOf(kernel)) writers.set(buffer, [...writers.get(buffer) ?? [], kernel]);
  }
  const seen = new Set<Kernel>();
  for (const kernel of kernels) {
    seen.add(kernel);
    const copy = copyBy(kernel, buffers);
    if (!copy || isKept(copy.from) || renamed.has(copy.from) || writers.get(copy.to)!.length > 1) continue;
    const made = writers.get(copy.from) ?? [];
    // What reads and writes where it copies to would see its own result.
    const isMixed = kernels.some((each) => each !== kernel && readsOf(each).has(copy.to) && writesOf(each).has(copy.from));
    // Of copies of copies the first goes.
    if (made.length === 0 || isMixed || !made.every((each) => seen.has(each) && !idle.has(each))) continue;
    renamed.set(copy.from, copy.to);
    idle.add(kernel);
  }
  if (idle.size === 0) return kernels;
  return kernels.filter((kernel) => !idle.has(kernel)).map((kernel) =>
    mapAccesses(kernel, (access) => ({ ...access, buffer: renamed.get(access.buffer) ?? access.buffer }))
  );
}
