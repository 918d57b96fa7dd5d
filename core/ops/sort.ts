/**
 * Order: sorting, and what follows from it.
 *
 * Everything rests on one primitive, the indices of the elements in sorted order. Values are then taken at these indices, so that
 * derivatives go back to where the values came from, and need no rules of their own.
 *
 * @module
 */
import { type ReduceOptions, reduceOptions } from "./sum.ts";
import { argument, flag, natural, numbers, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { normalizeAxes, normalizeAxis, otherAxes, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asFloat, upcast } from "./cast.ts";
import { asTensor } from "./literal.ts";
import { add, mul } from "./arithmetic.ts";
import { gap } from "./binary.ts";
import { eq } from "./compare.ts";
import { stack } from "./concat.ts";
import { apply, noJvp, noVjp, numberDType } from "./define.ts";
import { permute, transpose } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { where } from "./select.ts";
import { slice } from "./slice.ts";
import { takeAlongAxis } from "./take.ts";
import { isNaN } from "./unary.ts";

interface ArgsortAttrs {
  readonly descending: boolean;
  /** How many of the indices are wanted, the first ones; all if it is not given. */
  readonly count?: number;
}

/** A shape as rows along its last axis. */
function rowsOf(shape: Shape): Shape {
  return [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]];
}

/** Along the last axis; stable. */
export const argsortOp: Op<ArgsortAttrs> = {
  name: "argsort",
  shape: ([x], { count }) => count === undefined ? x : [...x.slice(0, -1), count],
  dtype: (inputs) => (numberDType("sort")(inputs), indexType),
  vjp: noVjp,
  jvp: noJvp,
  vmap: ([x], _, attrs) => apply(argsortOp, [x], attrs),
  lower: {
    kind: "kernel",
    operands: ([x]) => [rowsOf(x)],
    build: ([source], [x], { descending, count }) => {
      const [rows, n] = rowsOf(x);
      return { kind: "argsort", shape: [rows, count ?? n], descending, n, operands: [source] };
    },
  },
};

/** The indices that sort the elements along an axis, or the first of them. */
function indicesOf(x: Tensor, axis: number, attrs: ArgsortAttrs): Tensor {
  const axes = [axis, -1] as const;
  return transpose(apply(argsortOp, [transpose(upcast(x), { axis: axes })], attrs), { axis: axes });
}

/** Which axis to sort, and which way. */
export interface SortOptions {
  /** Default the last. */
  readonly axis?: number;
  /** Whether the largest comes first. Default false. */
  readonly descending?: boolean;
}

const sortOptions = optionTable<SortOptions>({ axis: whole, descending: flag });

/**
 * The indices that sort the elements along an axis: i32, of the shape of x. Equal elements (0 and -0 are) keep their order in
 * both directions; NaN counts as the largest.
 *
 * ```ts
 * import { argsort, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(argsort(tensor([30, 10, 20, 10])))); // [1, 3, 2, 0]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 * @see PyTorch's argsort with stable=True
 */
export function argsort(x: TensorLike, options: SortOptions = {}): Tensor {
  const { axis = -1, descending = false } = checkOptions(options, sortOptions, "argsort");
  const tensor = asTensor(x);
  return indicesOf(tensor, normalizeAxis(axis, tensor.rank, "sort"), { descending });
}

/**
 * The elements along an axis in ascending order (or descending); `argsort` gives their indices. Stable, NaN counts as the
 * largest. The derivative of each goes back to the position it came from.
 *
 * ```ts
 * import { sort, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(sort(tensor([[3, 1, 2], [4, 6, 5]]), { descending: true }))); // [[3, 2, 1], [6, 5, 4]]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function sort(x: TensorLike, options: SortOptions = {}): Tensor {
  checkOptions(options, sortOptions, "sort");
  return takeAlongAxis(x, argsort(x, options), { axis: options.axis });
}

/** Along which axis to look, and for which end. */
export interface TopKOptions {
  /** Default the last. */
  readonly axis?: number;
  /** Whether to look for the largest (default) or for the smallest. */
  readonly largest?: boolean;
}

const topKOptions = optionTable<TopKOptions>({ axis: whole, largest: flag });

/** What `topK` returns. */
export interface TopK {
  /** The elements. */
  readonly values: Tensor;
  /** Their indices along the axis, i32. */
  readonly indices: Tensor;
}

