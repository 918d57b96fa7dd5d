/**
 * Singular values, and what follows from them.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { scan } from "../core/grad/scan.ts";
import { real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { maximum } from "../core/ops/binary.ts";
import { eq, gt, lt } from "../core/ops/compare.ts";
import { concat, stack } from "../core/ops/concat.ts";
import { arange } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { expandDims, flip, transpose } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { argsort } from "../core/ops/sort.ts";
import { sum } from "../core/ops/sum.ts";
import { takeAlongAxis } from "../core/ops/take.ts";
import { diagonal } from "../core/ops/triangular.ts";
import { fraction } from "../core/ranges.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { inverseGaps, matrixOf, onDiagonal, part, stepAboveOne } from "./matrices.ts";
import { qr } from "./qr.ts";
import { along, collected, columnOf, reflectAll, type Reflection, reflectionOf } from "./reflections.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

/**
 * u, s and v^T of a = u diag(s) v^T: columns of u and rows of v^T are orthonormal, s are the singular values, from the largest on, none
 * below 0. Of [..., m, n] there are k = min(m, n).
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const [u, s, vt] = linalg.svd(tensor([[0, 2], [1, 0], [0, 0]]));
 * console.log(u.shape, await toArray(s), vt.shape); // [3, 2] [2, 1] [2, 2]
 * ```
 *
 * Vectors of equal singular values may be any, as long as they are orthonormal, and signs are arbitrary in pairs: what is computed of
 * them should not depend on that. Its derivative is right then.
 *
 * @returns u [..., m, k], s [..., k] and v^T [..., k, n].
 * @throws {ShapeError} If a has fewer than two axes.
 * @see PyTorch's and NumPy's `linalg.svd` with full_matrices=False
 */
export function svd(a: TensorLike): [u: Tensor, s: Tensor, vt: Tensor] {
  const x = matrixOf(a, "take the singular values of");
  const [m, n] = x.shape.slice(-2);
  if (m >= n) return tall(x);
  const [u, s, vt] = tall(transpose(x));
  return [transpose(vt), s, transpose(u)];
}

/** Options of `pinv`. */
export interface PinvOptions {
  /** Singular values up to this part of the largest count as 0. Default max(m, n) times the step of floats above 1. */
  readonly tolerance?: number;
}

const pinvOptions = optionTable<PinvOptions>({ tolerance: real });

/**
 * The pseudoinverse of matrices [..., m, n]: with a vector b, x = pinv(a) b has the smallest squares of all x that make those of a x - b
 * smallest, whether columns of a depend on each other or not.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * console.log(await toArray(linalg.pinv(tensor([[3, 4]])))); // [[0.12...], [0.16...]]
 * ```
 *
 * @returns [..., n, m]
 * @throws {RangeError} If the tolerance is not in [0, 1].
 * @throws {ShapeError} If a has fewer than two axes.
 * @see PyTorch's and NumPy's `linalg.pinv`
 */
export function pinv(a: TensorLike, options: PinvOptions = {}): Tensor {
  const x = matrixOf(a, "take the pseudoinverse of");
  const [u, s, vt] = svd(x);
  const { tolerance = Math.max(...x.shape.slice(-2)) * stepAboveOne(x) } = checkOptions(options, pinvOptions, "pinv");
  fraction(tolerance, "tolerance");
  const least = mul(slice(s, { axis: -1, stop: 1 }), tolerance);
  const some = gt(s, least);
  const inverse = where(some, div(1, where(some, s, 1)), 0);
  return matmul(mul(transpose(vt), expandDims(inverse, { axis: -2 })), transpose(u));
}

/**
 * Of at least as many rows as columns.  With f_ij = 1 / (s_j^2 - s_i^2), and 0 where these are equal, j = f u^T u' and k = f v^T v',
 *
 * a' = u ((j + j^T) s + s (k + k^T) + diag(s')) v^T + (u' - u u^T u') s^-1 v^T + u s^-1 (v' - v v^T v')^T
 */
