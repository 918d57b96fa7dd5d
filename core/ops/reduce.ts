/**
 * Reductions: many elements to one, along axes.
 *
 * @module
 */
import { flag, real, whole, wholes } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import {
  behind,
  broadcastBack,
  type ReduceAttrs,
  reduceBy,
  reducedShape,
  type ReduceOptions,
  reduceOptions,
  sum,
} from "./sum.ts";
import { indexType, maskType } from "../dtype.ts";
import type { ReduceOp } from "../ir/kernel.ts";
import { ShapeError } from "../errors.ts";
import { normalizeAxes, showShape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asFloat, cast, stopGradient, withValues } from "./cast.ts";
import { asTensor } from "./literal.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { belowTop } from "./binary.ts";
import { eq } from "./compare.ts";
import { zerosLike } from "./constant.ts";
import { apply, noJvp, noVjp, numberDType } from "./define.ts";
import { squeeze } from "./movement.ts";
import { where } from "./select.ts";
import { exp, log, rootOf } from "./unary.ts";
import { logicalNot } from "./logic.ts";

/** max or min: the derivative goes to the extreme elements, in equal parts. */
function extreme(name: "max" | "min"): Op<ReduceAttrs> {
  const share = (x: Tensor, y: Tensor, axes: readonly number[]) => {
    const hit = cast(eq(x, broadcastBack(y, x.shape, axes)), x.dtype);
    return div(hit, broadcastBack(sum(hit, { axis: axes }), x.shape, axes));
  };
  const op: Op<ReduceAttrs> = {
    name,
    shape: reducedShape,
    dtype: numberDType(`take ${name} of`),
    vjp: (g, [x], y, { axes }) => [mul(broadcastBack(g, x.shape, axes), share(x, y, axes))],
    jvp: ([t], [x], y, { axes }) => [t && sum(mul(t, share(x, y, axes)), { axis: axes })],
    vmap: ([x], _, { axes }) => apply(op, [x], { axes: behind(axes) }),
    lower: { kind: "reduce", op: name, axes: ({ axes }) => axes },
  };
  return op;
}

function extremeOf(op: Op<ReduceAttrs>, x: TensorLike, options: ReduceOptions): Tensor {
  const tensor = asTensor(x);
  const axes = normalizeAxes(options.axis, tensor.rank, op.name);
  if (sizeOf(axes.map((axis) => tensor.shape[axis])) === 0) {
    throw new ShapeError(
      `Cannot take ${op.name} of ${showShape(tensor.shape)} along axes [${axes.join(", ")}]: there is no element`,
      {
        shape: tensor.shape,
        axis: axes,
      },
    );
  }
  return reduceBy(op, tensor, options);
}

export const maxOp: Op<ReduceAttrs> = extreme("max");
/**
 * The largest element along axes, NaN if there is one; equal ones share the derivative.
 *
 * ```ts
 * import { max, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(max(tensor([[1, 5], [7, 3]]), { axis: 0 }))); // [7, 5]
 * ```
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function max(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "max");
  return extremeOf(maxOp, x, options);
}

export const minOp: Op<ReduceAttrs> = extreme("min");
/**
 * The smallest element along axes, NaN if there is one; equal ones share the derivative.
 *
 * ```ts
 * import { min, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(min(tensor([[1, 5], [7, 3]]), { axis: 0 }))); // [1, 3]
 * ```
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function min(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "min");
  return extremeOf(minOp, x, options);
}

function indexOfExtreme(name: ReduceOp & ("argmax" | "argmin")): Op<ReduceAttrs> {
  const op: Op<ReduceAttrs> = {
    name,
    shape: reducedShape,
    dtype: (inputs) => (numberDType(`take ${name} of`)(inputs), indexType),
    vjp: noVjp,
    jvp: noJvp,
    vmap: ([x], _, { axes }) => apply(op, [x], { axes: behind(axes) }),
    lower: { kind: "reduce", op: name, axes: ({ axes }) => axes },
  };
  return op;
}

/** Options of `argmax` and `argmin`. */
export interface ArgOptions {
  /** Default: all axes, and the index counts elements in row-major order. */
  readonly axis?: number;
  /** Whether the axis stays, with extent 1. Default false. */
  readonly keepDims?: boolean;
}

const argOptions = optionTable<ArgOptions>({ axis: whole, keepDims: flag });

export const argmaxOp: Op<ReduceAttrs> = indexOfExtreme("argmax");
/**
 * The index of the (first) largest element along an axis: i32.
 *
 * ```ts
 * import { argmax, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(argmax(tensor([[1, 5, 2], [7, 3, 7]]), { axis: 1 }))); // [1, 0]
 * ```
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function argmax(x: TensorLike, options: ArgOptions = {}): Tensor {
  const { axis, keepDims } = checkOptions(options, argOptions, "argmax");
  return extremeOf(argmaxOp, x, { axis, keepDims });
}

export const argminOp: Op<ReduceAttrs> = indexOfExtreme("argmin");
/**
 * The index of the (first) smallest element along an axis: i32.
 *
 * ```ts
 * import { argmin, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(argmin(tensor([[1, 5, 2], [7, 3, 7]]), { axis: 1 }))); // [0, 1]
 * ```
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function argmin(x: TensorLike, options: ArgOptions = {}): Tensor {
  const { axis, keepDims } = checkOptions(options, argOptions, "argmin");
  return extremeOf(argminOp, x, { axis, keepDims });
}

/**
 * How many elements are not 0 (NaN is not), over axes: i32.
 *
 * ```ts
 * import { countNonzero, item, tensor } from "../../mod.ts";
 * console.log(await item(countNonzero(tensor([0, 3, 0, -1])))); // 2
 * ```
 */
