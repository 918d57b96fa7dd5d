/**
 * Device buffers, and how their elements are laid out: bool as one word of 0 or 1 each, bytes four to a word, halves two, the rest as
 * on the host.
 *
 * @module
 */
import { deviceBytes, type DType, hostArray, type TypedArray } from "../../dtype.ts";
import { DonatedError, DTypeError, ShapeError } from "../../errors.ts";
import type { DeviceBuffer } from "../../values/device.ts";
import type { Memory } from "./pool.ts";

/** Memory on the GPU that holds `size` elements of `dtype`. */
export class WebgpuBuffer implements DeviceBuffer {
  constructor(readonly dtype: DType, readonly size: number, private held: Memory | undefined) {}

  /**
   * The memory.
   *
   * @throws {DonatedError} If it has been given back.
   */
  get memory(): Memory {
    if (!this.held) throw new DonatedError(`Cannot use a buffer of ${this.size} ${this.dtype} on webgpu: it has been freed`);
    return this.held;
  }

  /** Parts with the memory; undefined if that happened before. */
  surrender(): Memory | undefined {
    const memory = this.held;
    this.held = undefined;
    return memory;
  }
}

/** Bytes that elements take on the device: whole words, and at least one. */
export function bytesFor(dtype: DType, size: number): number {
  return Math.max(4, Math.ceil(size * deviceBytes(dtype) / 4) * 4);
}

/**
 * Checks that a host array can fill a buffer.
 *
 * @throws {DTypeError | ShapeError} If its type or its length differs.
 */
export function checkHostArray(dtype: DType, size: number, values: TypedArray): void {
  const wanted = hostArray(dtype, 0).constructor;
  if (values.constructor !== wanted) {
    throw new DTypeError(`Cannot copy a ${values.constructor.name} to a ${dtype} buffer: it takes a ${wanted.name}`, { dtype });
  }
  if (values.length !== size) {
    throw new ShapeError(`Cannot copy ${values.length} values to a buffer of ${size}`, { length: values.length, size });
  }
}

/** Host values as the device lays them out, in whole words, as `writeBuffer` wants them. */
export function encode(dtype: DType, values: TypedArray): Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | TypedArray {
  if (dtype === "bool") return Uint32Array.from(values, (value) => value === 0 ? 0 : 1);
  if (values.byteLength % 4 === 0) return values;
  const padded = new Uint8Array(Math.ceil(values.byteLength / 4) * 4);
  padded.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return padded;
}

/** Device bytes as host values. */
export function decode(dtype: DType, size: number, bytes: Uint8Array<ArrayBuffer>): TypedArray {
  switch (dtype) {
    case "bool":
      return Uint8Array.from(new Uint32Array(bytes.buffer, 0, size));
    case "u8":
      return bytes.subarray(0, size);
    case "f16":
      return new Float16Array(bytes.buffer, 0, size);
    case "i32":
      return new Int32Array(bytes.buffer, 0, size);
    case "u32":
      return new Uint32Array(bytes.buffer, 0, size);
    default:
      return new Float32Array(bytes.buffer, 0, size);
  }
}
