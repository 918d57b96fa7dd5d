/**
 * Determinants.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { abs, add, mul, neg, sign, sub } from "../core/ops/arithmetic.ts";
import { cast, stopGradient } from "../core/ops/cast.ts";
import { eq, gt, lt } from "../core/ops/compare.ts";
import { eye, iota } from "../core/ops/creation.ts";
import { bitwiseAnd } from "../core/ops/logic.ts";
import { broadcastTo, expandDims, transpose } from "../core/ops/movement.ts";
import { prod } from "../core/ops/prod.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { argsort } from "../core/ops/sort.ts";
import { sum } from "../core/ops/sum.ts";
import { diagonal } from "../core/ops/triangular.ts";
import { log } from "../core/ops/unary.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { luFactors, withOnes } from "./lu.ts";
import { inOrder, squareOf } from "./matrices.ts";
import { inv } from "./solve.ts";
import { solveLower, solveUpper } from "./substitution.ts";

/**
 * The determinants of matrices [..., n, n]. Those of large matrices are soon infinite or 0: `slogdet` is not.
 *
 * ```ts
 * import { item, linalg, tensor } from "../mod.ts";
 * console.log(await item(linalg.det(tensor([[1, 2], [3, 4]])))); // -2
 * ```
 *
 * @returns [...]
 * @throws {ShapeError} If the matrix is not square.
 */
export function det(a: TensorLike): Tensor {
  const find = customDerivative(
    (a: Tensor) => {
      const { lu, sign } = luFactors(a);
      return [mul(sign, prod(diagonal(lu), { axis: -1 })), a];
    },
    (a, g): [Tensor] => [mul(expandDims(g, { axis: [-2, -1] }), transpose(adjugate(a)))],
  );
  return find(squareOf(a, "take the determinant of"));
}

/**
 * The signs and the logarithms of the sizes of determinants of [..., n, n]: det(a) = sign exp(log).
 *
 * ```ts
 * import { item, linalg, mul, eye } from "../mod.ts";
 * const [sign, log] = linalg.slogdet(mul(eye(100), 0.001));
 * console.log(await item(sign), await item(log)); // 1 -690.775...
 * ```
 *
 * @returns Two tensors [...]; 0 and -Infinity of a singular matrix. Derivatives go through the second.
 * @throws {ShapeError} If the matrix is not square.
 * @see PyTorch's and NumPy's `linalg.slogdet`
 */
export function slogdet(a: TensorLike): [sign: Tensor, log: Tensor] {
  const find = customDerivative(
    (a: Tensor) => {
      const { lu, sign: exchanges } = luFactors(a);
      const pivots = diagonal(lu);
      const signs = stopGradient(mul(exchanges, prod(sign(pivots), { axis: -1 })));
      return [[signs, sum(log(abs(pivots)), { axis: -1 })] as [Tensor, Tensor], a];
    },
    (a, [, g]): [Tensor] => [mul(expandDims(g, { axis: [-2, -1] }), transpose(inv(a)))],
  );
  return find(squareOf(a, "take the determinant of"));
}

/**
 * The matrix of cofactors, transposed: det(a) a^-1, which singular matrices have, too. Of p a = l u it is det(p) adj(u) l^-1 p; of u, whose
 * last diagonal element is d, it is det(v) w^-1 diag(d, ..., d, 1), where w is u with 1 for d and v what is left of it without that column.
 * A column that depends on those before it is put last first, so that no other diagonal element is 0.
 */
function adjugate(a: Tensor): Tensor {
  const n = a.shape[a.rank - 1];
  const zero = cast(eq(diagonal(stopGradient(luFactors(a).lu)), 0), "i32");
  const order = argsort(zero);
  const { lu, rows, sign } = luFactors(transpose(inOrder(transpose(a), order)));
  const pivots = diagonal(lu);
  const [others, last] = [slice(pivots, { axis: -1, stop: n - 1 }), slice(pivots, { axis: -1, start: n - 1 })];
  const scale = where(lt(iota([n, 1], 0), n - 1), expandDims(last, { axis: -1 }), 1);
  const lower = solveLower(withOnes(lu), inOrder(broadcastTo(eye(n, { dtype: a.dtype }), a.shape), rows));
  const atEnd = eq(add(iota([n, n], 0), iota([n, n], 1)), 2 * (n - 1));
  const upper = solveUpper(where(atEnd, 1, lu), mul(scale, lower));
  // The place of one column that was moved says whether by an odd number; of a matrix with two, all cofactors are 0.
  const moved = sum(mul(zero, sub(n - 1, iota([n], 0))), { axis: -1 });
  const turned = where(eq(bitwiseAnd(moved, 1), 1), neg(sign), sign);
  const factor = where(gt(sum(zero, { axis: -1 }), 1), 0, mul(turned, prod(others, { axis: -1 })));
  const cofactors = mul(expandDims(factor, { axis: [-2, -1] }), upper);
  return inOrder(where(eq(expandDims(factor, { axis: [-2, -1] }), 0), 0, cofactors), argsort(order));
}
