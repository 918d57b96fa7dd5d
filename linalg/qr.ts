/**
 * Orthogonal factors, and systems of equations that are not square.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { scan } from "../core/grad/scan.ts";
import { add, div, mul, neg, sub } from "../core/ops/arithmetic.ts";
import { eq, gt, lt } from "../core/ops/compare.ts";
import { concat } from "../core/ops/concat.ts";
import { arange, eye } from "../core/ops/creation.ts";
import { dynamicSlice } from "../core/ops/dynamic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { broadcastTo, expandDims, moveAxis, squeeze, transpose } from "../core/ops/movement.ts";
import { pad } from "../core/ops/pad.ts";
import { where } from "../core/ops/select.ts";
import { sum } from "../core/ops/sum.ts";
import { tril, triu } from "../core/ops/triangular.ts";
import { sqrt } from "../core/ops/unary.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { block, matrixOf, numbered, onDiagonal, part, systemOf } from "./matrices.ts";
import { solveLower, solveUpper } from "./substitution.ts";

/**
 * q and r of a = q r: the columns of q are orthonormal, r is an upper triangle. Of [..., m, n] they have k = min(m, n) columns and rows.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const [q, r] = linalg.qr(tensor([[3, 1], [4, 2]]));
 * console.log(await toArray(r)); // [[-5, -2.2], [0, 0.4]]
 * ```
 *
 * Derivatives need the first k columns of a to be independent.
 *
 * @returns q [..., m, k] and r [..., k, n]. The signs are those of LAPACK: elements on the diagonal of r may be negative.
 * @throws {ShapeError} If a has fewer than two axes.
 * @see PyTorch's and NumPy's `linalg.qr`
 */
export function qr(a: TensorLike): [q: Tensor, r: Tensor] {
  const x = matrixOf(a, "take QR of");
  const [m, n] = x.shape.slice(-2);
  if (m >= n) return tall(x);
  const [q, r] = tall(part(x, [0], [0, m]));
  return [q, concat([r, matmul(transpose(q), part(x, [0], [m]))], { axis: -1 })];
}

/**
 * The x for which the squares of a x - b have the smallest sum; of those of wide matrices, which all make it 0, the one whose own squares
 * have.
 *
 * a [..., m, n], of full rank; b [..., m, columns], or a vector [m]; axes in front are broadcast.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * // The line 1 + 2 t through three points.
 * const a = tensor([[1, 0], [1, 1], [1, 2]]);
 * console.log(await toArray(linalg.lstsq(a, tensor([1, 3, 5])))); // [1, 2]
 * ```
 *
 * @returns [..., n, columns], or [..., n] for a vector.
 * @throws {ShapeError} If b has another number of rows.
 * @see PyTorch's and NumPy's `linalg.lstsq`, which also take matrices whose columns depend on each other
 */
export function lstsq(a: TensorLike, b: TensorLike): Tensor {
  const what = "take the least squares of";
  const [x, right, shaped] = systemOf(matrixOf(a, what), b, what);
  const [m, n] = x.shape.slice(-2);
  if (m >= n) {
    const [q, r] = tall(x);
    return shaped(solveUpper(r, matmul(transpose(q), right)));
  }
  const [q, r] = tall(transpose(x));
  return shaped(matmul(q, solveLower(transpose(r), right)));
}

/**
 * Of at least as many rows as columns.  a' = (q' + q c) r^-T, where c is symmetric and has the lower triangle of r r'^T - q'^T q
 */
function tall(x: Tensor): [q: Tensor, r: Tensor] {
  const find = customDerivative(
    (x: Tensor) => [byReflections(x), x],
    (x, [gq, gr]): [Tensor] => {
      const [q, r] = tall(x);
      const inner = sub(matmul(r, transpose(triu(gr))), matmul(transpose(gq), q));
      const both = add(tril(inner), transpose(tril(inner, { offset: -1 })));
      return [transpose(solveUpper(r, transpose(add(gq, matmul(q, both)))))];
    },
  );
  return find(x);
}

