/**
 * Eigenvalues and eigenvectors of symmetric tridiagonal matrices, by dividing and conquering.
 *
 * A matrix falls into two halves but for one product: [a 0; 0 b] + rho z z^T. Where the halves are solved, a = q d q^T, what is left is a
 * diagonal matrix and one product, whose eigenvalues are the roots of 1 + rho sum_i z_i^2 / (d_i - x), one between each d and the next:
 * all are found at once by bisection, and the vectors are q times those of a formula. All halves of one size are merged at once.
 *
 * Others leave out what equal d or small z make superfluous. Here extents must be known before, so equal d are moved apart by a few
 * units of the last place instead, and zeros of z are as much: errors of that size relative to the largest eigenvalue are made anyway.
 *
 * @see Cuppen, "A divide and conquer method for the symmetric tridiagonal eigenproblem", 1981; Gu and Eisenstat, "A stable and efficient
 * algorithm for the rank-one modification of the symmetric eigenproblem", 1994
 * @module
 */
import { scan } from "../core/grad/scan.ts";
import { abs, add, div, mul, neg, sub } from "../core/ops/arithmetic.ts";
import { maximum } from "../core/ops/binary.ts";
import { eq, ge, gt, le, lt } from "../core/ops/compare.ts";
import { concat } from "../core/ops/concat.ts";
import { iota, ones } from "../core/ops/creation.ts";
import { cummax } from "../core/ops/cumulative.ts";
import { logicalOr } from "../core/ops/logic.ts";
import { matmul } from "../core/ops/matmul.ts";
import { expandDims } from "../core/ops/movement.ts";
import { pad } from "../core/ops/pad.ts";
import { prod } from "../core/ops/prod.ts";
import { max } from "../core/ops/reduce.ts";
import { reshape } from "../core/ops/reshape.ts";
import { where } from "../core/ops/select.ts";
import { slice } from "../core/ops/slice.ts";
import { argsort } from "../core/ops/sort.ts";
import { sum } from "../core/ops/sum.ts";
import { takeAlongAxis } from "../core/ops/take.ts";
import { sqrt } from "../core/ops/unary.ts";
import { cast } from "../core/ops/cast.ts";
import type { Tensor } from "../core/tensor.ts";
import { inOrder, part, stepAboveOne } from "./matrices.ts";

/** Eigenvalues in ascending order, [..., n], and the vectors, columns of [..., n, n]. */
export interface Eigen {
  readonly values: Tensor;
  readonly vectors: Tensor;
}

/** Of matrices with a diagonal [..., n] and a second one beside it, [..., n - 1]. */
export function tridiagonalEigen(diagonal: Tensor, beside: Tensor): Eigen {
  const n = diagonal.shape[diagonal.rank - 1];
  const lead = diagonal.shape.slice(0, -1);
  const extent = 2 ** Math.ceil(Math.log2(Math.max(n, 1)));
  const largest = max(abs(concat([diagonal, beside], { axis: -1 })), { axis: -1, keepDims: true });
  const scale = where(eq(largest, 0), 1, largest);
  // No eigenvalue is beyond 3 now. What fills up to a power of two comes behind all of them.
  const filling = add(4, div(cast(iota([...lead, extent - n], lead.length), diagonal.dtype), extent));
  const d = concat([div(diagonal, scale), filling], { axis: -1 });
  const e = pad(div(beside, scale), {
    low: lead.map(() => 0).concat(0),
    high: lead.map(() => 0).concat(extent - Math.max(n - 1, 0)),
  });
  const size = abs(e);
  const before = slice(pad(size, { low: lead.map(() => 0).concat(1), high: size.shape.map(() => 0) }), {
    axis: -1,
    stop: extent,
  });
  let values = reshape(sub(sub(d, size), before), [...lead, extent, 1]);
  let vectors = ones([...lead, extent, 1, 1], { dtype: d.dtype });
  for (let half = 1; half < extent; half *= 2) {
    const link = slice(e, { axis: -1, start: half - 1, step: 2 * half });
    ({ values, vectors } = merge({ values, vectors }, link));
  }
  return {
    values: mul(slice(reshape(values, [...lead, extent]), { axis: -1, stop: n }), scale),
    vectors: part(reshape(vectors, [...lead, extent, extent]), [0, n], [0, n]),
  };
}

