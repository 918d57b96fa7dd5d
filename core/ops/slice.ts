/**
 * Slices of tensors: every n-th element along an axis, as a view; and the transpose, padding.
 *
 * @module
 */
import { quoted } from "../quoted.ts";
import { checkedInside, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { viewOfConstant } from "./algebra.ts";
import { contiguousStrides, normalizeAxis, type Shape } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { apply, linear, sameDType } from "./define.ts";
import { flip } from "./movement.ts";

interface Gaps {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

interface SliceAttrs {
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly step: readonly number[];
}

/** What is left out before, after and between the elements of a slice. */
function around(shape: Shape, start: readonly number[], count: readonly number[], step: readonly number[]): Gaps {
  return {
    low: start,
    high: shape.map((extent, i) => extent - start[i] - (count[i] === 0 ? 0 : (count[i] - 1) * step[i] + 1)),
    interior: step.map((each) => each - 1),
  };
}

export const sliceOp: Op<SliceAttrs> = linear({
  name: "slice",
  shape: (_, { count }) => count,
  transpose: (g, input, { start, count, step }) => apply(padOp, [g], { ...around(input, start, count, step), value: 0 }),
  vmap: (x, { start, count, step }, size) =>
    apply(sliceOp, [x], { start: [0, ...start], count: [size, ...count], step: [1, ...step] }),
  lower: {
    kind: "view",
    view: ({ offset, strides }, { start, count, step }) => ({
      shape: count,
      offset: start.reduce((at, from, axis) => at + from * strides[axis], offset),
      strides: strides.map((stride, axis) => stride * step[axis]),
    }),
  },
  simplify: viewOfConstant,
});

interface PadAttrs {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

/** The layout of a tensor's elements within the padded one. */
function padLayout(shape: Shape, { low, high, interior }: PadAttrs): { shape: Shape; offset: number; strides: number[] } {
  const out = shape.map((extent, i) => low[i] + high[i] + (extent === 0 ? 0 : (extent - 1) * (interior[i] + 1) + 1));
  const strides = contiguousStrides(out);
  return {
    shape: out,
    offset: low.reduce((at, each, axis) => at + each * strides[axis], 0),
    strides: strides.map((stride, axis) => stride * (interior[axis] + 1)),
  };
}

export const padOp: Op<PadAttrs> = {
  name: "pad",
  shape: ([x], attrs) => padLayout(x, attrs).shape,
  dtype: sameDType,
  vjp: (g, [x], _, { low, interior }) => [
    apply(sliceOp, [g], { start: low, count: x.shape, step: interior.map((each) => each + 1) }),
  ],
  jvp: ([t], _inputs, _output, attrs) => [t && apply(padOp, [t], { ...attrs, value: 0 })],
  vmap: ([x], _, { low, high, interior, value }) =>
    apply(padOp, [x], { low: [0, ...low], high: [0, ...high], interior: [0, ...interior], value }),
  lower: { kind: "assemble", layouts: ([x], attrs) => [padLayout(x, attrs)], fill: ({ value }) => value },
};

/** Part of an axis: from `start` up to, without, `stop`, every `step`-th; negative positions count from the end, as in Python. */
export interface IndexRange {
  /** The first position. Default the first there is, the last for a negative step. */
  readonly start?: number;
  /** The position to stop before. Default all the way. */
  readonly stop?: number;
  /** Not 0; a negative one goes backwards. Default 1. */
  readonly step?: number;
}

const numbersOfRange = { start: checkedInside<number>(), stop: checkedInside<number>(), step: checkedInside<number>() };
export const rangeOptions = optionTable<IndexRange>(numbersOfRange);

/** Part of one axis. */
export interface SliceRange extends IndexRange {
  /** Along which axis. Default the first. */
  readonly axis?: number;
}

const sliceOptions = optionTable<SliceRange>({ ...numbersOfRange, axis: whole });

/** A range with its numbers worked out: element i is at start + i * step, which is there. */
export interface Run {
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/**
 * The positions of a range on an axis: what lies outside is cut off.
 *
 * @throws {RangeError} If a position is not whole, or the step is 0.
 */
export function runOf({ start, stop, step = 1 }: IndexRange, extent: number): Run {
  if (!Number.isInteger(step) || step === 0) {
    throw new RangeError(`Cannot slice by step ${quoted(step)}: it must be an integer, and not 0`);
  }
  const wrong = [start, stop].find((position) => position !== undefined && !Number.isInteger(position));
  if (wrong !== undefined) throw new RangeError(`Cannot slice at ${quoted(wrong)}: positions must be integers`);
  // Backwards, the range ends at the first element: "before" it is -1, which as an argument would be the last.
  const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
  const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + extent : position, least), most);
  const [first, last] = step > 0 ? [least, most] : [most, least];
  const from = start === undefined ? first : clamp(start);
  const to = stop === undefined ? last : clamp(stop);
  return { start: from, count: Math.max(0, Math.ceil((to - from) / step)), step };
}

/** The runs of every axis at once. */
export function sliceRuns(x: Tensor, runs: readonly Run[]): Tensor {
  const whole = runs.every(({ start, count, step }, i) => step === 1 && start === 0 && count === x.shape[i]);
  if (whole) return x;
  const forwards = apply(sliceOp, [x], {
    start: runs.map(lowest),
    count: runs.map(({ count }) => count),
    step: runs.map(({ step }) => Math.abs(step)),
  });
  return flipBackwards(forwards, runs);
}

/** The transpose: x where the runs are in a tensor of this shape, and zeros elsewhere. */
export function scatterRuns(x: Tensor, runs: readonly Run[], shape: Shape): Tensor {
  const [start, step] = [runs.map(lowest), runs.map((run) => Math.abs(run.step))];
  const [turned, gaps] = [flipBackwards(x, runs), around(shape, start, x.shape, step)];
  const none = Object.values(gaps).flat().every((gap) => gap === 0);
  return none ? turned : apply(padOp, [turned], { ...gaps, value: 0 });
}

function lowest({ start, count, step }: Run): number {
  if (count === 0) return 0;
  return step > 0 ? start : start + (count - 1) * step;
}

function flipBackwards(x: Tensor, runs: readonly Run[]): Tensor {
  const axes = runs.flatMap(({ step }, axis) => step < 0 ? [axis] : []);
  return axes.length > 0 ? flip(x, { axis: axes }) : x;
}

/**
 * Part of x along one axis (default the first), as Python's start:stop:step.
 *
 * ```ts
 * import { arange, slice, toArray } from "../../mod.ts";
 * console.log(await toArray(slice(arange(10), { start: -4, step: 2 }))); // [6, 8]
 * console.log(await toArray(slice(arange(4), { step: -1 }))); // [3, 2, 1, 0]
 * ```
 *
 * @throws {RangeError} If a position is not whole, or the step is 0.
 */
export function slice(x: TensorLike, options: SliceRange): Tensor {
  const { axis = 0, ...range } = checkOptions(options, sliceOptions, "slice");
  const tensor = asTensor(x);
  const at = normalizeAxis(axis, tensor.rank, "slice");
  return sliceRuns(
    tensor,
    tensor.shape.map((extent, i) => i === at ? runOf(range, extent) : { start: 0, count: extent, step: 1 }),
  );
}
