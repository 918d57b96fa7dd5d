/**
 * Rows chosen by index.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import type { GatherRowsKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import { type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { loopNestOf, writeLoopNest } from "../elementwise/loop_nest.ts";
import type { Stream } from "../elementwise/streams.ts";
import { plus, slotAddress } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { serialNanoseconds } from "../work.ts";
import { pushRowIndex } from "./row_index.ts";

/** Rows chosen: an elementwise kernel whose result is in rows anywhere in memory. */
export const gatherRows: KernelGenerator<GatherRowsKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { dtype } = context.program.buffers[kernel.operands[0].buffer];
  const bytes = deviceBytes(dtype);
  const result: Stream = {
    dtype,
    strides: [0, 0, bytes],
    base: (c) => c.i32(0),
    row: (c, row) => {
      plus(slotAddress(c, kernel.operands[0].buffer), kernel.operands[0].offset * bytes);
      if (kernel.outer > 1) c.get(row).i32(kernel.count).op("i32.div_u").i32(kernel.size).op("i32.mul");
      else c.i32(0);
      pushRowIndex(c, kernel.operands[1], kernel.size, () => c.get(row).i32(kernel.count).op("i32.rem_u"));
      c.op("i32.add").i32(kernel.inner * bytes).op("i32.mul").op("i32.add");
    },
  };
  const nest = loopNestOf(context, kernel, { keepLast: true, result: () => result });
  const serial = context.threads === 1 || nest.nanoseconds < serialNanoseconds;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    if (!serial) setAlignedShare(c, phaseLocals.thread, nest.rows, 1, context.threads, from, to);
    writeLoopNest(c, nest, serial ? {} : { rows: { from, to } });
  });
  return [{ func, serial }];
};
