/**
 * Tensors of constants and ranges.
 *
 * @module
 */
import { quoted } from "../quoted.ts";
import { argument, elementType, flag, isRecord, oneOf, real, tensorList, tensors, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { constantOf } from "./constant.ts";
import {
  checkHolds,
  computeType,
  defaultFloat,
  type DType,
  holds,
  hostArrayOf,
  indexType,
  isInteger,
  maskType,
} from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { checkExtents, checkShape, contiguousStrides, normalizeAxis, type Shape, showShape, sizeOf } from "../shape.ts";
import { type Op, type Scalar, Tensor } from "../tensor.ts";
import { TracedNumber } from "../traced_number.ts";
import { add, mul } from "./arithmetic.ts";
import { cast } from "./cast.ts";
import { eq } from "./compare.ts";
import { apply, noJvp, noVjp } from "./define.ts";
import { fromHost } from "./from_values.ts";
import { asTensor, literal } from "./literal.ts";
import { broadcastInDim } from "./sum.ts";

/** Options of the functions that make tensors. */
export interface CreationOptions {
  /** The type of the elements. Default f32, or that of the tensor or value given. */
  readonly dtype?: DType;
}

const creationOptions = optionTable<CreationOptions>({ dtype: elementType });

/**
 * A tensor filled with `value`.
 *
 * ```ts
 * import { full, toArray } from "../../mod.ts";
 * console.log(await toArray(full([2, 2], 7))); // [[7, 7], [7, 7]]
 * ```
 *
 * @throws {DTypeError} If the type is one of integers, and does not hold the value.
 */
export function full(shape: Shape, value: Scalar | boolean, options: CreationOptions = {}): Tensor {
  const { dtype } = checkOptions(options, creationOptions, "full");
  if (value instanceof TracedNumber) {
    return broadcastInDim(asTensor(value, dtype ?? defaultFloat), checkShape(shape, "make a tensor"), []);
  }
  return constantOf(
    literal(value),
    dtype ?? (typeof value === "boolean" ? maskType : defaultFloat),
    checkShape(shape, "make a tensor"),
  );
}

/**
 * A tensor of zeros.
 *
 * ```ts
 * import { toArray, zeros } from "../../mod.ts";
 * console.log(await toArray(zeros([2, 2]))); // [[0, 0], [0, 0]]
 * ```
 */
export function zeros(shape: Shape, options: CreationOptions = {}): Tensor {
  checkOptions(options, creationOptions, "zeros");
  return full(shape, 0, { dtype: defaultFloat, ...options });
}

/**
 * A tensor of ones.
 *
 * ```ts
 * import { ones, toArray } from "../../mod.ts";
 * console.log(await toArray(ones([2, 2]))); // [[1, 1], [1, 1]]
 * ```
 */
export function ones(shape: Shape, options: CreationOptions = {}): Tensor {
  checkOptions(options, creationOptions, "ones");
  return full(shape, 1, { dtype: defaultFloat, ...options });
}

/**
 * As `zeros`: tensors cannot be written to, so there is no uninitialised memory. For programs that come from PyTorch or NumPy.
 *
 * ```ts
 * import { empty } from "../../mod.ts";
 * console.log(empty([2, 3]).shape); // [2, 3]
 * ```
 */
export function empty(shape: Shape, options: CreationOptions = {}): Tensor {
  checkOptions(options, creationOptions, "empty");
  return zeros(shape, options);
}

/**
 * A tensor filled with `value`, of the shape and (unless `dtype` says otherwise) type of another.
 *
 * ```ts
 * import { fullLike, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(fullLike(tensor([1, 2]), 7))); // [7, 7]
 * ```
 *
 * @throws {DTypeError} If the type is one of integers, and does not hold the value.
 */
export function fullLike(x: Tensor, value: Scalar | boolean, options: CreationOptions = {}): Tensor {
  argument(x, tensors, "x", "fullLike");
  const { dtype = x.dtype } = checkOptions(options, creationOptions, "fullLike");
  return full(x.shape, value, { dtype });
}

interface IndexAttrs {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

export const indexOp: Op<IndexAttrs> = {
  name: "index",
  shape: (_, { shape }) => shape,
  dtype: () => indexType,
  vjp: noVjp,
  jvp: noJvp,
  vmap: (_inputs, _batched, attrs) => apply(indexOp, [], attrs),
  lower: { kind: "index", affine: ({ offset, strides }) => ({ offset, strides }) },
};

/**
 * Each element is its own index along `axis`: i32, of the given shape.
 *
 * ```ts
 * import { iota, toArray } from "../../mod.ts";
 * console.log(await toArray(iota([2, 3], 1))); // [[0, 1, 2], [0, 1, 2]]
 * console.log(await toArray(iota([2, 3], 0))); // [[0, 0, 0], [1, 1, 1]]
 * ```
 */
export function iota(shape: Shape, axis: number): Tensor {
  const own = checkShape(shape, "make a tensor");
  const along = normalizeAxis(argument(axis, whole, "axis", "iota"), own.length, "make indices");
  return apply(indexOp, [], { shape: own, offset: 0, strides: own.map((_, i) => i === along ? 1 : 0) });
}

/**
 * The row-major position of every element: i32.
 *
 * @throws {ShapeError} If that does not count so many.
 */
export function positions(shape: Shape): Tensor {
  checkExtents([sizeOf(shape)], "count the elements");
  return apply(indexOp, [], { shape, offset: 0, strides: contiguousStrides(shape) });
}

/** How far to the right of the main diagonal every element of a matrix of this shape lies: i32. */
export function diagonalIndex(shape: Shape): Tensor {
  return apply(indexOp, [], { shape, offset: 0, strides: [-1, 1] });
}

/**
 * Evenly spaced numbers from `start` up to, but without, `stop`: `arange(stop)`, `arange(start, stop)`, `arange(start, stop, step)`.
 *
 * ```ts
 * import { arange, reshape, toArray } from "../../mod.ts";
 * console.log(await toArray(reshape(arange(6), [2, 3]))); // [[0, 1, 2], [3, 4, 5]]
 * console.log(await toArray(arange(3, 0, -1, { dtype: "f32" }))); // [3, 2, 1]
 * ```
 *
 * @returns One axis; i32 if all three are integers and no `dtype` is given, else f32.
 * @throws {DTypeError} If the type is one of integers, and does not hold one of the numbers.
 * @throws {RangeError} If `step` is 0 or a bound is not finite.
 */
export function arange(stop: number, options?: CreationOptions): Tensor;
/** From `start` to before `stop`, every `step`-th (default every) number. */
export function arange(start: number, stop: number | undefined, options?: CreationOptions): Tensor;
/** From `start` to before `stop`, every `step`-th number. */
export function arange(start: number, stop: number | undefined, step?: number, options?: CreationOptions): Tensor;
export function arange(...args: readonly (number | CreationOptions | undefined)[]): Tensor {
  const last = args.at(-1);
  const [numbers, options = {}] = isRecord(last) ? [args.slice(0, -1), last] : [args, args[3]];
  const { dtype } = checkOptions(options as CreationOptions, creationOptions, "arange");
  const [first, second, step = 1] = numbers as readonly number[];
  const [from, to] = second === undefined ? [0, first] : [first, second];
  for (const [name, value] of Object.entries({ start: from, stop: to, step })) argument(value, real, name, "arange");
  if (step === 0 || ![from, to, step].every(Number.isFinite)) {
    throw new RangeError(`Cannot make a range from ${from} to ${to} by ${step}: the numbers must be finite and the step not 0`);
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  const shape = checkShape([count], "make a range");
  const end = from + (count - 1) * step;
  const whole = [from, step].every(Number.isInteger);
  const type = dtype ?? (whole && Number.isInteger(to) ? indexType : defaultFloat);
  if (count > 0) { for (const each of [from, count > 1 ? from + step : from, end]) checkHolds(type, each); }
  if (!whole) {
    const wide = computeType(type);
    return cast(add(mul(cast(positions(shape), wide), step), from), type);
  }
  if (count === 0 || holds(indexType, from) && holds(indexType, end)) {
    return cast(apply(indexOp, [], { shape, offset: count > 0 ? from : 0, strides: [count > 1 ? step : 1] }), type);
  }
  // Beyond the integers that devices count with: in double precision.
  return fromHost(hostArrayOf(type, count, (i) => from + i * step), shape, type);
}

/** Options of `linspace`. */
export interface LinspaceOptions extends CreationOptions {
  /** Whether the last number is `stop`; otherwise it is one step before. Default true. */
  readonly endpoint?: boolean;
}

const linspaceOptions = optionTable<LinspaceOptions>({ dtype: elementType, endpoint: flag });

/**
 * `count` evenly spaced numbers from `start` to `stop`, both included.
 *
 * ```ts
 * import { linspace, toArray } from "../../mod.ts";
 * console.log(await toArray(linspace(0, 1, 5))); // [0, 0.25, 0.5, 0.75, 1]
 * ```
 *
 * @returns One axis; f32 unless `dtype` says otherwise.
 * @throws {DTypeError} If the type is one of integers, and does not hold one of the numbers.
 * @throws {RangeError} If `count` is not an integer of at least 0, or a bound is not finite.
 * @throws {OutOfMemoryError} If there would be too many for memory.
 */
export function linspace(
  start: number,
  stop: number,
  count: number,
  options: LinspaceOptions = {},
): Tensor {
  const { endpoint = true, dtype = defaultFloat } = checkOptions(options, linspaceOptions, "linspace");
  if (!Number.isInteger(count) || count < 0 || ![start, stop].every(Number.isFinite)) {
    throw new RangeError(
      `Cannot space ${quoted(count)} numbers from ${quoted(start)} to ${
        quoted(stop)
      }: the count must be an integer of at least 0, the others finite`,
    );
  }
  const last = Math.max(1, endpoint ? count - 1 : count);
  // On the host, in double precision, and from the nearer end: both ends come out as they were given.
  const part = (i: number) => isInteger(dtype) ? (stop - start) * i / last : (stop - start) * (i / last);
  const at = (i: number) => 2 * i < last ? start + part(i) : stop - part(last - i);
  return fromHost(hostArrayOf(dtype, count, at), [count], dtype);
}

const meshgridOptions = optionTable<{ readonly indexing?: "ij" | "xy" }>({ indexing: oneOf("ij", "xy") });

/**
 * Coordinates of a grid from those of its axes: each result has the shape of the grid, and result i changes along axis i (`indexing`
 * "ij", the default, as in PyTorch), or with the first two axes swapped ("xy", as in NumPy).
 *
 * ```ts
 * import { arange, meshgrid, toArray } from "../../mod.ts";
 * const [rows, columns] = meshgrid([arange(2), arange(3)]);
 * console.log(await toArray(rows), await toArray(columns)); // [[0, 0, 0], [1, 1, 1]] [[0, 1, 2], [0, 1, 2]]
 * ```
 *
 * @param xs Vectors, one per axis.
 * @throws {ShapeError} If one is not a vector.
 */
export function meshgrid(xs: readonly Tensor[], options: { readonly indexing?: "ij" | "xy" } = {}): Tensor[] {
  const { indexing = "ij" } = checkOptions(options, meshgridOptions, "meshgrid");
  argument(xs, tensorList, "xs", "meshgrid");
  const wrong = xs.find(({ rank }) => rank !== 1);
  if (wrong) {
    throw new ShapeError(`Cannot make a grid from shape ${showShape(wrong.shape)}: vectors are needed`, { shape: wrong.shape });
  }
  const along = xs.map((_, i) => indexing === "xy" && i < 2 && xs.length > 1 ? 1 - i : i);
  const shape = along.map((i) => xs[i].size);
  return xs.map((x, i) => broadcastInDim(x, shape, [along[i]]));
}

/** Options of `eye`. */
export interface EyeOptions extends CreationOptions {
  /** How many columns, if the matrix is not square. */
  readonly columns?: number;
  /** Which diagonal: 1 is the one above the main one, -1 the one below. Default 0. */
  readonly offset?: number;
}

const eyeOptions = optionTable<EyeOptions>({ dtype: elementType, columns: whole, offset: whole });

/**
 * A matrix with ones on a diagonal and zeros elsewhere.
 *
 * ```ts
 * import { eye, toArray } from "../../mod.ts";
 * console.log(await toArray(eye(2))); // [[1, 0], [0, 1]]
 * ```
 *
 * @throws {ShapeError} If a size is not an integer of at least 0.
 */
export function eye(rows: number, options: EyeOptions = {}): Tensor {
  const { columns = rows, offset = 0, dtype = defaultFloat } = checkOptions(options, eyeOptions, "eye");
  return cast(eq(diagonalIndex(checkShape([rows, columns], "make a tensor")), offset), dtype);
}
