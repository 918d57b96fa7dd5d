/**
 * Elementwise kernels that move elements and change nothing: the queue copies these without a shader.
 *
 * Each piece of a long `concat` writes elsewhere, and a place in a buffer is part of a shader's text: thousands of pieces would be
 * thousands of shaders to compile.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import type { Access, SimpleKernel } from "../../../ir/kernel.ts";
import { mergeMap } from "../../../ir/merged_axes.ts";
import type { Program } from "../../../ir/program.ts";

/** Bytes to copy from one program buffer to another. */
export interface Copy {
  readonly from: number;
  readonly fromByte: number;
  readonly to: number;
  readonly toByte: number;
  readonly bytes: number;
}

/** The kernel as a copy of whole words, if it is one. */
export function copyOf(program: Program, kernel: SimpleKernel): Copy | undefined {
  if (kernel.kind !== "map" || kernel.loads.length !== 1 || kernel.stores.length !== 1) return undefined;
  if (kernel.stores[0].value.kind !== "load") return undefined;
  const { shape, loads: [load], stores: [store] } = mergeMap(kernel);
  const { dtype } = program.buffers[store.buffer];
  if (program.buffers[load.buffer].dtype !== dtype || load.buffer === store.buffer) return undefined;
  const isRow = ({ strides }: Access) => shape.length === 0 || shape.length === 1 && strides[0] === 1;
  if (!isRow(load) || !isRow(store)) return undefined;
  const width = deviceBytes(dtype);
  const copy = {
    from: load.buffer,
    fromByte: load.offset * width,
    to: store.buffer,
    toByte: store.offset * width,
    bytes: (shape[0] ?? 1) * width,
  };
  return copy.fromByte % 4 === 0 && copy.toByte % 4 === 0 && copy.bytes % 4 === 0 ? copy : undefined;
}
