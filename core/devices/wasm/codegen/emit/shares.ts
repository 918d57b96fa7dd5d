/**
 * Which part of the work a piece of a phase is.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

/** Sets the locals `from` and `to` to part `part` of `parts` of the numbers below `total`. */
export function setShare(
  c: FunctionWriter,
  part: number | undefined,
  parts: number,
  total: number,
  from: number,
  to: number,
): void {
  if (parts === 1 || part === undefined) {
    c.i32(0).set(from).i32(total).set(to);
    return;
  }
  c.get(part).i32(total).op("i32.mul").i32(parts).op("i32.div_u").set(from);
  c.get(part).i32(1).op("i32.add").i32(total).op("i32.mul").i32(parts).op("i32.div_u").set(to);
}

/** Sets the locals `from` and `to` to a piece's share of the numbers below `extent`, in multiples of `grain`. */
export function setAlignedShare(
  c: FunctionWriter,
  piece: number,
  extent: number,
  grain: number,
  pieces: number,
  from: number,
  to: number,
): void {
  const units = Math.ceil(extent / grain);
  const each = Math.ceil(units / pieces) * grain;
  const clamp = (local: number) => c.get(local).i32(extent).get(local).i32(extent).op("i32.lt_s").op("select").set(local);
  c.get(piece).i32(each).op("i32.mul").set(from);
  clamp(from);
  c.get(from).i32(each).op("i32.add").set(to);
  clamp(to);
}
