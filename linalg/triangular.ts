/**
 * Systems of equations with triangular matrices, and with those that are products of two.
 *
 * @module
 */
import { flag } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { transpose } from "../core/ops/movement.ts";
import { where } from "../core/ops/select.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { onDiagonal, squareOf, systemOf } from "./matrices.ts";
import { solveLower, solveUpper } from "./substitution.ts";

/** Options of `solveTriangular`: which triangle. */
export interface SolveTriangularOptions {
  /** Whether the matrix is upper triangular. Default false, lower. */
  readonly upper?: boolean;
  /** Whether its diagonal is taken as ones, whatever it holds. Default false. */
  readonly unitDiagonal?: boolean;
}

const solveTriangularOptions = optionTable<SolveTriangularOptions>({ upper: flag, unitDiagonal: flag });

/**
 * x of a x = b, where a is triangular. Elements of the other triangle are not read.
 *
 * a [..., n, n]; b [..., n, columns], or a vector [n]; axes in front are broadcast. Where the diagonal has a 0, x is infinite or NaN.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const a = tensor([[2, 0], [1, 4]]);
 * console.log(await toArray(linalg.solveTriangular(a, tensor([4, 10])))); // [2, 2]
 * ```
 *
 * @returns [..., n, columns], or [..., n] for a vector.
 * @throws {ShapeError} If the matrix is not square, or b has another number of rows.
 * @see PyTorch's `torch.linalg.solve_triangular`, SciPy's `solve_triangular`
 */
export function solveTriangular(a: TensorLike, b: TensorLike, options: SolveTriangularOptions = {}): Tensor {
  const { upper = false, unitDiagonal = false } = checkOptions(options, solveTriangularOptions, "solveTriangular");
  const what = "solve the triangular system of";
  const [matrix, right, shaped] = systemOf(squareOf(a, what), b, what);
  const read = unitDiagonal ? withUnitDiagonal(matrix) : matrix;
  return shaped((upper ? solveUpper : solveLower)(read, right));
}

/** Options of `choleskySolve`. */
export interface CholeskySolveOptions {
  /** Whether the factor is the upper one, u of u^T u. Default false, l of l l^T. */
  readonly upper?: boolean;
}

const choleskySolveOptions = optionTable<CholeskySolveOptions>({ upper: flag });

/**
 * x of a x = b, where a = l l^T is positive definite and l its Cholesky factor, which several right sides may share.
 *
 * l [..., n, n]; b [..., n, columns], or a vector [n]; axes in front are broadcast.
 *
 * ```ts
 * import { linalg, tensor, toArray } from "../mod.ts";
 * const l = linalg.cholesky(tensor([[4, 2], [2, 5]]));
 * console.log(await toArray(linalg.choleskySolve(l, tensor([8, 12])))); // [1, 2]
 * ```
 *
 * @returns [..., n, columns], or [..., n] for a vector.
 * @throws {ShapeError} If the factor is not square, or b has another number of rows.
 * @see PyTorch's `torch.cholesky_solve`, SciPy's `cho_solve`
 */
export function choleskySolve(l: TensorLike, b: TensorLike, options: CholeskySolveOptions = {}): Tensor {
  const { upper = false } = checkOptions(options, choleskySolveOptions, "choleskySolve");
  const what = "solve by the Cholesky factor";
  const [factor, right, shaped] = systemOf(squareOf(l, what), b, what);
  const lower = upper ? transpose(factor) : factor;
  return shaped(solveUpper(transpose(lower), solveLower(lower, right)));
}

function withUnitDiagonal(x: Tensor): Tensor {
  return where(onDiagonal(x.shape[x.rank - 1]), 1, x);
}
