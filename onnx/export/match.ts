/**
 * Recognising what was written in the graph that it became.
 *
 * @module
 */
import { broadcastOp, type ReduceAttrs, sumOp } from "../../core/ops/sum.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { fullOp } from "../../core/ops/constant.ts";
import type { Op } from "../../core/tensor.ts";
import { divOp } from "../../core/ops/arithmetic.ts";
import { type Extent, extentOf, productOf, sameExtent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";

/** The inputs of a value, if this record made it. */
export function madeBy<A>(value: Value, op: Op<A>): readonly Value[] | undefined {
  return value.op === op as Op ? value.inputs : undefined;
}

/** A fact of a value's attributes that is the same in every trace; undefined if it is not. */
export function fixed<A, T>(value: Value, _op: Op<A>, read: (attrs: A) => T): T | undefined {
  const [first, ...others] = value.attrs.map((attrs) => read(attrs as A));
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined;
}

/** What a broadcast repeats, and which axis of the result each of its axes is. */
export function broadcastFrom(value: Value): { readonly x: Value; readonly axes: readonly number[] } | undefined {
  const [x] = madeBy(value, broadcastOp) ?? [];
  return x && { x, axes: fixed(value, broadcastOp, ({ axes }) => axes)! };
}

/** Without axes that were repeated. */
export function unrepeated(value: Value): Value {
  const inner = broadcastFrom(value);
  return inner ? unrepeated(inner.x) : value;
}

/** Without axes of extent 1 that were added or taken away. */
export function unsqueezed(value: Value): Value {
  const [x] = madeBy(value, reshapeOp) ?? [];
  const rest = (shape: readonly Extent[]) => shape.filter((extent) => extent !== 1);
  return x && sameExtents(rest(x.shape), rest(value.shape)) ? unsqueezed(x) : value;
}

/** Both. */
export function bare(value: Value): Value {
  const inner = unsqueezed(unrepeated(value));
  return inner === value ? value : bare(inner);
}

/** The number that a value is everywhere. */
export function numberOf(value: Value): number | undefined {
  const inner = bare(value);
  return madeBy(inner, fullOp) && fixed(inner, fullOp, ({ value }) => value);
}

/** Whether a value is this number everywhere. */
export function isNumber(value: Value, number: number): boolean {
  return numberOf(value) === number;
}

/** A reduction whose axes stay with extent 1, which may be repeated along them again. */
export interface Kept {
  readonly x: Value;
  readonly axes: readonly number[];
}

/** A reduction of `x` whose result is aligned with x again. */
export function keptReduction(value: Value, op: Op<ReduceAttrs>): Kept | undefined {
  const inner = unrepeated(value);
  const [reduced] = madeBy(inner, reshapeOp) ?? [];
  const [x] = reduced ? madeBy(reduced, op) ?? [] : [];
  if (!x) return undefined;
  const axes = fixed(reduced, op, ({ axes }) => axes);
  if (!axes || !sameExtents(inner.shape, x.shape.map((extent, i) => axes.includes(i) ? 1 : extent))) return undefined;
  const outer = broadcastFrom(value);
  return !outer || value.shape.length === x.shape.length ? { x, axes } : undefined;
}

/** Whether a value is how many elements x has along axes. */
function counts(value: Value, x: Value, axes: readonly number[], sizes: readonly number[]): boolean {
  const inner = bare(value);
  if (!madeBy(inner, fullOp)) return false;
  const count = extentOf(inner.attrs.map((attrs) => (attrs as { value: number }).value), sizes);
  const product = productOf(axes.map((axis) => x.shape[axis]));
  return count !== undefined && product !== undefined && sameExtent(count, product);
}

/** The vector of one number for each channel (axis 1) that a value repeats. */
export function perChannel(value: Value): Value | undefined {
  const inner = broadcastFrom(value);
  if (!inner) return undefined;
  const { x, axes } = inner;
  const fits = x.shape.every((extent, i) => axes[i] === 1 ? sameExtent(extent, value.shape[1]) : extent === 1);
  const vector = unsqueezed(x);
  return fits && axes.includes(1) && vector.shape.length === 1 ? vector : undefined;
}

/** The mean of x along axes, which stay with extent 1 (and may be repeated again) or are gone. */
export interface Mean extends Kept {
  readonly keeps: boolean;
}

/** A sum divided by the number of its terms. */
export function meanOf(value: Value, sizes: readonly number[]): Mean | undefined {
  const [sum, count] = madeBy(unrepeated(value), divOp) ?? [];
  if (!sum) return undefined;
  const [x] = madeBy(sum, sumOp) ?? [];
  const gone = x && { x, axes: fixed(sum, sumOp, ({ axes }) => axes) ?? [], keeps: false };
  const kept = keptReduction(sum, sumOp);
  const found = gone ?? (kept && { ...kept, keeps: true });
  return found && counts(count, found.x, found.axes, sizes) ? found : undefined;
}
