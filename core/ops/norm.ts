/**
 * Lengths of vectors, and vectors of length 1.
 *
 * @module
 */
import { flag, type Kind, kindOf, real, wholes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { isFloat } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { positive } from "../ranges.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { maximum, pow } from "./binary.ts";
import { cast } from "./cast.ts";
import { eq } from "./compare.ts";
import { any, countNonzero, max, min } from "./reduce.ts";
import { type ReduceOptions, sum } from "./sum.ts";
import { where } from "./select.ts";
import { abs, div, square } from "./arithmetic.ts";
import { rootOf } from "./unary.ts";

/** Options of `norm`: which norm, and over which axes. */
export interface NormOptions extends ReduceOptions {
  /**
   * p in the root of degree p of the sum of |x|^p. 2 (default, also as "fro"): the Euclidean length, of a matrix the Frobenius norm;
   * 1: the sum of absolute values; Infinity and -Infinity: the largest and the smallest of them; 0: how many are not 0.
   */
  readonly ord?: number | "fro";
}

const orders: Kind<number | "fro"> = kindOf('a number or "fro"', (value) => value === "fro" || real.holds(value), "number");
const normOptions = optionTable<NormOptions>({ axis: wholes, keepDims: flag, ord: orders });

/**
 * The norm of x over axes (default all), which are taken as one vector: by default the Euclidean length. Its derivative at 0 is
 * 0.
 *
 * ```ts
 * import { item, norm, tensor } from "../../mod.ts";
 * const x = tensor([3, -4]);
 * console.log(await item(norm(x)), await item(norm(x, { ord: 1 })), await item(norm(x, { ord: Infinity }))); // 5 7 4
 * ```
 *
 * @throws {DTypeError} If x is not floating.
 * @throws {RangeError} If `ord` is no such number.
 * @throws {ShapeError} If the largest or smallest of no element is asked for.
 */
export function norm(x: TensorLike, options: NormOptions = {}): Tensor {
  const { ord = 2, ...over } = checkOptions(options, normOptions, "norm");
  const tensor = asTensor(x);
  if (!isFloat(tensor.dtype)) {
    throw new DTypeError(`Cannot take norm of a tensor of type ${tensor.dtype}: it needs a floating type, use cast(x, "f32")`, {
      dtype: tensor.dtype,
    });
  }
  const degree = ord === "fro" ? 2 : ord;
  switch (degree) {
    case 2:
      return rootOf(sum(square(tensor), over));
    case 1:
      return sum(abs(tensor), over);
    case 0:
      return cast(countNonzero(tensor, over), tensor.dtype);
    case Infinity:
      return max(abs(tensor), over);
    case -Infinity:
      return min(abs(tensor), over);
    default:
      return normOfDegree(abs(tensor), degree, over);
  }
}

/** The root of degree p of the sum of sizes^p. The powers see no 0, where the derivative of some is infinite: it is 0 there. */
function normOfDegree(sizes: Tensor, p: number, options: ReduceOptions): Tensor {
  const zero = eq(sizes, 0);
  const powers = pow(where(zero, 1, sizes), p);
  const root = (total: Tensor) => pow(total, 1 / p);
  if (p > 0) return rootOf(sum(where(zero, 0, powers), options), root);
  // The power of a 0 is infinite, and the norm 0.
  const none = any(zero, options);
  return where(none, 0, root(sum(powers, options)));
}

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** The axis along which the vectors lie, or several that are taken as one vector. Default the last (PyTorch's is 1). */
  readonly axis?: number | readonly number[];
  /** Which norm becomes 1, as in `norm`. Default 2. */
  readonly ord?: number | "fro";
  /** Lower bound of the norm in the divisor. Default 1e-12. */
  readonly epsilon?: number;
}

const normalizeOptions = optionTable<NormalizeOptions>({ axis: wholes, ord: orders, epsilon: real });

/**
 * Vectors along an axis, divided by their norms: x / max(norm(x), epsilon). A vector of zeros stays one.
 *
 * ```ts
 * import { normalize, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(normalize(tensor([[3, 4], [0, 0]])))); // [[0.6, 0.8], [0, 0]]
 * ```
 *
 * @throws {DTypeError} If x is not floating.
 * @throws {RangeError} If `epsilon` is not positive, or `ord` no such number.
 * @throws {ShapeError} If there is no such axis.
 * @see PyTorch's `F.normalize`
 */
export function normalize(x: TensorLike, options: NormalizeOptions = {}): Tensor {
  const { axis = -1, ord, epsilon = 1e-12 } = checkOptions(options, normalizeOptions, "normalize");
  positive(epsilon, "epsilon");
  return div(x, maximum(norm(x, { axis, ord, keepDims: true }), epsilon));
}
