/**
 * Rows written at indices.
 *
 * @module
 */
import { deviceBytes } from "../../dtype.ts";
import type { WriteKernel } from "../kernel.ts";
import { type KernelGenerator, phaseParams } from "./context.ts";
import { SERIAL_MOVES, setShare } from "./emit.ts";
import { pushSlot } from "./streams.ts";
import { pushIndex } from "./take.ts";

/** Each thread copies its share of the outer blocks, whose rows come in order: of those at one index the last stays. */
export const write: KernelGenerator<WriteKernel> = (context, kernel) => {
  const { outer, size, inner, count, source, indices, target } = kernel;
  if (outer * size * inner * count === 0) return [];
  const bytes = deviceBytes(context.program.buffers[target.buffer].dtype);
  const serial = context.threads === 1 || outer === 1 || outer * count * inner < SERIAL_MOVES;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to, o, k] = Array.from({ length: 4 }, () => c.local("i32"));
    setShare(c, 1, serial ? 1 : context.threads, outer, from, to);
    c.for(o, () => c.get(from), () => c.get(to), 1, () =>
      c.for(k, 0, count, 1, () => {
        pushSlot(c, target.buffer, target.offset * bytes);
        c.get(o).i32(size).op("i32.mul");
        pushIndex(c, { indices, size }, () => c.get(k));
        c.op("i32.add").i32(inner * bytes).op("i32.mul").op("i32.add");
        pushSlot(c, source.buffer, source.offset * bytes);
        c.get(o).i32(count).op("i32.mul").get(k).op("i32.add").i32(inner * bytes).op("i32.mul").op("i32.add");
        c.i32(inner * bytes).copy();
      }));
  });
  return [{ func, serial }];
};
