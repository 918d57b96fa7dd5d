/**
 * Device buffers, and how their elements are laid out: as on the host, narrow ones several to a word, but a bool as a word of its
 * own that is 0 or 1.
 *
 * @module
 */
import { checkHostArray, deviceBytes, type DType, type HostArray, hostBytes, toHostArray, viewAsHost } from "../../dtype.ts";
import { DonatedError, ShapeError } from "../../errors.ts";
import type { DeviceBuffer } from "../../values/device.ts";
import type { Memory } from "./buffer_pool.ts";

/** Memory on the GPU that holds `size` elements of `dtype`. */
export class WebgpuBuffer implements DeviceBuffer {
  #held: Memory | undefined;

  constructor(readonly dtype: DType, readonly size: number, held: Memory) {
    this.#held = held;
  }

  /**
   * The memory.
   *
   * @throws {DonatedError} If it has been given back.
   */
  get memory(): Memory {
    if (!this.#held) throw new DonatedError(`Cannot use a buffer of ${this.size} ${this.dtype} on webgpu: it has been freed`);
    return this.#held;
  }

  /** Parts with the memory; undefined if that happened before. */
  surrender(): Memory | undefined {
    const memory = this.#held;
    this.#held = undefined;
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
export function checkHostInput(dtype: DType, size: number, values: HostArray): void {
  checkHostArray(dtype, values);
  if (values.length !== size) {
    throw new ShapeError(`Cannot copy ${values.length} values to a buffer of ${size}`, { length: values.length, size });
  }
}

/** Host values as the device lays them out, in whole words, as `writeBuffer` wants them. */
export function encode(dtype: DType, values: HostArray): Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | HostArray {
  if (hostBytes(dtype) !== deviceBytes(dtype)) return Uint32Array.from(values);
  if (values.byteLength % 4 === 0) return values;
  const padded = new Uint8Array(Math.ceil(values.byteLength / 4) * 4);
  padded.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return padded;
}

/** Device bytes as host values. */
export function decode(dtype: DType, size: number, bytes: Uint8Array<ArrayBuffer>): HostArray {
  if (hostBytes(dtype) === deviceBytes(dtype)) return viewAsHost(dtype, bytes.buffer, size);
  return toHostArray(dtype, new Uint32Array(bytes.buffer, 0, size));
}
