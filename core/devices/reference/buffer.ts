/**
 * Buffers of the reference device.
 *
 * @module
 */
import { checkHostArray, type DType, fromHostArray, type HostArray, hostArray, tangentType, toHostArray } from "../../dtype.ts";
import { DonatedError } from "../../errors.ts";
import type { DeviceBuffer } from "../../values/device.ts";
import type { Memory } from "./evaluate.ts";

/** A buffer of the reference device. */
export interface ReferenceBuffer extends DeviceBuffer {
  /** The elements; undefined once freed. */
  memory: Memory | undefined;
}

/**
 * The elements of a buffer.
 *
 * @throws {DonatedError} If it was freed.
 */
export function contentsOf({ memory, size, dtype }: ReferenceBuffer): Memory {
  if (memory) return memory;
  throw new DonatedError(`Cannot use a buffer of ${size} ${dtype}: it was freed`, { dtype, size });
}

/** Memory for elements that nothing has written yet: floats read as NaN. */
export function unwritten(dtype: DType, size: number): Memory {
  return tangentType(dtype) ? (hostArray("f64", size) as Float64Array).fill(NaN) : hostArray(dtype, size) as Memory;
}

/** Host values as the device holds them. */
export function fromHost(dtype: DType, values: HostArray): Memory {
  checkHostArray(dtype, values);
  return tangentType(dtype) ? Float64Array.from(fromHostArray(dtype, values)) : toHostArray(dtype, values) as Memory;
}
