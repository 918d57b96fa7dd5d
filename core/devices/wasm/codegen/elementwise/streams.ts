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
  /** For elements of rows that are chosen by number: `base` and `strides` then lead to the element of row 0. */
  readonly chosen?: Chosen;
}

/** Which row a point's element is in. */
export interface Chosen {
  /** Integers in memory, clamped to the rows that exist. */
  readonly numbers: Stream;
  readonly rows: number;
  /** Bytes from row to row. */
  readonly bytes: number;
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
