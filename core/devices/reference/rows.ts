/**
 * Rows moved by index.
 *
 * @module
 */
import type { GatherRowsKernel, ScatterAddRowsKernel, ScatterRowsKernel } from "../../ir/kernel.ts";
import { blockOf, stepOf } from "../../ir/kernels/rows.ts";
import { sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";

type RowsKernel = GatherRowsKernel | ScatterAddRowsKernel | ScatterRowsKernel;

/** Calls `see` with the first element of each row of the whole, and of the row of the list that the index says belongs to it. */
function forEachRow(
  kernel: RowsKernel,
  indices: Memory,
  see: (whole: number, listed: number) => void,
): void {
  const { outer, size, inner, count } = kernel;
  if (size === 0) return;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.min(Math.max(indices[j], 0), size - 1);
      see(i * blockOf(kernel) + row * stepOf(kernel), (i * count + j) * inner);
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
