/**
 * Maps: elementwise kernels, one box per thread.
 *
 * @module
 */
import type { MapKernel } from "../../../ir/kernel.ts";
import { sizeOf } from "../../../shape.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type Box, boxOf, type BoxRange, writeBox } from "./box.ts";
import { type KernelGenerator, phaseLocals, phaseParams } from "./context.ts";
import { setAlignedShare } from "./emit/shares.ts";
import { serialNanoseconds } from "./work.ts";

/** Columns of one thread are a multiple of this: whole cache lines, whole unrolled blocks. */
const columnGrain = 64;

/** Writes a map as one phase. */
export const map: KernelGenerator<MapKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const box = boxOf(context, kernel, { keepLast: false });
  const serial = context.threads === 1 || box.nanoseconds < serialNanoseconds;
  const func = context.module.func({ params: phaseParams }, (c) => {
    writeBox(c, box, serial ? {} : boxShare(c, box, context.threads));
  });
  return [{ func, serial }];
};

/** A thread's part of a box: of its rows if there are enough, else of its columns. */
export function boxShare(c: FunctionWriter, box: Box, threads: number): BoxRange {
  const [from, to] = c.locals("i32", 2);
  if (box.rows >= 8 * threads || box.columns < columnGrain * threads) {
    setAlignedShare(c, phaseLocals.thread, box.rows, 1, threads, from, to);
    return { rows: { from, to } };
  }
  setAlignedShare(c, phaseLocals.thread, box.columns, columnGrain, threads, from, to);
  return { columns: { from, to, ragged: box.columns % box.printer.lanes !== 0 } };
}
