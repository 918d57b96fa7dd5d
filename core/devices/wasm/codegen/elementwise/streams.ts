/**
 * Streams: the layout of the data of a kernel (buffers, positions, results) over the axes of its loops.
 *
 * @module
 */
import { deviceBytes, type DType } from "../../../../dtype.ts";
import type { Access } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, slotAddress } from "../emit/addresses.ts";

/** Something that moves with the loops: an element's address, or an integer that depends on the indices. */
export interface Stream {
  /** The type of its elements; "index" for integers, which are not in memory. */
  readonly dtype: DType | "index";
  /** Bytes (units for "index") from one point to the next along each axis. */
  readonly strides: readonly number[];
  /** Pushes the address (or integer) of the first point. */
  readonly base: (c: FunctionWriter) => void;
  /** For rows that may be anywhere: pushes the address of the row whose number is in a local, instead of `base` and strides. */
  readonly row?: (c: FunctionWriter, row: number) => void;
}

/** Bytes between neighbouring elements; an index counts in ones. */
export function unitOf(dtype: DType | "index"): number {
  return dtype === "index" ? 1 : deviceBytes(dtype);
}

/** The stream of an access. */
export function accessStream(program: Program, { buffer, offset, strides }: Access): Stream {
  const { dtype } = program.buffers[buffer];
  const bytes = deviceBytes(dtype);
  return { dtype, strides: strides.map((stride) => stride * bytes), base: (c) => plus(slotAddress(c, buffer), offset * bytes) };
}

/** The stream of positions offset + sum of strides * index. */
export function indexStream(offset: number, strides: readonly number[]): Stream {
  return { dtype: "index", strides, base: (c) => void c.i32(offset) };
}
