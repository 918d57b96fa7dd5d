/**
 * Rows chosen by index.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { isContiguous } from "../../../../ir/axes.ts";
import type { GatherRowsKernel, Store } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { loopNestOf, writeLoopNest } from "../elementwise/loop_nest.ts";
import type { Stream } from "../elementwise/streams.ts";
import { operandAddress, plus, plusScaled, slotAddress } from "../emit/addresses.ts";
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
  const { dtype } = context.program.buffers[kernel.operands[0].buffer];
  const bytes = deviceBytes(dtype);
  /** Pushes the address of the row that result row number `row`, a local, is. */
  const source = (c: FunctionWriter, row: number) => {
    plus(slotAddress(c, kernel.operands[0].buffer), kernel.operands[0].offset * bytes);
    if (kernel.outer > 1) c.get(row).i32(kernel.count).op("i32.div_u").i32(kernel.size).op("i32.mul");
    else c.i32(0);
    pushRowIndex(c, kernel.operands[1], kernel.size, () => c.get(row).i32(kernel.count).op("i32.rem_u"));
    c.op("i32.add").i32(kernel.inner * bytes).op("i32.mul").op("i32.add");
  };
  const result: Stream = { dtype, strides: [0, 0, bytes], base: (c) => c.i32(0), row: source };
  const nest = loopNestOf(context, kernel, { columns: "last", result: () => result });
  const pieces = piecesFor(context.threads, nest);
  const copied = kernel.inner * bytes >= leastCopiedBytes ? copiedStore(context, kernel) : undefined;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    if (pieces > 1) setAlignedShare(c, phaseLocals.piece, nest.rows, 1, pieces, from, to);
    if (!copied) return writeLoopNest(c, nest, pieces === 1 ? {} : { rows: { from, to } });
    if (pieces === 1) c.i32(0).set(from).i32(nest.rows).set(to);
    const row = c.local("i32");
    c.forRange(row, from, to, () => {
      plusScaled(operandAddress(c, copied, bytes), row, kernel.inner * bytes);
      source(c, row);
      c.i32(kernel.inner * bytes).copy();
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
