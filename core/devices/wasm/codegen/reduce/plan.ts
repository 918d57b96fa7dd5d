/**
 * How a reduction is laid out in loops.
 *
 * Two layouts: "window" runs the lanes of a vector along the window and joins them at the end (rows of a matrix), "points" runs
 * them along the output points, each lane reducing a window of its own (columns of a matrix).
 *
 * @module
 */
import { type Axes, mergeAxes, withInner, withPoint } from "../../../../ir/axes.ts";
import { sizeOf } from "../../../../shape.ts";
import { formula, mayOverrun } from "../elementwise/formula.ts";
import type { Stream } from "../elementwise/streams.ts";
import type { Emitter } from "../expressions/emitter.ts";
import { operationCount, pointNanoseconds } from "../work.ts";
import type { Reduction } from "./accumulate.ts";

/** A reduction whose operands and outputs are streams. */
export interface ReduceSpec {
  readonly shape: readonly number[];
  readonly window: readonly number[];
  readonly reductions: readonly Reduction[];
  /** Legal forms of the states after a value has joined, with streams over the axes of `shape`, then `window`. */
  readonly joined: ReturnType<typeof formula>;
  /** Legal forms of what is stored; a `result` is a part of a state (see `accumulate.ts`). Streams over the axes of `shape`. */
  readonly outputs: ReturnType<typeof formula>;
  readonly stores: readonly Stream[];
}

/** A reduction ready to be written. */
export interface ReducePlan {
  readonly spec: ReduceSpec;
  readonly emitter: Emitter;
  readonly layout: "window" | "points";
  /** Of the leaves of the reductions, of the leaves of the outputs, of the stores. */
  readonly streams: readonly Stream[];
  readonly readCount: number;
  /** The points: the last axis is that of the columns (of one point in the window layout). */
  readonly points: Axes;
  readonly rows: number;
  readonly columns: number;
  /** The window, for the leaves of the reductions; its last axis runs innermost. */
  readonly window: Axes;
  readonly windowRows: number;
  readonly windowColumns: number;
  /** How often one lane is evaluated in a row of the window. */
  readonly rowLength: number;
  /** Pieces that threads could share: of the points, and of the window. */
  readonly units: number;
  readonly windowUnits: number;
  readonly nanoseconds: number;
  readonly unroll: number;
}

/** A range of numbers; locals. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Which part of the points, and of the window, to reduce; undefined for all. */
export interface ReduceRange {
  readonly rows?: Range;
  readonly columns?: Range;
  readonly windowRows?: Range;
  readonly windowColumns?: Range;
}

interface Choice {
  readonly cost: number;
  readonly axis: number;
}

/** The axes of a reduction as its streams see them, and the work per point. */
interface Problem {
  readonly spec: ReduceSpec;
  readonly reads: readonly Stream[];
  readonly points: Axes;
  readonly window: Axes;
  readonly operations: number;
  readonly lanes: number;
}

/** Chooses the layout by an estimate of the instructions it takes. */
export function choosePlan(spec: ReduceSpec, emitter: Emitter): ReducePlan {
  const rank = spec.shape.length;
  const reads = [...spec.joined.leaves.values()];
  const streams = [...reads, ...spec.outputs.leaves.values(), ...spec.stores];
  const points = mergeAxes(spec.shape, streams.map(({ strides }) => strides.slice(0, rank)));
  const window = mergeAxes(spec.window, reads.map(({ strides }) => strides.slice(rank)));
  const operations = operationCount(spec.joined.roots);
  const { lanes } = emitter;
  const { layout, pointsAxis, windowAxis } = chooseLayout({ spec, reads, points, window, operations, lanes });
  const laidPoints = layout === "points" ? withInner(points, pointsAxis) : withPoint(points);
  const laidWindow = withInner(window, layout === "window" ? windowAxis : window.extents.length - 1);
  const [rows, columns] = split(laidPoints);
  const [windowRows, windowColumns] = split(laidWindow);
  const unroll = unrollFor(operations, layout, Math.floor((layout === "window" ? windowColumns : columns) / lanes));
  return {
    spec,
    emitter,
    layout,
    streams,
    readCount: reads.length,
    points: laidPoints,
    rows,
    columns,
    window: laidWindow,
    windowRows,
    windowColumns,
    rowLength: Math.ceil(windowColumns / (layout === "window" ? lanes * unroll : 1)),
    units: rows * Math.max(1, Math.floor(columns / 16)),
    windowUnits: Math.max(windowRows, Math.floor(windowColumns / (layout === "window" ? 64 : 1))),
    nanoseconds: sizeOf(spec.shape) * sizeOf(spec.window) * pointNanoseconds(operations, reads.length, lanes),
    unroll,
  };
}

/** The better layout, and the axes along which the lanes run best in either. */
function chooseLayout({ spec, reads, points, window, operations, lanes }: Problem) {
  const ordered = spec.reductions.some(({ position }) => position);
  const outputs = operationCount(spec.outputs.roots) + 2;
  const [count, size] = [sizeOf(spec.shape), sizeOf(spec.window)];
  const blockCost = (strides: (i: number) => number) =>
    reads.reduce((cost, { dtype }, i) => cost + (mayOverrun(dtype, strides(i)) ? 1 : 1.5 * lanes), operations);
  const alongWindow = cheapest(window, ordered, (extent, axis) => {
    const row = Math.ceil(extent / lanes) * blockCost((i) => window.strides[i][axis]) + 4;
    return count * (size / extent * row + outputs + 8 * spec.joined.roots.length);
  });
  const alongPoints = cheapest(points, false, (extent, axis) => {
    const block = size * blockCost((i) => points.strides[i][axis]) + 4 * (size / (window.extents.at(-1) ?? 1)) + outputs;
    return count / extent * Math.ceil(extent / lanes) * block;
  });
  const prefersWindow = lanes === 1 || points.extents.length === 0 || alongWindow.cost <= alongPoints.cost;
  const layout: ReducePlan["layout"] = prefersWindow ? "window" : "points";
  return { layout, pointsAxis: alongPoints.axis, windowAxis: alongWindow.axis };
}

/** Copies of the loop body: fewer for long bodies, and as many as there are vectors at most. */
function unrollFor(operations: number, layout: ReducePlan["layout"], vectors: number): number {
  const most = operations <= 4 && layout === "points" ? 8 : operations <= 8 ? 4 : operations <= 24 ? 2 : 1;
  return Math.max(1, Math.min(most, vectors));
}

/** The axis with the least cost, or the last one. */
function cheapest(axes: Axes, lastOnly: boolean, costOf: (extent: number, axis: number) => number): Choice {
  let best: Choice = { cost: axes.extents.length === 0 ? costOf(1, 0) : Infinity, axis: 0 };
  for (let axis = axes.extents.length - 1; axis >= 0; axis--) {
    const cost = costOf(axes.extents[axis], axis);
    if (cost < best.cost) best = { cost, axis };
    if (lastOnly) break;
  }
  return best;
}

function split({ extents }: Axes): [rows: number, columns: number] {
  return [sizeOf(extents.slice(0, -1)), extents.at(-1)!];
}