/** A product of reflections: q = 1 - v t v^T on the rows from some row on. */
interface Reflections {
  readonly v: Tensor;
  readonly t: Tensor;
}

/** Some columns at a time are made triangular by a product of reflections, which the columns behind them follow as products of matrices. */
function byReflections(x: Tensor): [q: Tensor, r: Tensor] {
  const [m, n] = x.shape.slice(-2);
  const identity = broadcastTo(eye(m, { columns: n, dtype: x.dtype }), x.shape);
  if (n === 0) return [x, part(identity, [0, 0], [0])];
  const found: Reflections[] = [];
  const rows: Tensor[] = [];
  let rest = x;
  for (let first = 0; first < n; first += block) {
    const width = Math.min(block, n - first);
    const { reduced, reflections } = columns(part(rest, [0], [0, width]));
    const behind = reflect(reflections, part(rest, [0], [width]), true);
    const row = concat([part(reduced, [0, width], [0]), part(behind, [0, width], [0])], { axis: -1 });
    rows.push(pad(row, { low: row.shape.map((_, i) => i === row.rank - 1 ? first : 0), high: row.shape.map(() => 0) }));
    found.push(reflections);
    rest = part(behind, [width], [0]);
  }
  const q = found.reduceRight((q, reflections, i) => {
    const reflected = reflect(reflections, part(q, [i * block], [0]), false);
    return i === 0 ? reflected : concat([part(q, [0, i * block], [0]), reflected], { axis: -2 });
  }, identity);
  return [q, concat(rows, { axis: -2 })];
}

/** q x, or q^T x. */
function reflect({ v, t }: Reflections, x: Tensor, transposed: boolean): Tensor {
  return sub(x, matmul(v, matmul(transposed ? transpose(t) : t, matmul(transpose(v), x))));
}

/**
 * Column by column: a reflection 1 - tau v v^T takes what is below the diagonal to 0. Of their product the triangle t is the inverse of
 * that of v^T v above its diagonal, with 1 / tau on it.
 *
 * @see Schreiber and Van Loan, "A storage-efficient WY representation for products of Householder transformations", 1989
 */
function columns(x: Tensor): { readonly reduced: Tensor; readonly reflections: Reflections } {
  const [m, n] = x.shape.slice(-2);
  const lead = x.shape.slice(0, -2);
  const row = numbered(x.shape, -2);
  const along = (each: Tensor) => sum(each, { axis: -2, keepDims: true });
  const step = (rest: Tensor, j: Tensor) => {
    const current = dynamicSlice(rest, [...lead.map(() => 0), 0, j], [...lead, m, 1]);
    const pivot = along(where(eq(row, j), current, 0));
    const below = where(gt(row, j), current, 0);
    const size = along(mul(below, below));
    // Where nothing is left to be done v is 0, and tau means nothing.
    const done = eq(size, 0);
    const length = sqrt(add(mul(pivot, pivot), where(done, 1, size)));
    const end = where(lt(pivot, 0), length, neg(length));
    const v = where(done, 0, where(eq(row, j), 1, div(below, sub(pivot, end))));
    const tau = where(done, 1, div(sub(end, pivot), end));
    const reduced = sub(rest, mul(mul(tau, v), along(mul(v, rest))));
    return [reduced, { v: squeeze(v, { axis: -1 }), tau: squeeze(tau, { axis: [-2, -1] }) }] as const;
  };
  const [reduced, found] = scan<Tensor, Tensor, { v: Tensor; tau: Tensor }>(step, x, arange(n, { dtype: "i32" }));
  const v = moveAxis(found.v, 0, -1);
  const tau = moveAxis(found.tau, 0, -1);
  const inverse = where(onDiagonal(n), div(1, expandDims(tau, { axis: -1 })), triu(matmul(transpose(v), v)));
  const t = solveUpper(inverse, broadcastTo(eye(n, { dtype: x.dtype }), inverse.shape));
  return { reduced: triu(reduced), reflections: { v, t } };
}
