/**
 * Systems of equations with any square matrix.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { neg } from "../core/ops/arithmetic.ts";
import { eye } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { argsort } from "../core/ops/sort.ts";
import { broadcastTo, transpose } from "../core/ops/movement.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { luFactors, withOnes } from "./lu.ts";
import { inOrder, squareOf, systemOf } from "./matrices.ts";
import { solveLower, solveUpper } from "./substitution.ts";

/**
 * x of a x = b, by factors with row exchanges: more accurate than a product with the inverse, and less work.
 *
 * a [..., n, n]; b [..., n, columns], or a vector [n]; axes in front are broadcast. Where a is singular, x is infinite or NaN.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const a = tensor([[0, 2], [1, 1]]);
 * console.log(await toArray(linalg.solve(a, tensor([4, 5])))); // [3, 2]
 * ```
 *
 * @returns [..., n, columns], or [..., n] for a vector.
 * @throws {ShapeError} If the matrix is not square, or b has another number of rows.
 * @see PyTorch's `torch.linalg.solve`, NumPy's `linalg.solve`
 */
export function solve(a: TensorLike, b: TensorLike): Tensor {
  const [matrix, right, shaped] = systemOf(squareOf(a, "solve"), b, "solve");
  return shaped(solution(matrix, right, false));
}

/**
 * The inverses of matrices [..., n, n]. To multiply with one, `solve` is better.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * console.log(await toArray(linalg.inv(tensor([[0, 2], [1, 0]])))); // [[0, 1], [0.5, 0]]
 * ```
 *
 * @returns [..., n, n], infinite or NaN where a matrix is singular.
 * @throws {ShapeError} If the matrix is not square.
 */
export function inv(a: TensorLike): Tensor {
  const x = squareOf(a, "invert");
  return solution(x, broadcastTo(eye(x.shape[x.rank - 1], { dtype: x.dtype }), x.shape), false);
}

/** x of a x = b, or of a^T x = b, by the same factors.  b' = a^-T x';  a' = -b' x^T, transposed -x b'^T */
function solution(a: Tensor, b: Tensor, transposed: boolean): Tensor {
  const find = customDerivative(
    (a: Tensor, b: Tensor) => [byFactors(a, b, transposed), { a, b }],
    ({ a, b }, g): [Tensor, Tensor] => {
      const x = solution(a, b, transposed);
      const ofB = solution(a, g, !transposed);
      return [neg(transposed ? matmul(x, transpose(ofB)) : matmul(ofB, transpose(x))), ofB];
    },
  );
  return find(a, b);
}

function byFactors(a: Tensor, b: Tensor, transposed: boolean): Tensor {
  const { lu, rows } = luFactors(a);
  if (!transposed) return solveUpper(lu, solveLower(withOnes(lu), inOrder(b, rows)));
  return inOrder(solveUpper(transpose(withOnes(lu)), solveLower(transpose(lu), b)), argsort(rows));
}
