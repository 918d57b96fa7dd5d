/**
 * The input that a window reads, in instructions.
 *
 * @module
 */
import type { WindowAxis } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, plusScaled } from "./addresses.ts";

/** Sets locals to the taps under which the output in a local reads inputs from `begin` until before `end`, as `tapsInside` does. */
export function setTapsInside(
  c: FunctionWriter,
  { taps, stride, dilation, before }: WindowAxis,
  output: number,
  { begin, end }: { readonly begin: number; readonly end: number },
  [from, to]: readonly [from: number, to: number],
): void {
  for (const [local, input] of [[from, begin], [to, end]]) {
    c.i32(input + before).get(output).i32(stride).op("i32.mul").op("i32.sub").set(local);
    c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select");
    if (dilation > 1) c.i32(dilation - 1).op("i32.add").i32(dilation).op("i32.div_u");
    c.set(local).get(local).i32(taps).get(local).i32(taps).op("i32.lt_u").op("select").set(local);
  }
}

/** Pushes the input that the output in a local reads under the tap in another; negative in the padding before. */
export function pushInput(c: FunctionWriter, axis: WindowAxis, output: number, tap: number): FunctionWriter {
  c.get(output).i32(axis.stride).op("i32.mul");
  return plus(plusScaled(c, tap, axis.dilation), -axis.before);
}
