/**
 * Triangles and diagonals of matrices: the last two axes, of which there may be many.
 *
 * @module
 */
import { axisPair, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { normalizeAxis, type Shape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { logicalNot } from "./logic.ts";
import { le } from "./compare.ts";
import { diagonalIndex } from "./creation.ts";
import { zerosLike } from "./constant.ts";
import { moveAxis } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { pad } from "./pad.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { slice } from "./slice.ts";

/** Which diagonal: 0 (default) is the main one, 1 the one above it, -1 the one below. */
export interface OffsetOptions {
  /** Columns to the right of the main diagonal. Default 0. */
  readonly offset?: number;
}

const offsetOptions = optionTable<OffsetOptions>({ offset: whole });

/** Whether each element of a matrix lies on the diagonal or below it. */
function lower(x: Tensor, offset: number, what: string): Tensor {
  if (x.rank < 2) {
    throw new ShapeError(`Cannot ${what} of ${showShape(x.shape)}: a matrix is needed, with two axes at least`, {
      shape: x.shape,
    });
  }
  return le(diagonalIndex(x.shape.slice(-2)), offset);
}

/**
 * The lower triangles of matrices: elements above the diagonal become 0.
 *
 * ```ts
 * import { ones, toArray, tril } from "../../mod.ts";
 * console.log(await toArray(tril(ones([2, 3])))); // [[1, 0, 0], [1, 1, 0]]
 * ```
 *
 * @throws {ShapeError} If x has fewer than two axes.
 */
export function tril(x: TensorLike, options: OffsetOptions = {}): Tensor {
  const { offset = 0 } = checkOptions(options, offsetOptions, "tril");
  const tensor = asTensor(x);
  return where(lower(tensor, offset, "take tril"), tensor, zerosLike(tensor));
}

/**
 * The upper triangles of matrices: elements below the diagonal become 0.
 *
 * ```ts
 * import { ones, toArray, triu } from "../../mod.ts";
 * console.log(await toArray(triu(ones([2, 3]), { offset: 1 }))); // [[0, 1, 1], [0, 0, 1]]
 * ```
 *
 * @throws {ShapeError} If x has fewer than two axes.
 */
export function triu(x: TensorLike, options: OffsetOptions = {}): Tensor {
  const { offset = 0 } = checkOptions(options, offsetOptions, "triu");
  const tensor = asTensor(x);
  return where(logicalNot(lower(tensor, offset - 1, "take triu")), tensor, zerosLike(tensor));
}

/** Which diagonal of which matrices. */
export interface DiagonalOptions extends OffsetOptions {
  /** The axes of rows and columns. Default the last two. */
  readonly axis?: readonly [rows: number, columns: number];
}

const diagonalOptions = optionTable<DiagonalOptions>({ offset: whole, axis: axisPair });

/**
 * The diagonals of matrices: the axes of rows and columns go, and the diagonal is the last axis.
 *
 * ```ts
 * import { arange, diagonal, reshape, toArray } from "../../mod.ts";
 * console.log(await toArray(diagonal(reshape(arange(6), [2, 3])))); // [0, 4]
 * ```
 *
 * @throws {ShapeError} If x does not have these two axes.
 */
export function diagonal(x: TensorLike, options: DiagonalOptions = {}): Tensor {
  const { offset = 0, axis = [-2, -1] } = checkOptions(options, diagonalOptions, "diagonal");
  const tensor = asTensor(x);
  const [from, to] = axis.map((each) => normalizeAxis(each, tensor.rank, "take the diagonal"));
  if (from === to) {
    throw new ShapeError(`Cannot take the diagonal of ${showShape(tensor.shape)}: rows and columns are both axis ${from}`, {
      shape: tensor.shape,
      axis,
    });
  }
  const matrices = moveAxis(tensor, [from, to], [-2, -1]);
  const [rows, columns] = matrices.shape.slice(-2);
  const count = Math.max(0, Math.min(rows, columns, rows + offset, columns - offset));
  const lead = matrices.shape.slice(0, -2);
  if (count === 0) return reshape(slice(matrices, { axis: -2, stop: 0 }), [...lead, 0]);
  // One step along the diagonal is one row and one column.
  const start = offset < 0 ? -offset * columns : offset;
  const stop = start + (count - 1) * (columns + 1) + 1;
  return slice(reshape(matrices, [...lead, rows * columns]), { axis: -1, start, stop, step: columns + 1 });
}

/**
 * A square matrix with the vector x on a diagonal and 0 elsewhere; of a matrix its diagonal.
 *
 * ```ts
 * import { diag, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(diag(tensor([1, 2])))); // [[1, 0], [0, 2]]
 * console.log(await toArray(diag(tensor([[1, 2], [3, 4]]), { offset: 1 }))); // [2]
 * ```
 *
 * @throws {ShapeError} If x is neither a vector nor a matrix.
 */
export function diag(x: TensorLike, options: OffsetOptions = {}): Tensor {
  const { offset = 0 } = checkOptions(options, offsetOptions, "diag");
  const tensor = asTensor(x);
  if (tensor.rank === 2) return diagonal(tensor, { offset });
  if (tensor.rank !== 1) {
    throw new ShapeError(`Cannot take diag of ${showShape(tensor.shape)}: a vector or a matrix is needed; see diagonal`, {
      shape: tensor.shape,
    });
  }
  const size = tensor.size + Math.abs(offset);
  const square: Shape = [size, size];
  const before = offset < 0 ? -offset * size : offset;
  const length = tensor.size === 0 ? 0 : (tensor.size - 1) * (size + 1) + 1;
  const high = size * size - before - length;
  return reshape(pad(tensor, { low: [before], high: [high], interior: [size] }), square);
}

/**
 * The sums of the diagonals of matrices.
 *
 * ```ts
 * import { item, tensor, trace } from "../../mod.ts";
 * console.log(await item(trace(tensor([[1, 2], [3, 4]])))); // 5
 * ```
 *
 * @throws {ShapeError} If x does not have the two axes.
 */
export function trace(x: TensorLike, options: DiagonalOptions = {}): Tensor {
  checkOptions(options, diagonalOptions, "trace");
  return sum(diagonal(x, options), { axis: -1 });
}
