/**
 * Copies that nobody needs: an output that is another kernel's result in a different shape is written where it belongs by that kernel.
 *
 * Fusing does so for kernels that end in stores. What writes over its memory (rows at indices), piece by piece (a concatenation) or in rounds
 * (a loop) has none that could be exchanged.
 *
 * @module
 */
import { type Kernel, mapAccesses, readsOf, writesOf } from "../ir/kernel.ts";
import { sizeOf } from "../shape.ts";
import { byBuffer, type Copy, copyBy } from "./buffer_uses.ts";
import type { BufferType } from "./plan.ts";

/** The copy that a kernel makes of a whole buffer, of the same type, if that is all it does. */
function wholeCopy(kernel: Kernel, buffers: readonly BufferType[]): Copy | undefined {
  const copy = copyBy(kernel);
  if (!copy) return undefined;
  const [from, to] = [buffers[copy.from], buffers[copy.to]];
  const isAll = [from, to].every(({ shape }) => sizeOf(shape) === sizeOf(kernel.shape));
  return isAll && from.dtype === to.dtype ? copy : undefined;
}

/** Kernels without the copies of what is made here and no output itself; `isKept` tells inputs and outputs. */
export function withoutCopies(
  kernels: readonly Kernel[],
  buffers: readonly BufferType[],
  isKept: (buffer: number) => boolean,
): readonly Kernel[] {
  const renamed = new Map<number, number>();
  const idle = new Set<Kernel>();
  const writers = byBuffer(kernels, writesOf);
  for (const [i, kernel] of kernels.entries()) {
    const copy = wholeCopy(kernel, buffers);
    if (!copy || isKept(copy.from) || renamed.has(copy.from) || writers.get(copy.to)!.length > 1) continue;
    const made = writers.get(copy.from) ?? [];
    // A maker that also reads what it copies to would see its own result; and of copies of copies the first goes.
    const isMade = made.length > 0 &&
      made.every((maker) => maker < i && !idle.has(kernels[maker]) && !readsOf(kernels[maker]).has(copy.to));
    if (!isMade) continue;
    renamed.set(copy.from, copy.to);
    idle.add(kernel);
  }
  if (idle.size === 0) return kernels;
  return kernels.filter((kernel) => !idle.has(kernel)).map((kernel) =>
    mapAccesses(kernel, (access) => ({ ...access, buffer: renamed.get(access.buffer) ?? access.buffer }))
  );
}