export function countNonzero(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "countNonzero");
  return sum(cast(x, maskType), options);
}

/**
 * Whether any element is true (not 0), over axes: bool; of nothing it is false.
 *
 * ```ts
 * import { any, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(any(tensor([[true, false], [false, false]]), { axis: 1 }))); // [true, false]
 * ```
 */
export function any(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "any");
  return cast(countNonzero(x, options), maskType);
}

/**
 * Whether all elements are true (not 0), over axes: bool; of nothing it is true.
 *
 * ```ts
 * import { all, gt, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(all(gt(tensor([[1, 2], [-1, 2]]), 0), { axis: 1 }))); // [true, false]
 * ```
 */
export function all(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "all");
  return logicalNot(countNonzero(logicalNot(x), options));
}

/** How many elements each element of the result is made from. */
function windowSize(x: Tensor, axis: ReduceOptions["axis"], what: string): number {
  return sizeOf(normalizeAxes(axis, x.rank, what).map((each) => x.shape[each]));
}

/**
 * The mean over axes, in floating point; NaN of nothing.
 *
 * ```ts
 * import { mean, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(mean(tensor([[1, 2], [3, 4]]), { axis: 1 }))); // [1.5, 3.5]
 * ```
 */
export function mean(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "mean");
  const tensor = asFloat(x);
  return div(sum(tensor, options), windowSize(tensor, options.axis, "take mean of"));
}

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /**
   * What is subtracted from the number of elements in the divisor: 0 (default) for the biased variance, 1 for the unbiased
   * (PyTorch's default).
   */
  readonly correction?: number;
}

const varianceOptions = optionTable<VarianceOptions>({ axis: wholes, keepDims: flag, correction: real });

/**
 * The variance over axes: the mean squared distance from the mean. PyTorch's default is `correction: 1`.
 *
 * ```ts
 * import { item, tensor, variance } from "../../mod.ts";
 * console.log(await item(variance(tensor([1, 3])))); // 1
 * console.log(await item(variance(tensor([1, 3]), { correction: 1 }))); // 2
 * ```
 */
export function variance(x: TensorLike, options: VarianceOptions = {}): Tensor {
  const { correction = 0, keepDims, ...over } = checkOptions(options, varianceOptions, "variance");
  const tensor = asFloat(x);
  const axis = normalizeAxes(over.axis, tensor.rank, "take variance of");
  const count = windowSize(tensor, axis, "take variance of");
  const { squares } = aroundMean(tensor, mean(tensor, { axis, keepDims: true }), axis, count);
  const value = div(squares, Math.max(0, count - correction));
  return keepDims ? value : squeeze(value, { axis });
}

/** Where elements lie around their mean. */
interface AroundMean {
  /** x - c, where c is the mean as a constant: with its derivatives x - mean is distance - offset. */
  readonly distance: Tensor;
  /** mean - c: 0, with the derivatives of the mean. */
  readonly offset: Tensor;
  /** The sum of (x - mean)^2. */
  readonly squares: Tensor;
}

/**
 * What variances and normalisations are made of; the axes stay with extent 1. For any c the sum of (x - mean)^2 is that of (x - c)^2 less
 * count (mean - c)^2. By this formula, derivatives by the elements are made of sums that do not need each other, which one pass finds.
 *
 * @param total What `sum` gives of all, where others have some of the elements, from what it gives here.
 */
export function aroundMean(
  x: Tensor,
  mean: Tensor,
  axis: readonly number[],
  count: TensorLike,
  total = (sum: Tensor) => sum,
): AroundMean {
  const distance = sub(x, stopGradient(mean));
  const offset = withValues(mean, zerosLike(mean));
  const squares = total(sum(mul(distance, distance), { axis, keepDims: true }));
  return { distance, offset, squares: withValues(sub(squares, mul(count, mul(offset, offset))), stopGradient(squares)) };
}

/**
 * The standard deviation over axes: the square root of `variance`, with the same options. Its derivative at equal elements is 0.
 *
 * ```ts
 * import { item, std, tensor } from "../../mod.ts";
 * console.log(await item(std(tensor([1, 3])))); // 1
 * console.log(await item(std(tensor([1, 3]), { correction: 1 }))); // 1.414...
 * ```
 */
export function std(x: TensorLike, options: VarianceOptions = {}): Tensor {
  checkOptions(options, varianceOptions, "std");
  return rootOf(variance(x, options));
}

/**
 * log of the sum of exp over axes, numerically stable for numbers of any size: -infinity of nothing, and where all elements are
 * -infinity (with derivative 0).
 *
 * ```ts
 * import { item, logSumExp, tensor } from "../../mod.ts";
 * console.log((await item(logSumExp(tensor([1000, 1000])))).toFixed(2)); // 1000.69
 * ```
 */
export function logSumExp(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "logSumExp");
  const tensor = asFloat(x);
  const axis = normalizeAxes(options.axis, tensor.rank, "take logSumExp");
  if (tensor.size === 0) return log(sum(tensor, options));
  // The shift cancels out of value and derivative. Where all are -infinity, none is the largest, and all count nothing.
  const largest = stopGradient(max(tensor, { axis, keepDims: true }));
  const shift = where(eq(largest, -Infinity), zerosLike(largest), largest);
  const total = sum(exp(belowTop(tensor, shift)), { axis, keepDims: true });
  const none = eq(total, 0);
  const value = add(where(none, -Infinity, log(where(none, 1, total))), shift);
  return options.keepDims ? value : squeeze(value, { axis });
}
