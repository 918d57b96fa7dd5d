/**
 * Substitution, forwards and backwards: the solution of systems with triangular matrices.
 *
 * The blocks of some rows on the diagonal are inverted all at once, by products; what is left of a substitution are products, too.
 *
 * @module
 */
import { customDerivative } from "../core/grad/custom.ts";
import { div, neg, sub } from "../core/ops/arithmetic.ts";
import { logicalAnd } from "../core/ops/logic.ts";
import { eq, ge } from "../core/ops/compare.ts";
import { concat } from "../core/ops/concat.ts";
import { zerosLike } from "../core/ops/constant.ts";
import { matmul } from "../core/ops/matmul.ts";
import { flip, moveAxis, transpose } from "../core/ops/movement.ts";
import { pad } from "../core/ops/pad.ts";
import { reshape } from "../core/ops/reshape.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { unstack } from "../core/ops/split.ts";
import { diagonal, tril } from "../core/ops/triangular.ts";
import type { Tensor } from "../core/tensor.ts";
import { block, fromParts, numbered, part } from "./matrices.ts";

/**
 * x of l x = b for lower triangles l, of as many axes as b.  b' = l^-T x';  l' = -tril(b' x^T)
 */
export function solveLower(l: Tensor, b: Tensor): Tensor {
  const solve = customDerivative(
    (l: Tensor, b: Tensor) => [substitute(l, b), { l, b }],
    ({ l, b }, g): [Tensor, Tensor] => {
      const ofB = solveUpper(transpose(l), g);
      return [neg(tril(matmul(ofB, transpose(solveLower(l, b))))), ofB];
    },
  );
  return solve(l, b);
}

/** x of u x = b for upper triangles: backwards, from the last row and column on, they are lower ones. */
export function solveUpper(u: Tensor, b: Tensor): Tensor {
  return flip(solveLower(flip(u, { axis: [-2, -1] }), flip(b, { axis: -2 })), { axis: -2 });
}

function substitute(l: Tensor, b: Tensor): Tensor {
  const n = l.shape[l.rank - 1];
  const size = n <= block ? 2 ** Math.ceil(Math.log2(Math.max(n, 1))) : block;
  const padded = Math.ceil(n / size) * size;
  const inverses = invertLower(diagonalBlocks(withOnes(l, padded), size));
  /** Of the blocks from one on, as many as are asked for. */
  const solve = (first: number, count: number, right: Tensor): Tensor => {
    if (count === 1) {
      const inverse = reshape(slice(inverses, { axis: -3, start: first, stop: first + 1 }), [
        ...l.shape.slice(0, -2),
        size,
        size,
      ]);
      const rows = right.shape[right.rank - 2];
      return matmul(part(inverse, [0, rows], [0, rows]), right);
    }
    const half = count >> 1;
    const [from, middle, end] = [first, first + half, first + count].map((each) => Math.min(each * size, n));
    const upper = solve(first, half, slice(right, { axis: -2, stop: middle - from }));
    const rest = sub(slice(right, { axis: -2, start: middle - from }), matmul(part(l, [middle, end], [from, middle]), upper));
    return concat([upper, solve(first + half, count - half, rest)], { axis: -2 });
  };
  return n === 0 ? b : solve(0, padded / size, b);
}

/** Larger matrices with ones on the rest of the diagonal. */
function withOnes(x: Tensor, extent: number): Tensor {
  const n = x.shape[x.rank - 1];
  if (n === extent) return x;
  const zeros = x.shape.map(() => 0);
  const wider = pad(x, { low: zeros, high: [...zeros.slice(2), extent - n, extent - n] });
  const row = numbered(wider.shape, -2);
  return where(logicalAnd(eq(row, numbered(wider.shape, -1)), ge(row, n)), 1, wider);
}

/** The blocks of an extent along the diagonal: of [..., n, n] they are [..., n / extent, extent, extent]. */
function diagonalBlocks(x: Tensor, extent: number): Tensor {
  const count = x.shape[x.rank - 1] / extent;
  const grid = reshape(x, [...x.shape.slice(0, -2), count, extent, count, extent]);
  return moveAxis(diagonal(grid, { axis: [-4, -2] }), -1, -3);
}

/**
 * The inverses of lower triangles, whose extent is a power of two: from those of blocks of 1 on, by
 *
 * [a 0; b c]^-1 = [a^-1 0; -c^-1 b a^-1  c^-1]
 */
function invertLower(l: Tensor): Tensor {
  const n = l.shape[l.rank - 1];
  const lead = l.shape.slice(0, -2);
  let inverses = reshape(div(1, diagonal(l)), [...lead, n, 1, 1]);
  for (let extent = 1; extent < n; extent *= 2) {
    const pairs = reshape(inverses, [...lead, n / extent / 2, 2, extent, extent]);
    const [a, c] = unstack(pairs, { axis: -3 });
    const b = part(diagonalBlocks(l, 2 * extent), [extent], [0, extent]);
    inverses = fromParts([[a, zerosLike(a)], [neg(matmul(matmul(c, b), a)), c]]);
  }
  return reshape(inverses, l.shape);
}
