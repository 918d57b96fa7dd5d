/**
 * The indices that say which rows are chosen or written.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, slotAddress } from "../emit/addresses.ts";

/** Pushes the element of a list of indices whose number `pushNumber` pushes, clamped to the rows that exist. */
export function pushRowIndex(c: FunctionWriter, indices: Access, rows: number, pushNumber: () => void): void {
  c.withLocals("i32", 1, (index) => {
    plus(slotAddress(c, indices.buffer), 4 * indices.offset);
    pushNumber();
    c.i32(2).op("i32.shl").op("i32.add").mem("i32.load").set(index);
    c.i32(0).get(index).get(index).i32(0).op("i32.lt_s").op("select").set(index);
    c.get(index).i32(rows - 1).get(index).i32(rows - 1).op("i32.lt_s").op("select");
  });
}