/** Neighbouring halves become one each: values [..., 2 count, half], vectors [..., 2 count, half, half], links [..., count]. */
function merge({ values, vectors }: Eigen, link: Tensor): Eigen {
  const { dtype } = values;
  const half = values.shape[values.rank - 1];
  const [lead, count, n] = [values.shape.slice(0, -2), link.shape[link.rank - 1], 2 * half];
  const epsilon = stepAboveOne(values);
  const pairs = reshape(vectors, [...lead, count, 2, half, half]);
  const [first, second] = [0, 1].map((i) =>
    reshape(slice(pairs, { axis: -3, start: i, stop: i + 1 }), [...lead, count, half, half])
  );
  const sign = where(lt(link, 0), -1, 1);
  const ends = concat([
    reshape(part(first, [half - 1], [0]), [...lead, count, half]),
    mul(reshape(part(second, [0, 1], [0]), [...lead, count, half]), expandDims(sign, { axis: -1 })),
  ], { axis: -1 });
  const joined = reshape(values, [...lead, count, n]);
  const order = argsort(joined);
  const position = iota([n], 0);
  const step = 4 * epsilon;
  const steps = mul(cast(position, dtype), step);
  const d = add(cummax(sub(takeAlongAxis(joined, order), steps)), steps);
  const end = takeAlongAxis(ends, order);
  const z = where(lt(end, 0), -1, 1);
  const size = maximum(abs(end), epsilon / n);
  const rho = expandDims(maximum(abs(link), 2 * epsilon), { axis: -1 });
  const weights = mul(rho, mul(size, size));
  const { origin, offset } = roots(d, weights);
  // Rows are poles d, columns are roots: d - root without loss of digits where both are near.
  const distance = sub(sub(expandDims(d, { axis: -1 }), expandDims(origin, { axis: -2 })), expandDims(offset, { axis: -2 }));
  const squares = squaresOf(d, distance);
  const raw = div(expandDims(mul(z, sqrt(abs(squares))), { axis: -1 }), distance);
  const unit = div(raw, sqrt(sum(mul(raw, raw), { axis: -2, keepDims: true })));
  const unsorted = inOrder(unit, argsort(order));
  return {
    values: add(origin, offset),
    vectors: concat([matmul(first, part(unsorted, [0, half], [0])), matmul(second, part(unsorted, [half], [0]))], { axis: -2 }),
  };
}

/**
 * The root in each interval from one pole d to the next, and behind the last, as a distance from the pole that is nearer: of
 * 1 + sum_i weight_i / (d_i - x). Distances of very different sizes are halved by their logarithms.
 */
function roots(d: Tensor, weights: Tensor): { readonly origin: Tensor; readonly offset: Tensor } {
  const n = d.shape[d.rank - 1];
  const { dtype } = d;
  const next = slice(d, { axis: -1, start: 1 });
  const gap = concat([sub(next, slice(d, { axis: -1, stop: n - 1 })), sum(weights, { axis: -1, keepDims: true })], { axis: -1 });
  /** Rows are roots, columns poles. */
  const valueAt = (origin: Tensor, offset: Tensor) => {
    const distance = sub(sub(expandDims(d, { axis: -2 }), expandDims(origin, { axis: -1 })), expandDims(offset, { axis: -1 }));
    return add(1, sum(div(expandDims(weights, { axis: -2 }), distance), { axis: -1 }));
  };
  const middle = mul(gap, 0.5);
  const isLast = eq(iota([n], 0), n - 1);
  const isLower = logicalOr(isLast, ge(valueAt(d, middle), 0));
  const origin = where(isLower, d, concat([next, slice(d, { axis: -1, start: n - 1 })], { axis: -1 }));
  const side = cast(where(isLower, 1, -1), dtype);
  const [logarithmic, digits] = dtype === "f64" ? [200, 53] : [60, 24];
  const most = where(isLast, gap, middle);
  const halve = ([least, most]: readonly [Tensor, Tensor]) => {
    const mean = where(gt(most, mul(4, least)), mul(sqrt(least), sqrt(most)), mul(add(least, most), 0.5));
    const value = valueAt(origin, mul(side, mean));
    const isBelow = where(isLower, ge(value, 0), le(value, 0));
    return [[where(isBelow, least, mean), where(isBelow, mean, most)] as const, null] as const;
  };
  const length = Math.ceil(Math.log2(logarithmic)) + digits + 4;
  const [[low, high]] = scan(halve, [mul(most, 2 ** -logarithmic), most] as readonly [Tensor, Tensor], null, { length });
  return { origin, offset: mul(side, mul(add(low, high), 0.5)) };
}

/** The squares z_i^2, but for one factor, for which the roots found are exact: of (root_j - d_i) / (d_j - d_i), paired so that all are near 1. */
function squaresOf(d: Tensor, distance: Tensor): Tensor {
  const n = d.shape[d.rank - 1];
  const gaps = sub(expandDims(d, { axis: -2 }), expandDims(d, { axis: -1 }));
  const behind = concat([part(gaps, [0], [1]), ones([...d.shape, 1], { dtype: d.dtype })], { axis: -1 });
  const [row, column] = [iota([n, 1], 0), iota([n], 0)];
  return prod(div(neg(distance), where(lt(column, row), gaps, behind)), { axis: -1 });
}
