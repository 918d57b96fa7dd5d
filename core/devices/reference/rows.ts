/**
 * Rows moved by index.
 *
 * @module
 */
import type { GatherRowsKernel, ScatterAddRowsKernel, ScatterRowsKernel } from "../../ir/kernel.ts";
import { sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";

/** Calls `see` with the first element of each row of the whole, and of the row of the list that the index says belongs to it. */
function forEachRow(
  { outer, size, inner, count }: GatherRowsKernel | ScatterAddRowsKernel | ScatterRowsKernel,
  indices: Memory,
  see: (whole: number, listed: number) => void,
): void {
  if (size === 0) return;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.min(Math.max(indices[j], 0), size - 1);
      see((i * size + row) * inner, (i * count + j) * inner);
    }
  }
}

/** Rows copied from their index. */
export function gatherRows(kernel: GatherRowsKernel, [source, indices]: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(kernel.shape));
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) result[listed + k] = source[whole + k];
  });
  return result;
}

/** Rows added up at their index. Sums of integers wrap when they are stored. */
export function scatterAddRows(kernel: ScatterAddRowsKernel, [source, indices]: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(kernel.shape));
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) result[whole + k] += source[listed + k];
  });
  return result;
}

/** Rows copied to their index, of two at one index the last; the other rows of the target stay as they are. */
export function scatterRows(kernel: ScatterRowsKernel, [source, indices]: readonly Memory[], target: Memory): void {
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) target[whole + k] = source[listed + k];
  });
}
