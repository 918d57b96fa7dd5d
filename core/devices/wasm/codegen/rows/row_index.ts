/**
 * The indices that say which rows are chosen or written.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, pushClamped, slotAddress } from "../emit/addresses.ts";

/** Pushes the element of a list of indices whose number `pushNumber` pushes, clamped to the rows that exist. */
export function pushRowIndex(c: FunctionWriter, indices: Access, rows: number, pushNumber: () => void): void {
  pushClamped(c, rows, () => {
    plus(slotAddress(c, indices.buffer), 4 * indices.offset);
    pushNumber();
    c.i32(2).op("i32.shl").op("i32.add").mem("i32.load");
  });
}
