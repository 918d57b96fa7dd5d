/**
 * Which kernels touch which buffers, and which do no more than copy one.
 *
 * @module
 */
import { isContiguous } from "../ir/axes.ts";
import type { Access, Kernel } from "../ir/kernel.ts";

/** For each buffer the numbers of the kernels that touch it, in order. */
export function byBuffer(
  kernels: readonly Kernel[],
  touched: (kernel: Kernel) => ReadonlySet<number>,
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  kernels.forEach((kernel, i) => {
    for (const buffer of touched(kernel)) {
      const others = found.get(buffer);
      if (others) others.push(i);
      else found.set(buffer, [i]);
    }
  });
  return found;
}

/** Whether a kernel goes through a buffer from its beginning, element by element. */
export function isWhole({ shape }: Kernel, { offset, strides }: Access): boolean {
  return offset === 0 && isContiguous(shape, strides);
}

/** What is copied where, by number. */
export interface Copy {
  readonly from: number;
  readonly to: number;
}

/** The buffers that a kernel copies unchanged, from the beginning, if that is all it does. */
export function copyBy(kernel: Kernel): Copy | undefined {
  if (kernel.kind !== "map" || kernel.stores.length !== 1) return undefined;
  const [store] = kernel.stores;
  if (store.value.kind !== "load" || !isWhole(kernel, store)) return undefined;
  const load = kernel.loads[store.value.slot];
  return isWhole(kernel, load) ? { from: load.buffer, to: store.buffer } : undefined;
}
