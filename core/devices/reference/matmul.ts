/**
 * Products of matrices.
 *
 * @module
 */
import type { MatmulKernel } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";
import { walk } from "./walk.ts";

/** A walk over [batch, m, n, k] that adds lhs * rhs up at [batch, m, n]. */
export function matmulResult({ shape, k, operands: [lhs, rhs] }: MatmulKernel, memories: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  const a = memories[lhs.buffer];
  const b = memories[rhs.buffer];
  const along = (offset: number, strides: readonly number[]) => ({ offset, strides });
  const linears = [
    along(0, [...contiguousStrides(shape), 0]),
    along(lhs.offset, [lhs.strides[0], lhs.strides[1], 0, lhs.strides[2]]),
    along(rhs.offset, [rhs.strides[0], 0, rhs.strides[2], rhs.strides[1]]),
  ];
  const at = new Float64Array(linears.length);
  walk([...shape, k], linears, at, () => result[at[0]] += a[at[1]] * b[at[2]]);
  return result;
}
