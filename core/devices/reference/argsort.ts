/**
 * Sorting rows by index.
 *
 * @module
 */
import type { ArgsortKernel } from "../../ir/kernel.ts";
import { sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";

/** Below 0 if x comes first, ascending; NaN is larger than all else, 0 and -0 are equal. */
function compare(x: number, y: number): number {
  if (x < y) return -1;
  if (x > y) return 1;
  return x === y ? 0 : Number(Number.isNaN(x)) - Number(Number.isNaN(y));
}

/** The indices of each row's first elements in sorted order, row after row. JavaScript's sort is stable. */
export function argsortResult(
  { shape, n, operands: [source], descending }: ArgsortKernel,
  memories: readonly Memory[],
): Float64Array {
  const [rows, count] = shape;
  const values = memories[source.buffer];
  const result = new Float64Array(sizeOf(shape));
  for (let row = 0; row < rows; row++) {
    const valueAt = (i: number) => values[source.offset + row * source.strides[0] + i * source.strides[1]];
    const indices = Array.from({ length: n }, (_, i) => i);
    indices.sort((a, b) => descending ? compare(valueAt(b), valueAt(a)) : compare(valueAt(a), valueAt(b)));
    result.set(indices.slice(0, count), row * count);
  }
  return result;
}
