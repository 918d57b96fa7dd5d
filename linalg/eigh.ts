/**
 * Eigenvalues and eigenvectors of symmetric matrices.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { scan } from "../core/grad/scan.ts";
import { add, mul, sub } from "../core/ops/arithmetic.ts";
import { arange } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { expandDims, transpose } from "../core/ops/movement.ts";
import { where } from "../core/ops/select.ts";
import { argsort } from "../core/ops/sort.ts";
import { sum } from "../core/ops/sum.ts";
import { takeAlongAxis } from "../core/ops/take.ts";
import { diagonal } from "../core/ops/triangular.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { inverseGaps, onDiagonal, squareOf, symmetric } from "./matrices.ts";
import { along, collected, columnOf, reflectAll, type Reflection, reflectionOf } from "./reflections.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

/**
 * Eigenvalues and eigenvectors of symmetric matrices a [..., n, n]: a v = v w. Of another matrix its symmetric part is taken,
 * (a + a^T) / 2.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const [values, vectors] = linalg.eigh(tensor([[2, 1], [1, 2]]));
 * console.log(await toArray(values), vectors.shape); // [1, 3] [2, 2]
 * ```
 *
 * The sign of a vector may be any, and so may vectors of equal eigenvalues be, as long as they are orthonormal: what is computed of them
 * should not depend on that. Its derivative is right then.
 *
 * @returns The eigenvalues in ascending order, [..., n], and the vectors as columns, [..., n, n].
 * @throws {ShapeError} If the matrix is not square.
 * @see PyTorch's and NumPy's `linalg.eigh`
 */
export function eigh(a: TensorLike): [values: Tensor, vectors: Tensor] {
  return factor(symmetric(squareOf(a, "take the eigenvalues of")));
}

/** Of symmetric matrices.  a' = v (diag(w') + f v^T v') v^T, where f has 1 / (w_j - w_i), and 0 where these are equal */
function factor(a: Tensor): [values: Tensor, vectors: Tensor] {
  const find = customDerivative(
    (a: Tensor) => [eigen(a), a],
    (a, [ofValues, ofVectors]): [Tensor] => {
      const [values, vectors] = factor(a);
      const inner = mul(inverseGaps(values), matmul(transpose(vectors), ofVectors));
      const both = where(onDiagonal(values.shape[values.rank - 1]), expandDims(ofValues, { axis: -1 }), inner);
      return [symmetric(matmul(matmul(vectors, both), transpose(vectors)))];
    },
  );
  return find(a);
}

function eigen(a: Tensor): [values: Tensor, vectors: Tensor] {
  const n = a.shape[a.rank - 1];
  if (n < 2) return [diagonal(a), add(mul(a, 0), 1)];
  const { reduced, reflections } = tridiagonal(a);
  const { vectors } = tridiagonalEigen(diagonal(reduced), diagonal(reduced, { offset: -1 }));
  const turned = reflectAll(reflections, vectors);
  // Better than the values found on the way: their errors are of second order. Equal ones come in any order.
  const values = sum(mul(turned, matmul(a, turned)), { axis: -2 });
  const order = argsort(values);
  return [takeAlongAxis(values, order), takeAlongAxis(turned, expandDims(order, { axis: -2 }))];
}

/** Column by column, and the rows with them: q^T a q for the product q of the reflections. What is left beside the three diagonals is noise. */
function tridiagonal(a: Tensor): { readonly reduced: Tensor; readonly reflections: Reflection } {
  const step = (rest: Tensor, j: Tensor) => {
    const { v, tau } = reflectionOf(columnOf(rest, j), add(j, 1));
    const p = mul(tau, matmul(rest, v));
    const w = sub(p, mul(mul(mul(tau, 0.5), along(mul(p, v))), v));
    return [sub(rest, add(mul(v, transpose(w)), mul(w, transpose(v)))), { v, tau }] as const;
  };
  const count = Math.max(a.shape[a.rank - 1] - 2, 0);
  const [reduced, found] = scan<Tensor, Tensor, Reflection>(step, a, arange(count, { dtype: "i32" }));
  return { reduced, reflections: collected(found) };
}