function tall(a: Tensor): [u: Tensor, s: Tensor, vt: Tensor] {
  const find = customDerivative(
    (a: Tensor) => [factors(a), a],
    (a, [gu, gs, gvt]): [Tensor] => {
      const [u, s, vt] = tall(a);
      const [v, gv] = [transpose(vt), transpose(gvt)];
      const [row, column] = [expandDims(s, { axis: -2 }), expandDims(s, { axis: -1 })];
      const f = inverseGaps(mul(s, s));
      const [uu, vv] = [matmul(transpose(u), gu), matmul(vt, gv)];
      const [j, k] = [mul(f, uu), mul(f, vv)];
      const inner = add(mul(add(j, transpose(j)), row), mul(column, add(k, transpose(k))));
      const none = eq(s, 0);
      const inverse = where(none, 0, div(1, where(none, 1, s)));
      const outside = mul(sub(gu, matmul(u, uu)), expandDims(inverse, { axis: -2 }));
      const beyond = mul(sub(gv, matmul(v, vv)), expandDims(inverse, { axis: -2 }));
      const inside = add(inner, where(onDiagonal(s.shape[s.rank - 1]), expandDims(gs, { axis: -1 }), 0));
      return [add(matmul(add(matmul(u, inside), outside), vt), matmul(u, transpose(beyond)))];
    },
  );
  return find(a);
}

function factors(a: Tensor): [u: Tensor, s: Tensor, vt: Tensor] {
  const [m, n] = a.shape.slice(-2);
  if (n === 0) return [a, reshape(part(a, [0, 0], [0]), [...a.shape.slice(0, -2), 0]), part(a, [0, 0], [0])];
  const [q, r] = m > n ? qr(a) : [undefined, a];
  const { reduced, left, right } = bidiagonal(r);
  // The matrix [0 b^T; b 0] has the eigenvalues s and -s. With a row of each half in turn it is tridiagonal.
  const zero = mul(part(reduced, [0, 1], [0, 1]), 0);
  const [main, beside] = [
    diagonal(reduced),
    concat([diagonal(reduced, { offset: 1 }), reshape(zero, [...a.shape.slice(0, -2), 1])], { axis: -1 }),
  ];
  const turns = reshape(stack([main, beside], { axis: -1 }), [...main.shape.slice(0, -1), 2 * n]);
  const { vectors } = tridiagonalEigen(mul(turns, 0), slice(turns, { axis: -1, stop: 2 * n - 1 }));
  const largest = flip(part(vectors, [0], [n]), { axis: -1 });
  const [ofV, ofU] = [0, 1].map((start) => slice(largest, { axis: -2, start, step: 2 }));
  const [inner, v] = [reflectAll(left, orthonormal(ofU)), reflectAll(right, orthonormal(ofV))];
  const u = q ? matmul(q, inner) : inner;
  // Better than the values found on the way: their errors are of second order. Equal ones come in any order.
  const values = maximum(sum(mul(u, matmul(a, v)), { axis: -2 }), 0);
  const order = argsort(values, { descending: true });
  const columns = (x: Tensor) => takeAlongAxis(x, expandDims(order, { axis: -2 }));
  return [columns(u), takeAlongAxis(values, order), transpose(columns(v))];
}

/** Nearly orthogonal columns made orthonormal, from the first on. Those of singular values of 0 may be any that are orthogonal to the others. */
function orthonormal(x: Tensor): Tensor {
  const [q, r] = qr(x);
  return mul(q, expandDims(where(lt(diagonal(r), 0), -1, 1), { axis: -2 }));
}

interface Bidiagonal {
  readonly reduced: Tensor;
  readonly left: Reflection;
  readonly right: Reflection;
}

/** Columns and rows in turn: l^T a r for the products l and r of the reflections. What is left beside the two diagonals is noise. */
function bidiagonal(a: Tensor): Bidiagonal {
  const step = (rest: Tensor, j: Tensor) => {
    const left = reflectionOf(columnOf(rest, j), j);
    const below = sub(rest, mul(mul(left.tau, left.v), along(mul(left.v, rest))));
    const right = reflectionOf(columnOf(transpose(below), j), add(j, 1));
    return [sub(below, mul(mul(right.tau, matmul(below, right.v)), transpose(right.v))), { left, right }] as const;
  };
  const count = a.shape[a.rank - 1];
  const [reduced, { left, right }] = scan<Tensor, Tensor, Omit<Bidiagonal, "reduced">>(step, a, arange(count, { dtype: "i32" }));
  return { reduced, left: collected(left), right: collected(right) };
}
