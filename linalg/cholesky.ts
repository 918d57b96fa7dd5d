/**
 * The factors of positive definite matrices.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { scan } from "../core/grad/scan.ts";
import { div, mul, sub } from "../core/ops/arithmetic.ts";
import { eq, ge } from "../core/ops/compare.ts";
import { arange, zeros } from "../core/ops/creation.ts";
import { dynamicSlice } from "../core/ops/dynamic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { moveAxis, squeeze, transpose } from "../core/ops/movement.ts";
import { where } from "../core/ops/select.ts";
import { sum } from "../core/ops/sum.ts";
import { tril } from "../core/ops/triangular.ts";
import { sqrt } from "../core/ops/unary.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { block, fromParts, numbered, onDiagonal, part, squareOf, symmetric } from "./matrices.ts";
import { solveLower, solveUpper } from "./substitution.ts";

/**
 * The lower triangle l of l l^T = a, of a symmetric, positive definite matrix a [..., n, n]. Of another matrix its symmetric part is
 * taken, (a + a^T) / 2; where that is not positive definite, elements are NaN.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * console.log(await toArray(linalg.cholesky(tensor([[4, 2], [2, 10]])))); // [[2, 0], [1, 3]]
 * ```
 *
 * @returns [..., n, n]
 * @throws {ShapeError} If the matrix is not square.
 * @see Murray, "Differentiation of the Cholesky decomposition", 2016; PyTorch's `torch.linalg.cholesky`
 */
export function cholesky(a: TensorLike): Tensor {
  return factor(symmetric(squareOf(a, "take the Cholesky factor of")));
}

/** Of symmetric matrices.  a' = (s + s^T) / 2 with s = l^-T phi(l^T l') l^-1, where phi takes the lower triangle and half of the diagonal */
function factor(a: Tensor): Tensor {
  const find = customDerivative(
    (a: Tensor) => [halves(a), a],
    (a, g): [Tensor] => {
      const l = factor(a);
      const inner = halfOfDiagonal(tril(matmul(transpose(l), tril(g))));
      const left = solveUpper(transpose(l), inner);
      return [symmetric(transpose(solveUpper(transpose(l), transpose(left))))];
    },
  );
  return find(a);
}

function halfOfDiagonal(x: Tensor): Tensor {
  return where(onDiagonal(x.shape[x.rank - 1]), mul(x, 0.5), x);
}

/** [a b^T; b c] has the factor [l 0; m k]: l of a, m = b l^-T, k of c - m m^T. */
function halves(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  if (n <= block) return columns(x);
  const half = Math.ceil(n / block / 2) * block;
  const l = halves(part(x, [0, half], [0, half]));
  const m = transpose(solveLower(l, part(x, [0, half], [half])));
  const k = halves(sub(part(x, [half], [half]), matmul(m, transpose(m))));
  const above = zeros([...x.shape.slice(0, -2), half, n - half], { dtype: x.dtype });
  return fromParts([[l, above], [m, k]]);
}

/** Column by column: each is divided by the root of its element on the diagonal, and its products with itself are taken off. */
function columns(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  const lead = x.shape.slice(0, -2);
  if (n === 0) return x;
  const step = (rest: Tensor, j: Tensor) => {
    const starts = [...lead.map(() => 0), j, 0];
    const row = dynamicSlice(rest, starts, [...lead, 1, n]);
    const column = numbered(row.shape, -1);
    const pivot = sum(where(eq(column, j), row, 0), { axis: -1, keepDims: true });
    const own = where(ge(column, j), div(row, sqrt(pivot)), 0);
    return [sub(rest, mul(transpose(own), own)), squeeze(own, { axis: -2 })] as const;
  };
  const [, found] = scan(step, x, arange(n, { dtype: "i32" }));
  return moveAxis(found, 0, -1);
}
