/**
 * Running sums, products, maxima and minima along an axis.
 *
 * All are one scan with an associative operation. Groups of neighbours are combined, the groups' totals are scanned in the same
 * way, and what lies before a group is combined into its members. Sums have a kernel for groups of some thousands. The others take
 * groups of four: work in proportion to n, and about log4(n) steps one after the other; derivatives follow from the operations it is
 * made of, and no division is among them. Rounding errors grow with the logarithm at most.
 *
 * @module
 */
import { flag, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { extremes, tangentType } from "../dtype.ts";
import { normalizeAxis, type Shape, sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asFloat, upcast } from "./cast.ts";
import { asTensor } from "./literal.ts";
import { add, mul } from "./arithmetic.ts";
import { logAddExp } from "./binary.ts";
import { logicalOr } from "./logic.ts";
import { ge, le } from "./compare.ts";
import { stack } from "./concat.ts";
import { apply, linear, numberDType } from "./define.ts";
import { full } from "./creation.ts";
import { flip, moveAxis } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { pad } from "./pad.ts";
import { where } from "./select.ts";
import { slice } from "./slice.ts";
import { isNaN } from "./unary.ts";

/** Options of the cumulative operations. */
export interface CumulativeOptions {
  /** Along which axis; negative ones count from the back. Default -1, the last. */
  readonly axis?: number;
  /** Whether to run from the end to the beginning. Default false. */
  readonly reverse?: boolean;
  /** Whether to leave the element itself out, so that the first result is that of nothing: 0 for a sum, 1 for a product. Default false. */
  readonly exclusive?: boolean;
}

const cumulativeOptions = optionTable<CumulativeOptions>({ axis: whole, reverse: flag, exclusive: flag });

interface CumsumAttrs {
  readonly axis: number;
  readonly reverse: boolean;
}

/** A shape with its axes before and after one as one each; without the latter if there are none. */
function aroundAxis(shape: Shape, axis: number): Shape {
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  return [sizeOf(before), shape[axis], ...after.length > 0 ? [sizeOf(after)] : []];
}

/** y_i = x_0 + ... + x_i, backwards y_i = x_i + ... + x_n:  x' = the same of y' in the other direction. */
export const cumsumOp: Op<CumsumAttrs> = linear({
  name: "cumsum",
  shape: ([x]) => x,
  dtype: numberDType("take cumsum of"),
  transpose: (g, _, { axis, reverse }) => apply(cumsumOp, [g], { axis, reverse: !reverse }),
  vmap: (x, { axis, reverse }) => apply(cumsumOp, [x], { axis: axis + 1, reverse }),
  lower: {
    kind: "kernel",
    operands: ([x], { axis }) => [aroundAxis(x, axis)],
    build: ([source], [x], { axis, reverse }) => ({
      kind: "cumsum",
      shape: aroundAxis(x, axis),
      reverse,
      operands: [source],
    }),
  },
});

/** Axes up to this length are summed by one kernel; the groups of longer ones are about as long as the latter number. */
const [longest, wantedGroup] = [4096, 1024];

/** The length of groups of n elements: it divides n, if there is such a one. */
function groupLength(n: number): number {
  const least = wantedGroup / 2;
  for (let length = 3 * least - 1; length >= least; length--) if (n % length === 0) return length;
  return wantedGroup;
}

/** One tensor with x in front of, or behind, `count` zeros along an axis. */
function withZeros(x: Tensor, axis: number, count: number, where: "before" | "after"): Tensor {
  const zeros = x.shape.map((_, i) => i === axis ? count : 0);
  const none = x.shape.map(() => 0);
  return count === 0 ? x : pad(x, where === "before" ? { low: zeros, high: none } : { low: none, high: zeros });
}

/** Running sums that leave each element out, of those that do not. */
function shifted(sums: Tensor, axis: number, reverse: boolean): Tensor {
  const n = sums.shape[axis];
  return withZeros(
    slice(sums, { axis, start: reverse ? 1 : 0, stop: reverse ? n : n - 1 }),
    axis,
    1,
    reverse ? "after" : "before",
  );
}

function runningSums(x: Tensor, axis: number, reverse: boolean): Tensor {
  const n = x.shape[axis];
  if (n <= longest) return apply(cumsumOp, [x], { axis, reverse });
  const length = groupLength(n);
  const count = Math.ceil(n / length);
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const groups = reshape(withZeros(x, axis, count * length - n, "after"), [...before, count, length, ...after]);
  const inside = apply(cumsumOp, [groups], { axis: axis + 1, reverse });
  const end = reverse ? 0 : length - 1;
  const totals = reshape(slice(inside, { axis: axis + 1, start: end, stop: end + 1 }), [...before, count, ...after]);
  const others = reshape(shifted(runningSums(totals, axis, reverse), axis, reverse), [...before, count, 1, ...after]);
  const sums = reshape(add(inside, others), [...before, count * length, ...after]);
  return slice(sums, { axis, stop: n });
}

interface Monoid {
  /** Combines what comes before with what comes after. */
  combine(before: Tensor, after: Tensor): Tensor;
  /** The identity of combining. */
  readonly neutral: number;
}

const groupSize = 4;
/** Rows so short are scanned element by element. */
const short = 8;

function columns(x: Tensor): Tensor[] {
  const [rows, n] = x.shape;
  return Array.from({ length: n }, (_, i) => reshape(slice(x, { axis: 1, start: i, stop: i + 1 }), [rows]));
}

/** Running results of a list, beginning with that of nothing (undefined). */
function running(xs: readonly Tensor[], combine: Monoid["combine"]): (Tensor | undefined)[] {
  const results: (Tensor | undefined)[] = [undefined];
  for (const x of xs) {
    const before = results[results.length - 1];
    results.push(before ? combine(before, x) : x);
  }
  return results;
}

/** Scans the rows of [rows, n]; n is `short` at most, or `groupSize` times such an n. */
function scanRows(x: Tensor, monoid: Monoid, exclusive: boolean): Tensor {
  const [rows, n] = x.shape;
  const window = <T>(results: readonly T[]) => exclusive ? results.slice(0, -1) : results.slice(1);
  if (n <= short) {
    const nothing = full([rows], monoid.neutral, { dtype: x.dtype });
    return stack(window(running(columns(x), monoid.combine)).map((each) => each ?? nothing), { axis: 1 });
  }
  const groups = n / groupSize;
  const members = columns(reshape(x, [rows * groups, groupSize]));
  const inside = running(members, monoid.combine);
  const totals = inside[groupSize]!;
  const before = reshape(scanRows(reshape(totals, [rows, groups]), monoid, true), [rows * groups]);
  return reshape(stack(window(inside).map((each) => each ? monoid.combine(before, each) : before), { axis: 1 }), [rows, n]);
}

function scan(
  x: Tensor,
  monoid: Monoid,
  { axis = -1, reverse = false, exclusive = false }: CumulativeOptions,
  what: string,
): Tensor {
  const along = normalizeAxis(axis, x.rank, what);
  if (x.size === 0) return x;
  if (reverse) return flip(scan(flip(x, { axis: along }), monoid, { axis, exclusive }, what), { axis: along });
  const moved = moveAxis(x, along, -1);
  const n = x.shape[along];
  const rows = reshape(moved, [sizeOf(moved.shape.slice(0, -1)), n]);
  let multiple = 1;
  while (n > multiple * short) multiple *= groupSize;
  const missing = Math.ceil(n / multiple) * multiple - n;
  const padded = missing === 0 ? rows : pad(rows, { low: [0, 0], high: [0, missing], value: monoid.neutral });
  const scanned = slice(scanRows(padded, monoid, exclusive), { axis: 1, stop: n });
  return moveAxis(reshape(scanned, moved.shape), -1, along);
}

/**
 * The sum of the elements up to each; bool and u8 are counted as i32, floats for storage as f32.
 *
 * ```ts
 * import { cumsum, tensor, toArray } from "../../mod.ts";
 * const x = tensor([1, 2, 3]);
 * console.log(await toArray(cumsum(x))); // [1, 3, 6]
 * console.log(await toArray(cumsum(x, { reverse: true, exclusive: true }))); // [5, 3, 0]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function cumsum(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  checkOptions(options, cumulativeOptions, "cumsum");
  const { axis = -1, reverse = false, exclusive = false } = options;
  const tensor = upcast(asTensor(x));
  const along = normalizeAxis(axis, tensor.rank, "take cumsum");
  if (tensor.size === 0) return tensor;
  const sums = runningSums(tensor, along, reverse);
  return exclusive ? shifted(sums, along, reverse) : sums;
}

/**
 * The product of the elements up to each; bool and u8 are multiplied as i32, floats for storage as f32. Derivatives are right where
 * elements are 0, too.
 *
 * ```ts
 * import { cumprod, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(cumprod(tensor([1, 2, 3, 4])))); // [1, 2, 6, 24]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function cumprod(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  checkOptions(options, cumulativeOptions, "cumprod");
  return scan(upcast(asTensor(x)), { combine: mul, neutral: 1 }, options, "take cumprod");
}

/** Keeps the element for which `better(after, before)` holds; NaN is better than anything. */
function preferring(better: (x: Tensor, y: Tensor) => Tensor): Monoid["combine"] {
  return (before, after) => {
    const chosen = better(after, before);
    return where(tangentType(after.dtype) ? logicalOr(chosen, isNaN(after)) : chosen, after, before);
  };
}

/**
 * The largest of the elements up to each, NaN from the first NaN on. The derivative goes to the last of equal ones.
 *
 * ```ts
 * import { cummax, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(cummax(tensor([1, 3, 2, 4])))); // [1, 3, 3, 4]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function cummax(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  checkOptions(options, cumulativeOptions, "cummax");
  const tensor = asTensor(x);
  return scan(tensor, { combine: preferring(ge), neutral: extremes(tensor.dtype)[0] }, options, "take cummax");
}

/**
 * The smallest of the elements up to each, NaN from the first NaN on. The derivative goes to the last of equal ones.
 *
 * ```ts
 * import { cummin, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(cummin(tensor([3, 1, 2, 0])))); // [3, 1, 1, 0]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function cummin(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  checkOptions(options, cumulativeOptions, "cummin");
  const tensor = asTensor(x);
  return scan(tensor, { combine: preferring(le), neutral: extremes(tensor.dtype)[1] }, options, "take cummin");
}

/**
 * log of the sum of exp of the elements up to each, numerically stable for numbers of any size.
 *
 * ```ts
 * import { logCumSumExp, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logCumSumExp(tensor([0, 0, 1000])))); // [0, 0.693..., 1000]
 * ```
 *
 * @throws {ShapeError} If x has no such axis.
 */
export function logCumSumExp(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  checkOptions(options, cumulativeOptions, "logCumSumExp");
  return scan(asFloat(x), { combine: logAddExp, neutral: -Infinity }, options, "take logCumSumExp");
}
