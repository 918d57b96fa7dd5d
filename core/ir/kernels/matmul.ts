/**
 * Products of matrices.
 *
 * @module
 */
import { sizeOf } from "../../shape.ts";
import { type Access, type KernelBase, type KernelKind, strided } from "./base.ts";

/** result[b, i, j] = sum over p of lhs[b, i, p] * rhs[b, p, j]; f32 or f64. The domain is [batch, m, n]. */
export interface MatmulKernel extends KernelBase {
  readonly kind: "matmul";
  readonly k: number;
  /** Strides over [batch, m, k], and over [batch, k, n]. */
  readonly operands: readonly [lhs: Access, rhs: Access];
}

export const matmulKind: KernelKind<MatmulKernel> = {
  operands: ({ shape: [batch, m, n], k }) => [strided([batch, m, k]), strided([batch, k, n])],
  reduced: ({ k }) => [k],
  flops: ({ shape, k }) => 2 * sizeOf(shape) * k,
  results: (_, [lhs]) => [lhs],
  sumsProducts: true,
  rank: 3,
  details: ({ k }) => ` k ${k}`,
};
