/**
 * Orthogonal factors, and systems of equations that are not square.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { scan } from "../core/grad/scan.ts";
import { add, mul, sub } from "../core/ops/arithmetic.ts";
import { concat } from "../core/ops/concat.ts";
import { arange, eye } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { broadcastTo, transpose } from "../core/ops/movement.ts";
import { pad } from "../core/ops/pad.ts";
import { tril, triu } from "../core/ops/triangular.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { block, matrixOf, part, systemOf } from "./matrices.ts";
import { along, collected, columnOf, reflect, type Reflection, reflectionOf, type Reflections, together } from "./reflections.ts";
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
 * @see PyTorch's and NumPy's `linalg.lstsq`; `pinv`, for matrices whose columns depend on each other
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

/** Column by column: a reflection takes what is below the diagonal to 0. */
function columns(x: Tensor): { readonly reduced: Tensor; readonly reflections: Reflections } {
  const step = (rest: Tensor, j: Tensor) => {
    const { v, tau } = reflectionOf(columnOf(rest, j), j);
    return [sub(rest, mul(mul(tau, v), along(mul(v, rest)))), { v, tau }] as const;
  };
  const [reduced, found] = scan<Tensor, Tensor, Reflection>(step, x, arange(x.shape[x.rank - 1], { dtype: "i32" }));
  return { reduced: triu(reduced), reflections: together(collected(found)) };
}
