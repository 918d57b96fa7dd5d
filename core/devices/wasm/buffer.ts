/**
 * Buffers of the wasm device.
 *
 * @module
 */
import type { DType } from "../../dtype.ts";
import type { DeviceBuffer } from "../../values/device.ts";

/** A block of the shared memory. */
export class WasmBuffer implements DeviceBuffer {
  readonly dtype: DType;
  readonly size: number;
  /** In bytes; 0 once freed. */
  address: number;
  /** How often a program has overwritten the values. */
  writes = 0;

  constructor(dtype: DType, size: number, address: number) {
    this.dtype = dtype;
    this.size = size;
    this.address = address;
  }
}