/**
 * The k largest elements along an axis (or smallest), from the most extreme on, and their indices: both have extent k along the
 * axis. Of equal elements the first come first; NaN counts as the largest.
 *
 * ```ts
 * import { tensor, toArray, topK } from "../../mod.ts";
 * const { values, indices } = topK(tensor([10, 40, 20, 30]), 2);
 * console.log(await toArray(values), await toArray(indices)); // [40, 30] [1, 3]
 * ```
 *
 * @throws {RangeError} If k is not an integer of at least 0.
 * @throws {ShapeError} If there are fewer than k elements, or x has no such axis.
 */
export function topK(x: TensorLike, k: number, options: TopKOptions = {}): TopK {
  const { axis = -1, largest = true } = checkOptions(options, topKOptions, "topK");
  argument(k, natural, "k", "topK");
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "take top k of");
  if (k > tensor.shape[at]) {
    throw new ShapeError(
      `Cannot take the top ${k} of ${showShape(tensor.shape)} along axis ${at}: it has ${tensor.shape[at]} elements`,
      { shape: tensor.shape, axis: at, k },
    );
  }
  const indices = indicesOf(tensor, at, { descending: largest, count: k });
  return { values: takeAlongAxis(tensor, indices, { axis: at }), indices };
}

/** (1 - t) a + t b; of equal numbers that number, whatever rounding would make of their parts. */
function blend(a: Tensor, b: Tensor, t: number): Tensor {
  if (t === 0) return a;
  // Only one of the forms is exact for equal numbers, and only the other has no NaN for a single infinity.
  return where(eq(a, b), add(a, mul(gap(b, a), t)), add(mul(a, 1 - t), mul(b, t)));
}

/**
 * The value below which a part q of the elements along axes lies, in floating point: 0 gives the smallest, 1 the largest; between two
 * elements it is interpolated linearly. NaN if there is one among the elements. The derivative goes to the one or two elements it is
 * made from.
 *
 * ```ts
 * import { quantile, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(quantile(tensor([40, 10, 30, 20]), [0, 0.5, 0.75]))); // [10, 25, 32.5]
 * ```
 *
 * @param q A number in [0, 1], or several: the result then has an axis more in front, with one element for each.
 * @param options `axis`: one axis or several (default all); `keepDims`: whether they stay, with extent 1 (default false).
 * @throws {RangeError} If q is outside [0, 1].
 * @throws {ShapeError} If there is no element.
 * @see NumPy's quantile, PyTorch's quantile
 */
export function quantile(x: TensorLike, q: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { axis, keepDims = false } = checkOptions(options, reduceOptions, "quantile");
  argument(q, numbers, "q", "quantile");
  const tensor = asFloat(x);
  const list = normalizeAxes(axis, tensor.rank, "take quantile of");
  const wrong = [q].flat().find((each) => !(each >= 0 && each <= 1));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot take the quantile ${wrong} of ${showShape(tensor.shape)}: it must be in [0, 1]`);
  }
  const count = sizeOf(list.map((axis) => tensor.shape[axis]));
  if (count === 0) {
    throw new ShapeError(
      `Cannot take a quantile of ${showShape(tensor.shape)} along axes [${list.join(", ")}]: there is no element`,
      { shape: tensor.shape, axis: list },
    );
  }
  const others = otherAxes(tensor.shape, list);
  const rows = others.map((axis) => tensor.shape[axis]);
  const sorted = sort(reshape(permute(tensor, [...others, ...list]), [...rows, count]));
  const shape = keepDims ? tensor.shape.map((extent, axis) => list.includes(axis) ? 1 : extent) : rows;
  const element = (index: number) => reshape(slice(sorted, { axis: -1, start: index, stop: index + 1 }), shape);
  const last = element(count - 1);
  const at = (part: number): Tensor => {
    const position = part * (count - 1);
    const below = Math.floor(position);
    const value = blend(element(below), element(Math.ceil(position)), position - below);
    // NaN is sorted to the end.
    return where(isNaN(last), last, value);
  };
  return typeof q === "number" ? at(q) : stack(q.map(at));
}

/**
 * The middle element along axes, in floating point; of an even number of elements the mean of the two in the middle, as in NumPy
 * (PyTorch's median is the lower one). It is `quantile` of 0.5.
 *
 * ```ts
 * import { median, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(median(tensor([[5, 1, 3], [2, 8, 4]]), { axis: 1 }))); // [3, 4]
 * ```
 *
 * @param options `axis`: one axis or several (default all); `keepDims`: whether they stay, with extent 1 (default false).
 * @throws {ShapeError} If there is no element.
 */
export function median(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "median");
  return quantile(x, 0.5, options);
}
