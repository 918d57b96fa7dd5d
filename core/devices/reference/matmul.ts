/**
 * Products of matrices.
 *
 * @module
 */
import type { MatmulKernel } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";
import { walk } from "./walk.ts";

/** A walk over [batch, m, n] that adds lhs * rhs up along k. */
export function matmulResult({ shape, k, operands: [lhs, rhs] }: MatmulKernel, memories: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  const a = memories[lhs.buffer];
  const b = memories[rhs.buffer];
  const linears = [
    { offset: 0, strides: contiguousStrides(shape) },
    { offset: lhs.offset, strides: [lhs.strides[0], lhs.strides[1], 0] },
    { offset: rhs.offset, strides: [rhs.strides[0], 0, rhs.strides[2]] },
  ];
  const [aStep, bStep] = [lhs.strides[2], rhs.strides[1]];
  const at = new Float64Array(linears.length);
  walk(shape, linears, at, () => {
    let [sum, i, j] = [0, at[1], at[2]];
    for (let p = 0; p < k; p++, i += aStep, j += bStep) sum += a[i] * b[j];
    result[at[0]] = sum;
  });
  return result;
}
