/**
 * Matrix products in the form that generators write: simplified, with strides that matter only.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../../ir/kernel.ts";
import { floatBytes } from "../emit/vectors.ts";

/** Offsets beyond this are not written into instructions. */
const maxOffset = 2 ** 26;

/** A matrix operand: where it begins and its strides in elements. */
export interface Matrix {
  readonly access: Access;
  readonly batch: number;
  readonly row: number;
  readonly column: number;
}

/** The product to compute, after simplification. */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs: Matrix;
  readonly rhs: Matrix;
  /** Rows and columns are exchanged against the kernel's: done for a single column, where the result is contiguous either way. */
  readonly exchanged: boolean;
}

/** Whether a stride is positive and `count` times it may be written into instructions. */
export function isNear(stride: number, count: number): boolean {
  return stride >= 0 && stride * count * floatBytes < maxOffset;
}

/** Merges a batch that shares the right matrix into rows, and turns a single column into a single row. */
export function simplifyProduct(kernel: MatmulKernel): Product {
  let [batch, m] = kernel.shape;
  const n = kernel.shape[2];
  const k = kernel.k;
  // The stride of an axis of one element means nothing, and should not rule out a fast path.
  const stride = (extent: number, value: number, otherwise: number) => extent === 1 ? otherwise : value;
  let lhs: Matrix = {
    access: kernel.operands[0],
    batch: stride(batch, kernel.operands[0].strides[0], 0),
    row: stride(m, kernel.operands[0].strides[1], 0),
    column: stride(k, kernel.operands[0].strides[2], 1),
  };
  let rhs: Matrix = {
    access: kernel.operands[1],
    batch: stride(batch, kernel.operands[1].strides[0], 0),
    row: stride(k, kernel.operands[1].strides[1], 1),
    column: stride(n, kernel.operands[1].strides[2], 1),
  };
  if (batch > 1 && rhs.batch === 0 && (m === 1 || lhs.batch === m * lhs.row)) {
    if (m === 1) lhs = { ...lhs, row: lhs.batch };
    m *= batch;
    batch = 1;
    lhs = { ...lhs, batch: 0 };
  }
  if (n === 1 && m > 1) {
    const turned = (matrix: Matrix): Matrix => ({ ...matrix, row: matrix.column, column: matrix.row });
    [lhs, rhs] = [turned(rhs), turned(lhs)];
    return { batch, m: 1, n: m, k, lhs, rhs, exchanged: true };
  }
  return { batch, m, n, k, lhs, rhs, exchanged: false };
}
