/**
 * The reference device: programs interpreted by plain loops, slow and right. It is what other devices are tested against.
 *
 * Floats are computed and kept in double precision, those of narrower types too (they round when they are downloaded), so that a
 * difference from another device is that device's error. Every buffer has memory of its own: a mistake in the
 * plan that lets two intermediates share a slot shows up on the other devices and not here. Memory no kernel has written reads as NaN.
 *
 * @module
 */
import { deviceBytes, type DType, dtypes, toHostArray } from "../../dtype.ts";
import { type Device, leastHostBudget } from "../../values/device.ts";
import { contentsOf, fromHost, type ReferenceBuffer } from "./buffer.ts";
import type { Memory } from "./evaluate.ts";
import { ReferenceExecutable } from "./executable.ts";

export type { ReferenceBuffer } from "./buffer.ts";

/** Makes the reference device. */
export function createReferenceDevice(): Device<ReferenceBuffer> {
  let bytesInUse = 0;
  const hold = (dtype: DType, memory: Memory): ReferenceBuffer => {
    bytesInUse += memory.length * deviceBytes(dtype);
    return { dtype, size: memory.length, memory };
  };
  const downloadNow = (buffer: ReferenceBuffer) => toHostArray(buffer.dtype, contentsOf(buffer));
  return {
    name: "reference",
    description: "plain TypeScript in double precision",
    dtypes,
    maxBuffersPerKernel: Infinity,
    maxInstructions: Infinity,
    maxFusedParts: Infinity,
    fuses: false,
    // Reading would round them.
    readsFreely: false,
    leastBudget: leastHostBudget,
    compile: (program) => new ReferenceExecutable(program, hold),
    upload: (dtype, values) => hold(dtype, fromHost(dtype, values)),
    // Copied at once: what runs before the promise is awaited may overwrite it.
    download: (buffer) => new Promise((resolve) => resolve(downloadNow(buffer))),
    downloadNow,
    copy: ({ dtype, memory }) => hold(dtype, memory!.slice()),
    free(buffer) {
      if (!buffer.memory) return;
      bytesInUse -= buffer.size * deviceBytes(buffer.dtype);
      buffer.memory = undefined;
    },
    get bytesInUse() {
      return bytesInUse;
    },
  };
}
