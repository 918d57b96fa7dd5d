/**
 * The factors of any square matrix: a permutation of its rows, a lower and an upper triangle.
 *
 * @module
 */
import { scan } from "../core/grad/scan.ts";
import { abs, div, mul, neg, sub } from "../core/ops/arithmetic.ts";
import { logicalAnd } from "../core/ops/logic.ts";
import { eq, ge, gt } from "../core/ops/compare.ts";
import { concat } from "../core/ops/concat.ts";
import { stopGradient } from "../core/ops/cast.ts";
import { arange, ones } from "../core/ops/creation.ts";
import { dynamicSlice } from "../core/ops/dynamic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { broadcastTo, expandDims } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import { argmax } from "../core/ops/reduce.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { sum } from "../core/ops/sum.ts";
import { takeAlongAxis } from "../core/ops/take.ts";
import type { Tensor } from "../core/tensor.ts";
import { block, fromParts, inOrder, numbered, onDiagonal, part } from "./matrices.ts";
import { solveLower } from "./substitution.ts";

/** Factors of matrices [..., m, n], m >= n: their rows in the order of `rows` are l u. */
export interface Factors {
  /** u and, below its diagonal, l without its ones. */
  readonly lu: Tensor;
  /** Which row of the matrix stands where, [..., m]. */
  readonly rows: Tensor;
  /** Whether rows were exchanged an odd number of times, as -1 or else 1, [...]. */
  readonly sign: Tensor;
}

/** Factors by rows of the largest element first, which keeps all of l within 1. */
export function luFactors(x: Tensor): Factors {
  const n = x.shape[x.rank - 1];
  if (n <= block) return columns(x);
  const half = Math.ceil(n / block / 2) * block;
  const left = luFactors(part(x, [0], [0, half]));
  const right = inOrder(part(x, [0], [half]), left.rows);
  const [upper, lower] = [part(left.lu, [0, half], [0]), part(left.lu, [half], [0])];
  const ofRight = solveLower(withOnes(upper), part(right, [0, half], [0]));
  const rest = luFactors(sub(part(right, [half], [0]), matmul(lower, ofRight)));
  const rows = concat([
    slice(left.rows, { axis: -1, stop: half }),
    takeAlongAxis(slice(left.rows, { axis: -1, start: half }), rest.rows, { axis: -1 }),
  ], { axis: -1 });
  return { lu: fromParts([[upper, ofRight], [inOrder(lower, rest.rows), rest.lu]]), rows, sign: mul(left.sign, rest.sign) };
}

/** The lower factor. */
export function withOnes(lu: Tensor): Tensor {
  return where(onDiagonal(lu.shape[lu.rank - 1]), 1, lu);
}

/** Column by column: the row of its largest element goes up, and what its multiples have in the rows below is taken off there. */
function columns(x: Tensor): Factors {
  const [m, n] = x.shape.slice(-2);
  const lead = x.shape.slice(0, -2);
  const [row, column] = [numbered(x.shape, -2), numbered(x.shape, -1)];
  const step = ({ lu, rows, sign }: Factors, j: Tensor) => {
    const starts = lead.map(() => 0);
    const below = dynamicSlice(lu, [...starts, 0, j], [...lead, m, 1]);
    // NaN counts as the largest: then all that follows is NaN.
    const largest = argmax(where(ge(row, j), abs(stopGradient(below)), -1), { axis: -2, keepDims: true });
    const chosen = eq(row, largest);
    const [old, pivots] = [dynamicSlice(lu, [...starts, j, 0], [...lead, 1, n]), rowWhere(chosen, lu)];
    const exchanged = where(eq(row, j), pivots, where(chosen, old, lu));
    const pivot = sum(where(eq(column, j), pivots, 0), { axis: -1, keepDims: true });
    const current = dynamicSlice(exchanged, [...starts, 0, j], [...lead, m, 1]);
    // Where the largest is 0, so are all, and nothing is to be taken off.
    const singular = eq(pivot, 0);
    const factor = where(gt(row, j), where(singular, 0, div(current, where(singular, 1, pivot))), 0);
    const taken = sub(exchanged, where(gt(column, j), mul(factor, pivots), 0));
    const next = where(logicalAnd(gt(row, j), eq(column, j)), factor, taken);
    const numbers = expandDims(rows, { axis: -1 });
    const [before, moved] = [dynamicSlice(numbers, [...starts, j, 0], [...lead, 1, 1]), rowWhere(chosen, numbers)];
    const order = where(eq(row, j), moved, where(chosen, before, numbers));
    const turned = where(eq(reshape(largest, lead), j), sign, neg(sign));
    return [{ lu: next, rows: reshape(order, rows.shape), sign: turned }, null] as const;
  };
  const start = { lu: x, rows: broadcastTo(arange(m, { dtype: "i32" }), [...lead, m]), sign: ones(lead, { dtype: x.dtype }) };
  return n === 0 ? start : scan(step, start, arange(n, { dtype: "i32" }))[0];
}

/** The one row that is chosen, of which other elements may be infinite. */
function rowWhere(chosen: Tensor, x: Tensor): Tensor {
  return sum(where(chosen, x, 0), { axis: -2, keepDims: true });
}
