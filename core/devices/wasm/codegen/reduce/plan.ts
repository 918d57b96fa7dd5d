/**
 * How a reduction is laid out in loops.
 *
 * Two layouts: "window" runs the lanes of a vector along the window and joins them at the end (rows of a matrix), "points" runs them
 * along the output points, each lane reducing a window of its own (columns of a matrix).
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

/** Chooses the layout by an estimate of the instructions it takes. */
export function choosePlan(spec: ReduceSpec, emitter: Emitter): ReducePlan {
  const rank = spec.shape.length;
  const reads = [...spec.joined.leaves.values()];
  const streams = [...reads, ...spec.outputs.leaves.values(), ...spec.stores];
  const points = mergeAxes(spec.shape, streams.map(({ strides }) => strides.slice(0, rank)));
  const window = mergeAxes(spec.window, reads.map(({ strides }) => strides.slice(rank)));
  const ordered = spec.reductions.some(({ position }) => position);
  const operations = operationCount(spec.joined.roots);
  const outputs = operationCount(spec.outputs.roots) + 2;
  const [count, size] = [sizeOf(spec.shape), sizeOf(spec.window)];
  const { lanes } = emitter;

  const blockCost = (strides: (i: number) => number) =>
    reads.reduce((cost, { dtype }, i) => cost + (mayOverrun(dtype, strides(i)) ? 1 : 1.5 * lanes), operations);
  const windowChoice = cheapest(window, ordered, (extent, axis) => {
    const row = Math.ceil(extent / lanes) * blockCost((i) => window.strides[i][axis]) + 4;
    return count * (size / extent * row + outputs + 8 * spec.joined.roots.length);
  });
  const pointsChoice = cheapest(points, false, (extent, axis) => {
    const block = size * blockCost((i) => points.strides[i][axis]) + 4 * (size / (window.extents.at(-1) ?? 1)) + outputs;
    return count / extent * Math.ceil(extent / lanes) * block;
  });

  const layout = lanes === 1 || points.extents.length === 0 || windowChoice.cost <= pointsChoice.cost ? "window" : "points";
  const laid = layout === "points" ? withInner(points, pointsChoice.axis) : withPoint(points);
  const inner = withInner(window, layout === "window" ? windowChoice.axis : window.extents.length - 1);
  const [rows, columns] = split(laid);
  const [windowRows, windowColumns] = split(inner);
  const side = layout === "window" ? windowColumns : columns;
  const unroll = Math.max(
    1,
    Math.min(
      operations <= 4 && layout === "points" ? 8 : operations <= 8 ? 4 : operations <= 24 ? 2 : 1,
      Math.floor(side / lanes),
    ),
  );
  return {
    spec,
    emitter,
    layout,
    streams,
    readCount: reads.length,
    points: laid,
    rows,
    columns,
    window: inner,
    windowRows,
    windowColumns,
    units: rows * Math.max(1, Math.floor(columns / 16)),
    windowUnits: Math.max(windowRows, Math.floor(windowColumns / (layout === "window" ? 64 : 1))),
    nanoseconds: count * size * pointNanoseconds(operations, reads.length, lanes),
    unroll,
  };
}

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
