/**
 * Rows written at indices.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import type { Access, ScatterRowsKernel } from "../../../../ir/kernel.ts";
import { blockOf, stepOf } from "../../../../ir/kernels/rows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { plus, plusScaled, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { pushRowIndex } from "./row_index.ts";

/** Each piece owns a range of the `size` rows, so that rows come in the order of the indices: of those at one the last stays. */
export const scatterRows: KernelGenerator<ScatterRowsKernel> = (context, kernel) => {
  const { outer, size, inner, count, target } = kernel;
  const [source, indices] = kernel.operands;
  if (outer * size * inner * count === 0) return [];
  const bytes = deviceBytes(context.program.buffers[target.buffer].dtype);
  // Every piece reads all indices.
  const pieces = count === 1 ? 1 : Math.min(context.threads, piecesFor(context.threads, { moves: outer * count * inner }));
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to, o, k, row] = c.locals("i32", 5);
    setShare(c, phaseLocals.piece, pieces, size, from, to);
    /** Pushes where row `at` of an outer block begins. */
    const address = (access: Access, block: number, step: number, at: number) => {
      plusScaled(plusScaled(plus(slotAddress(c, access.buffer), access.offset * bytes), o, block * bytes), at, step * bytes);
    };
    c.for(o, 0, outer, 1, () =>
      c.for(k, 0, count, 1, () => {
        pushRowIndex(c, indices, size, () => c.get(k));
        c.tee(row).get(from).op("i32.ge_s").get(row).get(to).op("i32.lt_s").op("i32.and");
        c.if(() => {
          address(target, blockOf(kernel), stepOf(kernel), row);
          address(source, count * inner, inner, k);
          copy(c, inner * bytes);
        });
      }));
  });
  return [{ func, pieces }];
};

/** Copies bytes from the address on the stack to the one below it: a single element at once. */
function copy(c: FunctionWriter, bytes: number): void {
  if (bytes === 1) c.mem("i32.load8_u").mem("i32.store8");
  else if (bytes === 4) c.mem("i32.load").mem("i32.store");
  else if (bytes === 8) c.mem("f64.load").mem("f64.store");
  else c.i32(bytes).copy();
}
