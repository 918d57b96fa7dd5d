/**
 * Random orthogonal matrices as initial weights.
 *
 * @module
 */
import { real } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { defaultFloat } from "../../core/dtype.ts";
import { div, mul, sub } from "../../core/ops/arithmetic.ts";
import { maximum } from "../../core/ops/binary.ts";
import { cast } from "../../core/ops/cast.ts";
import { eye } from "../../core/ops/creation.ts";
import { matmul } from "../../core/ops/matmul.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { transpose } from "../../core/ops/movement.ts";
import { norm } from "../../core/ops/norm.ts";
import { normal as drawNormal } from "../../core/random.ts";
import { nonNegative } from "../../core/ranges.ts";
import { sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Initializer } from "../init.ts";
import { fansOf } from "./fans.ts";
import type { XavierOptions } from "./variance_scaling.ts";

const orthogonalOptions = optionTable<XavierOptions>({ gain: real });

/**
 * A random orthogonal matrix times a gain: its rows, or its columns if they are fewer, are orthonormal. PyTorch's `orthogonal_`. Axes after
 * the second count as columns.
 *
 * It is the orthogonal polar factor of a normal matrix G: Q in G = Q S, with S symmetric and positive. Turning G by an orthogonal U
 * turns Q with it, and U G has the distribution of G, so Q is as likely as U Q: the distribution is the uniform one (Haar's), as it is of the
 * QR decomposition with signs fixed, which PyTorch takes. The polar factor needs products of matrices only, about 50 for a square one,
 * fewer the farther from square it is.
 *
 * ```ts
 * import { item, layers, matmul, norm, random, sub, transpose, eye } from "../../mod.ts";
 * const q = layers.initializers.orthogonal()(random.key(0), [3, 8]);
 * const distance = norm(sub(matmul(q, transpose(q)), eye(3)));
 * console.log((await item(distance)).toFixed(4)); // 0.0000
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014
 */
export function orthogonal(options: XavierOptions = {}): Initializer {
  const { gain = 1 } = checkOptions(options, orthogonalOptions, "orthogonal");
  nonNegative(gain, "gain");
  return (key, shape, { dtype = defaultFloat } = {}) => {
    fansOf(shape); // which refuses vectors
    const [rows, columns] = [shape[0], sizeOf(shape.slice(1))];
    const tall = cast(drawNormal(key, [Math.max(rows, columns), Math.min(rows, columns)]), dtype);
    const q = polarFactor(tall);
    return mul(reshape(rows < columns ? transpose(q) : q, shape), gain);
  };
}

/**
 * The matrix with a tall normal matrix's singular vectors, and 1 for its singular values, by Newton and Schulz's iteration
 * x <- a x (3 - a^2 x^2) / 2 on all singular values at once.
 *
 * @see Chen and Chow, "A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian matrix", 2014
 */
function polarFactor(tall: Tensor): Tensor {
  const [rows, columns] = tall.shape;
  if (tall.size === 0) return tall;
  const identity = eye(columns, { dtype: tall.dtype });
  // The root of the sum of the squares of all singular values, so that none exceeds 1 afterwards.
  let x = div(tall, maximum(norm(tall), 1e-30));
  for (const a of scales(leastSingularValue(rows, columns))) {
    const square = matmul(transpose(x), x);
    x = matmul(x, sub(mul(identity, 1.5 * a), mul(square, 0.5 * a ** 3)));
  }
  return x;
}

/**
 * What the least singular value of a normal matrix is not below, divided by the root of the sum of all squares. It is sqrt(rows) -
 * sqrt(columns), and farther down with probability below exp(-t^2 / 2); the root of the sum of squares is as near to its own mean. A square
 * matrix has nothing to stand on there: 1e-9 is less than what rounding alone makes of it in f32.
 *
 * @see Davidson and Szarek, "Local operator theory, random matrices and Banach spaces", 2001, theorem II.13
 */
function leastSingularValue(rows: number, columns: number): number {
  const t = 6;
  return Math.max(1e-9, (Math.sqrt(rows) - Math.sqrt(columns) - t) / (Math.sqrt(rows * columns) + t));
}

/** The factors a that bring all numbers in [low, 1] to 1, within the precision of f64. */
function scales(low: number): number[] {
  const factors: number[] = [];
  while (1 - low > 1e-15) {
    // With sqrt(3 / (1 + low + low^2)) both ends meet; but at sqrt 3 the upper one would be sent to 0, and rounding could turn its sign.
    const a = Math.min(1.7, Math.sqrt(3 / (1 + low + low * low)));
    const step = (x: number) => a * x * (3 - (a * x) ** 2) / 2;
    low = Math.min(step(low), step(1));
    factors.push(a);
  }
  return factors;
}
