/**
 * Constants, and elements in another arrangement.
 *
 * @module
 */
import { concatOp } from "../../core/ops/concat.ts";
import { sizeOf } from "../../core/shape.ts";
import { fullOp } from "../../core/ops/constant.ts";
import { indexOp } from "../../core/ops/creation.ts";
import { broadcastOp } from "../../core/ops/sum.ts";
import { flipOp, permuteOp } from "../../core/ops/movement.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { padOp, sliceOp } from "../../core/ops/slice.ts";
import type { Op } from "../../core/tensor.ts";
import { type Extent, extentOf, productOf, sameExtent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { fixed } from "./match.ts";
import { type Emitter, Inexpressible, needed, type Row, row } from "./emitter.ts";
import { codeOf } from "./writer.ts";

/** Lists of numbers in the attributes, one number for each axis, as extents. */
function numbersOf<A>(value: Value, emitter: Emitter, _op: Op<A>, read: (attrs: A) => readonly number[]): Extent[] {
  const lists = value.attrs.map((attrs) => read(attrs as A));
  return lists[0].map((_, axis) => {
    const extent = extentOf(lists.map((list) => list[axis]), emitter.sizes);
    if (extent === undefined) throw new Inexpressible("it takes a part of the batch that is no multiple of its size");
    return extent;
  });
}

/** Constants of more elements are one number that is repeated as the file runs. */
const mostWritten = 4096;

const full: Row = (value, emitter) => {
  const number = extentOf(value.attrs.map((attrs) => (attrs as { value: number }).value), emitter.sizes);
  if (number === undefined) throw new Inexpressible("a number that is no multiple of the size of the batch");
  const extents = value.shape.filter((extent) => typeof extent === "number");
  if (typeof number === "number" && extents.length === value.shape.length && sizeOf(extents) <= mostWritten) {
    return emitter.initializers.numbers(value.dtype, new Array(sizeOf(extents)).fill(number), extents);
  }
  const scalar = typeof number === "number"
    ? emitter.scalar(value.dtype, number)
    : emitter.node("Squeeze", [emitter.node("Cast", [emitter.extent(number)], { to: codeOf(value.dtype) })]);
  return emitter.node("Expand", [scalar, emitter.integers(value.shape)]);
};

/** offset + the sum of stride i. */
const index: Row = (value, emitter) => {
  const { shape, dtype } = value;
  const strides = needed(fixed(value, indexOp, ({ strides }) => strides));
  const offset = needed(fixed(value, indexOp, ({ offset }) => offset));
  const rank = shape.length;
  const along = strides.flatMap((stride, axis) => {
    if (stride === 0 || shape[axis] === 1) return [];
    const extent = shape[axis];
    const end = typeof extent === "number"
      ? emitter.scalar(dtype, extent)
      : emitter.node("Squeeze", [emitter.node("Cast", [emitter.extent(extent)], { to: codeOf(dtype) })]);
    const range = emitter.node("Range", [emitter.scalar(dtype, 0), end, emitter.scalar(dtype, 1)]);
    const steps = stride === 1 ? range : emitter.node("Mul", [range, emitter.scalar(dtype, stride)]);
    const behind = Array.from({ length: rank - axis - 1 }, (_, i) => i + 1);
    return [emitter.expanded(steps, behind)];
  });
  const terms = offset === 0 && along.length > 0 ? along : [emitter.scalar(dtype, offset), ...along];
  const sum = terms.reduce((total, term) => emitter.node("Add", [total, term]));
  const moves = (axis: number) => strides[axis] !== 0 && shape[axis] !== 1;
  const whole = rank === 0 || moves(0) && shape.every((extent, axis) => extent === 1 || moves(axis));
  return whole ? sum : emitter.node("Expand", [sum, emitter.integers(shape)]);
};

const reshape: Row = (value, emitter) => {
  const [x] = value.inputs;
  const rest = productOf(x.shape.slice(1));
  if (x.shape.length > 2 && rest !== undefined && sameExtents(value.shape, [x.shape[0], rest])) {
    return emitter.node("Flatten", [emitter.of(x)], { axis: 1 });
  }
  return emitter.reshaped(emitter.of(x), x.shape, value.shape);
};

const permute: Row = (value, emitter) =>
  emitter.node("Transpose", [emitter.of(value.inputs[0])], { perm: needed(fixed(value, permuteOp, ({ order }) => order)) });

/** Axes of extent 1 are put where the new ones are; an extent of 1 in the shape leaves those of x as they are. */
const broadcast: Row = (value, emitter) => {
  const [x] = value.inputs;
  const axes = needed(fixed(value, broadcastOp, ({ axes }) => axes));
  const first = axes[0] ?? value.shape.length;
  const added = value.shape.flatMap((_, axis) => axis > first && !axes.includes(axis) ? [axis - first] : []);
  const shape = value.shape.map((extent, axis) => {
    const own = axes.indexOf(axis);
    return own >= 0 && sameExtent(x.shape[own], extent) ? 1 : extent;
  });
  return emitter.node("Expand", [emitter.expanded(emitter.of(x), added), emitter.integers(shape)]);
};

const slice: Row = (value, emitter) => {
  const [x] = value.inputs;
  const starts = numbersOf(value, emitter, sliceOp, ({ start }) => start);
  const steps = needed(fixed(value, sliceOp, ({ step }) => step));
  const ends = numbersOf(value, emitter, sliceOp, ({ start, count, step }) => {
    return start.map((from, axis) => count[axis] === 0 ? from : from + (count[axis] - 1) * step[axis] + 1);
  });
  const axes = value.shape.flatMap((extent, axis) => {
    return sameExtent(extent, x.shape[axis]) && starts[axis] === 0 && steps[axis] === 1 ? [] : [axis];
  });
  if (axes.length === 0) return emitter.of(x);
  const of = (list: readonly Extent[]) => emitter.integers(axes.map((axis) => list[axis]));
  return emitter.node("Slice", [emitter.of(x), of(starts), of(ends), emitter.initializers.integers(axes), of(steps)]);
};

const flip: Row = (value, emitter) => {
  const axes = needed(fixed(value, flipOp, ({ axes }) => axes));
  if (axes.length === 0) return emitter.of(value.inputs[0]);
  const all = (number: number) => emitter.initializers.integers(axes.map(() => number));
  const least = -(2 ** 31);
  return emitter.node("Slice", [emitter.of(value.inputs[0]), all(-1), all(least), emitter.initializers.integers(axes), all(-1)]);
};

/** Space between elements is space behind each, of which the last is cut off. */
const pad: Row = (value, emitter) => {
  const [x] = value.inputs;
  const [low, high, interior] = (["low", "high", "interior"] as const).map((each) => {
    return needed(fixed(value, padOp, (attrs) => attrs[each]));
  });
  const number = emitter.scalar(value.dtype, needed(fixed(value, padOp, ({ value }) => value)));
  const padded = (name: string, before: readonly number[], after: readonly number[]) =>
    [...before, ...after].every((each) => each === 0)
      ? name
      : emitter.node("Pad", [name, emitter.initializers.integers([...before, ...after]), number]);
  let name = emitter.of(x);
  const shape = [...x.shape];
  interior.forEach((gap, axis) => {
    const extent = shape[axis];
    if (gap === 0 || extent === 0) return;
    const split = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
    const spaced = padded(emitter.expanded(name, [axis + 1]), split.map(() => 0), split.map((_, i) => i === axis + 1 ? gap : 0));
    const wide = typeof extent === "number" ? extent * (gap + 1) : { per: extent.per * (gap + 1), plus: extent.plus * (gap + 1) };
    const joined = shape.map((each, i) => i === axis ? wide : each);
    name = emitter.reshaped(spaced, split.map((each, i) => i === axis + 1 ? gap + 1 : each), joined);
    name = emitter.node("Slice", [name, ...[[0], [-gap], [axis]].map((list) => emitter.initializers.integers(list))]);
    shape[axis] = typeof wide === "number" ? wide - gap : { per: wide.per, plus: wide.plus - gap };
  });
  return padded(name, low, high);
};

const concat: Row = (value, emitter) =>
  emitter.node("Concat", value.inputs.map((input) => emitter.of(input)), {
    axis: needed(fixed(value, concatOp, ({ axis }) => axis)),
  });

export const movementRows: readonly (readonly [Op, Row])[] = [
  row(fullOp, full),
  row(indexOp, index),
  row(reshapeOp, reshape),
  row(permuteOp, permute),
  row(broadcastOp, broadcast),
  row(sliceOp, slice),
  row(flipOp, flip),
  row(padOp, pad),
  row(concatOp, concat),
];
