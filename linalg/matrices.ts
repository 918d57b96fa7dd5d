/**
 * Matrices as the functions of this folder take them: the last two axes, of which there may be many.
 *
 * @module
 */
import { argument, tensorLikes } from "../core/kinds.ts";
import { floatFormat } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { promoteAll } from "../core/ops/arguments.ts";
import { asFloat, upcast } from "../core/ops/cast.ts";
import { concat } from "../core/ops/concat.ts";
import { eq } from "../core/ops/compare.ts";
import { diagonalIndex, iota } from "../core/ops/creation.ts";
import { asTensor } from "../core/ops/literal.ts";
import { broadcastTo, expandDims, squeeze, transpose } from "../core/ops/movement.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { broadcastShapes, type Shape, showShape } from "../core/shape.ts";
import { takeAlongAxis } from "../core/ops/take.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";

/** Up to this extent matrices are worked on column by column; larger ones in halves, whose products do most of the work. */
export const block = 32;

/** A matrix, or many, in the type in which its elements are computed. */
export function matrixOf(a: TensorLike, what: string): Tensor {
  const x = upcast(asFloat(asTensor(argument(a, tensorLikes, "a", what))));
  if (x.rank >= 2) return x;
  throw new ShapeError(`Cannot ${what} ${showShape(x.shape)}: a matrix is needed, with two axes at least`, { shape: x.shape });
}

/** The same, of which rows and columns are as many. */
export function squareOf(a: TensorLike, what: string): Tensor {
  const x = matrixOf(a, what);
  const [rows, columns] = x.shape.slice(-2);
  if (rows === columns) return x;
  throw new ShapeError(
    `Cannot ${what} ${showShape(x.shape)}: the matrix must be square, it has ${rows} rows and ${columns} columns`,
    {
      shape: x.shape,
    },
  );
}

/** A matrix and right-hand sides, with the same axes in front; and how a solution gets the shape that was asked for. */
export function systemOf(left: Tensor, b: TensorLike, what: string): [a: Tensor, b: Tensor, (x: Tensor) => Tensor] {
  const right = asTensor(argument(b, tensorLikes, "b", what));
  const vector = right.rank === 1;
  const [x, y] = promoteAll([left, vector ? expandDims(right, { axis: -1 }) : right]);
  if (y.rank < 2 || y.shape[y.rank - 2] !== x.shape[x.rank - 2]) {
    throw new ShapeError(
      `Cannot ${what} ${showShape(left.shape)} with the right side ${showShape(right.shape)}: it needs ${
        x.shape[x.rank - 2]
      } rows, or to be a vector of as many`,
      { shapes: [left.shape, right.shape] },
    );
  }
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), `${what} batches of`);
  const spread = (each: Tensor) => broadcastTo(each, [...batch, ...each.shape.slice(-2)]);
  return [spread(x), spread(y), (solution) => vector ? squeeze(solution, { axis: -1 }) : solution];
}

/** The part of matrices from some row and column on, up to others. */
export function part(x: Tensor, rows: readonly [number, number?], columns: readonly [number, number?]): Tensor {
  const upper = slice(x, { axis: -2, start: rows[0], stop: rows[1] });
  return slice(upper, { axis: -1, start: columns[0], stop: columns[1] });
}

/** A matrix of parts. */
export function fromParts(rows: readonly (readonly Tensor[])[]): Tensor {
  return concat(rows.map((row) => concat(row, { axis: -1 })), { axis: -2 });
}

/** The numbers of rows or columns, in a shape that broadcasts against matrices. */
export function numbered(shape: Shape, axis: -2 | -1): Tensor {
  const extent = shape.at(axis)!;
  return iota(axis === -1 ? [extent] : [extent, 1], 0);
}

/** The symmetric part: half of the sum with the transposed. */
export function symmetric(x: Tensor): Tensor {
  return mul(add(x, transpose(x)), 0.5);
}

/** Whether each element of a square matrix is on the diagonal. */
export function onDiagonal(extent: number): Tensor {
  return eq(diagonalIndex([extent, extent]), 0);
}

/** The rows of matrices in another order. */
export function inOrder(x: Tensor, rows: Tensor): Tensor {
  return takeAlongAxis(x, broadcastTo(expandDims(rows, { axis: -1 }), x.shape), { axis: -2 });
}

/** The distance from 1 to the next number of a matrix's type. */
export function stepAboveOne({ dtype }: Tensor): number {
  return 2 ** -floatFormat(dtype)!.fractionBits;
}

/** 1 / (x_j - x_i) in row i and column j; 0 where they are equal. */
export function inverseGaps(x: Tensor): Tensor {
  const gaps = sub(expandDims(x, { axis: -2 }), expandDims(x, { axis: -1 }));
  const none = eq(gaps, 0);
  return where(none, 0, div(1, where(none, 1, gaps)));
}
