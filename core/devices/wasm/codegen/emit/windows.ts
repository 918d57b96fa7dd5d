/**
 * The input that a window reads, in instructions.
 *
 * @module
 */
import type { WindowAxis } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, plusScaled } from "./addresses.ts";

/** Pushes the input that the output in a local reads under the tap in another; negative in the padding before. */
export function pushInput(c: FunctionWriter, axis: WindowAxis, output: number, tap: number): FunctionWriter {
  c.get(output).i32(axis.stride).op("i32.mul");
  return plus(plusScaled(c, tap, axis.dilation), -axis.before);
}
