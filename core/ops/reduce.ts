/**
 * Reductions: many elements to one, along axes.
 *
 * @module
 */
import type { ReduceOp } from "../compile/kernel.ts";
import { isFloat } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { normalizeAxes, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat, asTensor } from "./arguments.ts";
import { div, mul, sub } from "./binary.ts";
import { cast } from "./cast.ts";
import { eq } from "./compare.ts";
import { zerosLike } from "./creation.ts";
import { apply, linear, noJvp, noVjp, numberDType, type Op } from "./define.ts";
import { broadcastInDim, reshape } from "./movement.ts";
import { where } from "./select.ts";
import { sqrt } from "./unary.ts";

/** Which axes to reduce, and whether to keep them with extent 1. */
export interface ReduceOptions {
  /** One axis or several; negative ones count from the back. Default: all. */
  readonly axes?: number | readonly number[];
  /** Whether the reduced axes stay, with extent 1. Default false. */
  readonly keepDims?: boolean;
}

interface ReduceAttrs {
  readonly axes: readonly number[];
}

function kept(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

function reducedShape([shape]: readonly Shape[], { axes }: ReduceAttrs): Shape {
  return kept(shape, axes).map((axis) => shape[axis]);
}

/** The reduced tensor stretched over the axes it lost. */
function stretch(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return broadcastInDim(x, shape, kept(shape, axes));
}

function behind(axes: readonly number[]): number[] {
  return axes.map((axis) => axis + 1);
}

function reduceBy(op: Op<ReduceAttrs>, x: Tensor, { axes, keepDims }: ReduceOptions): Tensor {
  const list = normalizeAxes(axes, x.rank, op.name);
  const chooses = op === argmaxOp || op === argminOp;
  const result = list.length === 0 && !chooses ? x : apply(op, [x], { axes: list });
  return keepDims ? reshape(result, x.shape.map((extent, axis) => list.includes(axis) ? 1 : extent)) : result;
}

export const sumOp: Op<ReduceAttrs> = linear({
  name: "sum",
  shape: reducedShape,
  dtype: numberDType("sum"),
  transpose: (g, shape, { axes }) => stretch(g, shape, axes),
  vmap: (x, { axes }) => apply(sumOp, [x], { axes: behind(axes) }),
  lower: { kind: "reduce", op: "sum", axes: ({ axes }) => axes },
});
/**
 * The sum over axes; bool and u8 are counted as i32.
 *
 * ```ts
 * import { sum, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(sum(tensor([[1, 2], [3, 4]]), { axes: 0 }))); // [4, 6]
 * ```
 */
export function sum(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const tensor = asTensor(x);
  return reduceBy(sumOp, tensor.dtype === "bool" || tensor.dtype === "u8" ? cast(tensor, "i32") : tensor, options);
}

/** max or min: the derivative goes to the extreme elements, in equal parts. */
function extreme(name: "max" | "min"): Op<ReduceAttrs> {
  const share = (x: Tensor, y: Tensor, axes: readonly number[]) => {
    const hit = cast(eq(x, stretch(y, x.shape, axes)), x.dtype);
    return div(hit, stretch(sum(hit, { axes }), x.shape, axes));
  };
  const op: Op<ReduceAttrs> = {
    name,
    shape: reducedShape,
    dtype: numberDType(`take ${name} of`),
    vjp: (g, [x], y, { axes }) => [mul(stretch(g, x.shape, axes), share(x, y, axes))],
    jvp: ([t], [x], y, { axes }) => t && sum(mul(t, share(x, y, axes)), { axes }),
    vmap: ([x], _, { axes }) => apply(op, [x], { axes: behind(axes) }),
    lower: { kind: "reduce", op: name, axes: ({ axes }) => axes },
  };
  return op;
}

function extremeOf(op: Op<ReduceAttrs>, x: TensorLike, options: ReduceOptions): Tensor {
  const tensor = asTensor(x);
  const axes = normalizeAxes(options.axes, tensor.rank, op.name);
  if (sizeOf(axes.map((axis) => tensor.shape[axis])) === 0) {
    throw new ShapeError(
      `Cannot take ${op.name} of ${showShape(tensor.shape)} along axes [${axes.join(", ")}]: there is no element`,
      {
        shape: tensor.shape,
        axes,
      },
    );
  }
  return reduceBy(op, tensor, options);
}

export const maxOp: Op<ReduceAttrs> = extreme("max");
/**
 * The largest element along axes, NaN if there is one; equal ones share the derivative.
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function max(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return extremeOf(maxOp, x, options);
}

export const minOp: Op<ReduceAttrs> = extreme("min");
/**
 * The smallest element along axes, NaN if there is one; equal ones share the derivative.
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function min(x: TensorLike, options: ReduceOptions = {}): Tensor {
  return extremeOf(minOp, x, options);
}

function place(name: ReduceOp & ("argmax" | "argmin")): Op<ReduceAttrs> {
  const op: Op<ReduceAttrs> = {
    name,
    shape: reducedShape,
    dtype: (inputs) => (numberDType(`take ${name} of`)(inputs), "i32"),
    vjp: noVjp,
    jvp: noJvp,
    vmap: ([x], _, { axes }) => apply(op, [x], { axes: behind(axes) }),
    lower: { kind: "reduce", op: name, axes: ({ axes }) => axes },
  };
  return op;
}

/** Along which axis to look, and whether to keep it with extent 1. */
export interface ArgOptions {
  /** Default: all axes, and the place is counted in row-major order. */
  readonly axis?: number;
  /** Whether the axis stays, with extent 1. Default false. */
  readonly keepDims?: boolean;
}

export const argmaxOp: Op<ReduceAttrs> = place("argmax");
/**
 * The place of the (first) largest element along an axis: i32.
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function argmax(x: TensorLike, { axis, keepDims }: ArgOptions = {}): Tensor {
  return extremeOf(argmaxOp, x, { axes: axis, keepDims });
}

export const argminOp: Op<ReduceAttrs> = place("argmin");
/**
 * The place of the (first) smallest element along an axis: i32.
 *
 * @throws {ShapeError} If there is no element to choose from.
 */
export function argmin(x: TensorLike, { axis, keepDims }: ArgOptions = {}): Tensor {
  return extremeOf(argminOp, x, { axes: axis, keepDims });
}

/** How many elements each element of the result is made from. */
function windowSize(x: Tensor, axes: ReduceOptions["axes"], what: string): number {
  return sizeOf(normalizeAxes(axes, x.rank, what).map((axis) => x.shape[axis]));
}

/** The mean over axes, in floating point; NaN of nothing. */
export function mean(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const tensor = asFloat(x);
  return div(sum(tensor, options), windowSize(tensor, options.axes, "take mean of"));
}

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of elements in the divisor: 0 (default) for the whole, 1 for a sample. */
  readonly correction?: number;
}

/** The mean squared distance from the mean, over axes. */
export function variance(x: TensorLike, { correction = 0, ...options }: VarianceOptions = {}): Tensor {
  const tensor = asFloat(x);
  const distance = sub(tensor, mean(tensor, { axes: options.axes, keepDims: true }));
  return div(sum(mul(distance, distance), options), windowSize(tensor, options.axes, "take variance of") - correction);
}

/** The standard deviation over axes: the root of `variance`. */
export function std(x: TensorLike, options: VarianceOptions = {}): Tensor {
  return sqrt(variance(x, options));
}

/**
 * The Euclidean length over axes: the root of the sum of squares. Its derivative at 0 is 0.
 *
 * @throws {DTypeError} If x is not floating.
 */
export function norm(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const tensor = asTensor(x);
  if (!isFloat(tensor.dtype)) {
    throw new DTypeError(`Cannot take norm of a tensor of type ${tensor.dtype}: it needs a floating type, use cast(x, "f32")`, {
      dtype: tensor.dtype,
    });
  }
  const squares = sum(mul(tensor, tensor), options);
  const zero = eq(squares, 0);
  return where(zero, zerosLike(squares), sqrt(where(zero, 1, squares)));
}
