/**
 * Reflections by Householder: 1 - tau v v^T, which take all of a vector below some place to 0; and products of many.
 *
 * @module
 */
import { add, div, mul, neg, sub } from "../core/ops/arithmetic.ts";
import { eq, gt, lt } from "../core/ops/compare.ts";
import { eye } from "../core/ops/creation.ts";
import { dynamicSlice } from "../core/ops/dynamic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { broadcastTo, expandDims, moveAxis, transpose } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { sum } from "../core/ops/sum.ts";
import { triu } from "../core/ops/triangular.ts";
import { sqrt } from "../core/ops/unary.ts";
import type { Tensor } from "../core/tensor.ts";
import { block, numbered, onDiagonal, part } from "./matrices.ts";
import { solveUpper } from "./substitution.ts";

/** One reflection. */
export interface Reflection {
  /** [..., m, 1]: 0 above its place, 1 there; all 0 if nothing is to be done. */
  readonly v: Tensor;
  /** [..., 1, 1] */
  readonly tau: Tensor;
}

/** A product of reflections: 1 - v t v^T. */
export interface Reflections {
  readonly v: Tensor;
  readonly t: Tensor;
}

/** Sums along columns, which stay. */
export function along(x: Tensor): Tensor {
  return sum(x, { axis: -2, keepDims: true });
}

/** Column j of matrices, [..., m, 1]. */
export function columnOf(x: Tensor, j: Tensor): Tensor {
  const lead = x.shape.slice(0, -2);
  return dynamicSlice(x, [...lead.map(() => 0), 0, j], [...lead, x.shape[x.rank - 2], 1]);
}

/** The reflection that takes what is below a place of columns [..., m, 1] to 0. What comes to that place has the other sign, as in LAPACK. */
export function reflectionOf(column: Tensor, place: Tensor): Reflection {
  const row = numbered(column.shape, -2);
  const pivot = along(where(eq(row, place), column, 0));
  const below = where(gt(row, place), column, 0);
  const size = along(mul(below, below));
  // Where nothing is left to be done v is 0, and tau means nothing.
  const done = eq(size, 0);
  const length = sqrt(add(mul(pivot, pivot), where(done, 1, size)));
  const end = where(lt(pivot, 0), length, neg(length));
  const v = where(done, 0, where(eq(row, place), 1, div(below, sub(pivot, end))));
  return { v, tau: where(done, 1, div(sub(end, pivot), end)) };
}

/** Reflections of which a loop collected one in each step, as columns: v [..., m, n] and tau [..., n]. */
export function collected({ v, tau }: Reflection): Reflection {
  const [n, ...rest] = v.shape;
  return {
    v: moveAxis(reshape(v, [n, ...rest.slice(0, -1)]), 0, -1),
    tau: moveAxis(reshape(tau, [n, ...rest.slice(0, -2)]), 0, -1),
  };
}

/**
 * The product of collected reflections. Its triangle t is the inverse of that of v^T v above its diagonal, with 1 / tau on it.
 *
 * @see Schreiber and Van Loan, "A storage-efficient WY representation for products of Householder transformations", 1989
 */
export function together({ v, tau }: Reflection): Reflections {
  const n = v.shape[v.rank - 1];
  const inverse = where(onDiagonal(n), div(1, expandDims(tau, { axis: -1 })), triu(matmul(transpose(v), v)));
  return { v, t: solveUpper(inverse, broadcastTo(eye(n, { dtype: v.dtype }), inverse.shape)) };
}

/** The product with matrices, or that of its transpose. */
export function reflect({ v, t }: Reflections, x: Tensor, transposed = false): Tensor {
  return sub(x, matmul(v, matmul(transposed ? transpose(t) : t, matmul(transpose(v), x))));
}

/** The product of all collected reflections with matrices, some at a time. */
export function reflectAll({ v, tau }: Reflection, x: Tensor): Tensor {
  const n = v.shape[v.rank - 1];
  let result = x;
  for (let end = n; end > 0; end = Math.floor((end - 1) / block) * block) {
    const first = Math.floor((end - 1) / block) * block;
    result = reflect(together({ v: part(v, [0], [first, end]), tau: slice(tau, { axis: -1, start: first, stop: end }) }), result);
  }
  return result;
}
