/**
 * Host arrays of a few elements, as the losses of a training loop are.
 *
 * A typed array with memory of its own takes 0.7 us to make where V8 keeps none in the JavaScript heap, as in Deno; a part of a larger one
 * takes 0.03 us. Nobody outside the library gets such a part: who transfers its buffer would detach its neighbours.
 *
 * @module
 */
import { deviceBytes, type DType, type HostArray, hostArray, toHostArray } from "../dtype.ts";

/** Up to this many bytes on a device an array is small: detaching it frees nothing worth the call. */
export const smallBytes = 64;

/** Elements of the arrays that are handed out in parts: one tensor that is kept keeps one of them. */
const blockSize = 256;

/** What is left of the block of each type. */
const blocks = new Map<DType, { readonly block: HostArray; next: number }>();

/** Whether values of this type and number are small. */
export function isSmall(dtype: DType, size: number): boolean {
  return size * deviceBytes(dtype) <= smallBytes;
}

/** A number as the host array of its type. */
export function heldNumber(dtype: DType, value: number): HostArray {
  if (dtype !== "f32" && dtype !== "f64") return toHostArray(dtype, [value]);
  const held = smallArray(dtype, 1);
  held[0] = value;
  return held;
}

/** A zeroed array for small values, which is a part of a larger one. */
export function smallArray(dtype: DType, size: number): HostArray {
  let rest = blocks.get(dtype);
  if (!rest || rest.next + size > blockSize) {
    rest = { block: hostArray(dtype, blockSize), next: 0 };
    blocks.set(dtype, rest);
  }
  const part = rest.block.subarray(rest.next, rest.next + size);
  rest.next += size;
  return part;
}
