/**
 * Systems of equations with triangular matrices.
 *
 * @module
 */
import { flag } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
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

function withUnitDiagonal(x: Tensor): Tensor {
  return where(onDiagonal(x.shape[x.rank - 1]), 1, x);
}
