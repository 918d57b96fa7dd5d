/**
 * Rows chosen by index.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { isContiguous } from "../../../../ir/axes.ts";
import type { GatherRowsKernel, Store } from "../../../../ir/kernel.ts";
import { blockOf, stepOf } from "../../../../ir/kernels/rows.ts";
import { sizeOf } from "../../../../shape.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { loopNestOf, writeLoopNest } from "../elementwise/loop_nest.ts";
import { shareLoops } from "../elementwise/map.ts";
import { accessStream, type Stream } from "../elementwise/streams.ts";
import { operandAddress, plusScaled } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { pushRowIndex } from "./row_index.ts";

/**
 * Bytes of a row from which on it is copied by the host's own loop: it keeps more loads on their way than a loop of checked vectors, in two
 * thirds of the time if the rows are in no cache (rows of 1 KiB; Intel, family 6, model 167).
 */
const leastCopiedBytes = 256;

/** Rows chosen: an elementwise kernel whose result is in rows anywhere in memory. */
export const gatherRows: KernelGenerator<GatherRowsKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { outer, size, inner, count, operands: [source, indices] } = kernel;
  const elementBytes = deviceBytes(context.program.buffers[source.buffer].dtype);
  const [bytes, stepBytes, blockBytes] = [inner, stepOf(kernel), blockOf(kernel)].map((elements) => elements * elementBytes);
  const copied = bytes >= leastCopiedBytes ? copiedStore(context, kernel) : undefined;
  const numbers = accessStream(context.program, { ...indices, strides: [0, 1, 0] });
  const result: Stream = {
    ...accessStream(context.program, { ...source, strides: [blockOf(kernel), 0, 1] }),
    chosen: { numbers, rows: size, bytes: stepBytes },
  };
  const nest = loopNestOf(context, kernel, { columns: "any", result: () => result });
  const pieces = piecesFor(context.threads, nest);
  const func = context.module.func({ params: phaseParams }, (c) => {
    if (!copied) return writeLoopNest(c, nest, pieces === 1 ? {} : shareLoops(c, nest, pieces, context.threads));
    const [from, to, row] = c.locals("i32", 3);
    setAlignedShare(c, phaseLocals.piece, outer * count, 1, pieces, from, to);
    c.forRange(row, from, to, () => {
      plusScaled(operandAddress(c, copied, elementBytes), row, bytes);
      operandAddress(c, source, elementBytes);
      if (outer > 1) c.get(row).i32(count).op("i32.div_u").i32(blockBytes).op("i32.mul").op("i32.add");
      pushRowIndex(c, indices, size, () => c.get(row).i32(count).op("i32.rem_u"));
      c.i32(stepBytes).op("i32.mul").op("i32.add").i32(bytes).copy();
    });
  });
  return [{ func, pieces }];
};

/** Where the rows are stored, if they are stored as they are, one after the other, and that is all. */
function copiedStore(
  { program: { buffers } }: GeneratorContext,
  { shape, operands, stores }: GatherRowsKernel,
): Store | undefined {
  const [store, ...others] = stores;
  const asIs = others.length === 0 && store.value.kind === "result" &&
    buffers[store.buffer].dtype === buffers[operands[0].buffer].dtype;
  return asIs && isContiguous(shape, store.strides) ? store : undefined;
}
