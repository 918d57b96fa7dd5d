/**
 * Rows at indices: chosen, written, added to.
 *
 * Ours count negative indices from the end and keep those beside the range inside, or make NaN of what they name; ONNX's Gather counts the
 * same way and refuses the others, so that it stands for all of this.
 *
 * @module
 */
import { addOp } from "../../core/ops/arithmetic.ts";
import { andOp } from "../../core/ops/logic.ts";
import { maximumOp, minimumOp } from "../../core/ops/binary.ts";
import { leOp, ltOp } from "../../core/ops/compare.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { takeGradOp, takeOp } from "../../core/ops/rows.ts";
import { whereOp } from "../../core/ops/select.ts";
import { type SpanAttrs, takeSpansOp, writeSpansOp } from "../../core/ops/spans.ts";
import { writeOp } from "../../core/ops/write.ts";
import type { Op } from "../../core/tensor.ts";
import { type Extent, productOf, sameExtent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { bare, fixed, isNumber, madeBy, numberOf } from "./match.ts";
import { type Emitter, type Fusion, needed, type Row, row } from "./emitter.ts";

/** Indices as they were given, before negative ones were counted from the front and all were kept inside. */
function asGiven(indices: Value, extent: Extent): Value {
  const [inside, zero] = madeBy(indices, maximumOp) ?? [];
  const [fromFront, last] = inside ? madeBy(inside, minimumOp) ?? [] : [];
  const [negative, moved, given] = fromFront ? madeBy(fromFront, whereOp) ?? [] : [];
  if (!given || typeof extent !== "number" || !isNumber(zero, 0) || !isNumber(last, extent - 1)) return indices;
  const [compared, least] = madeBy(negative, ltOp) ?? [];
  const [base, distance] = madeBy(moved, addOp) ?? [];
  const fits = compared === given && base === given && isNumber(least, 0) && isNumber(distance, extent);
  return fits ? given : indices;
}

const take: Row = ({ inputs: [table, list] }, emitter) => {
  return emitter.node("Gather", [emitter.of(table), emitter.of(asGiven(list, table.shape[1]))], { axis: 1 });
};

/** What rows were taken from and by which indices, before both were given the axes of rows. */
interface Taken {
  readonly x: Value;
  readonly indices: Value;
  readonly axis: number;
}

function taken(value: Value): Taken | undefined {
  const [rows] = madeBy(value, reshapeOp) ?? [];
  const [table, list] = rows ? madeBy(rows, takeOp) ?? [] : [];
  if (!table) return undefined;
  const x = madeBy(table, reshapeOp)?.[0] ?? table;
  const indices = asGiven(madeBy(list, reshapeOp)?.[0] ?? list, table.shape[1]);
  const product = (shape: readonly Extent[]) => productOf(shape) ?? NaN;
  const axis = x.shape.findIndex((extent, i) =>
    sameExtent(extent, table.shape[1]) && sameExtent(product(x.shape.slice(0, i)), table.shape[0]) &&
    sameExtents(value.shape, [...x.shape.slice(0, i), ...indices.shape, ...x.shape.slice(i + 1)])
  );
  return axis < 0 ? undefined : { x, indices, axis };
}

const gather: Fusion = (value, emitter) => {
  const found = taken(value);
  return found && emitter.node("Gather", [emitter.of(found.x), emitter.of(found.indices)], { axis: found.axis });
};

/** Rows to which NaN is added where an index names none. */
const embedding: Fusion = (value, emitter) => {
  const [rows, added] = madeBy(value, addOp) ?? [];
  const found = rows && taken(rows);
  const [named, zero, nan] = found ? madeBy(bare(added), whereOp) ?? [] : [];
  const [above, below] = named ? madeBy(bare(named), andOp) ?? [] : [];
  if (!found || !above || !isNumber(zero, 0) || !Number.isNaN(numberOf(nan))) return undefined;
  const [least, first] = madeBy(above, leOp) ?? [];
  const [second, count] = madeBy(below, ltOp) ?? [];
  const extent = found.x.shape[found.axis];
  const fits = first === found.indices && second === found.indices && isNumber(least, 0) && typeof extent === "number" &&
    isNumber(count, extent);
  return fits ? emitter.of(rows) : undefined;
};

/** Rows written at the indices, over x or added to it. */
function scatter(emitter: Emitter, x: string, rows: Value, indices: Value, reduction: "none" | "add"): string {
  const column = emitter.expanded(emitter.of(indices), [0, 2]);
  const all = emitter.node("Expand", [column, emitter.integers(rows.shape)]);
  return emitter.node("ScatterElements", [x, all, emitter.of(rows)], { axis: 1, reduction });
}

const takeGrad: Row = (value, emitter) => {
  const [rows, indices] = value.inputs;
  const zeros = emitter.node("Expand", [emitter.scalar(value.dtype, 0), emitter.integers(value.shape)]);
  return scatter(emitter, zeros, rows, indices, "add");
};

const write: Row = (value, emitter) => {
  const [x, rows, indices] = value.inputs;
  return scatter(emitter, emitter.of(x), rows, indices, "none");
};

/** The positions of all elements of spans: [count, length]. */
function positionsOf(indices: Value, { length }: SpanAttrs, emitter: Emitter): string {
  const [zero, one, end] = [0, 1, length].map((number) => emitter.scalar("i32", number));
  const within = emitter.node("Range", [zero, end, one]);
  const from = emitter.expanded(emitter.of(indices), [1]);
  return emitter.node("Add", [from, within]);
}

const takeSpans: Row = (value, emitter) => {
  const [x, indices] = value.inputs;
  const attrs = needed(fixed(value, takeSpansOp, (attrs) => attrs));
  return emitter.node("Gather", [emitter.of(x), positionsOf(indices, attrs, emitter)], { axis: 1 });
};

const writeSpans: Row = (value, emitter) => {
  const [x, spans, indices] = value.inputs;
  const attrs = needed(fixed(value, writeSpansOp, (attrs) => attrs));
  const at = emitter.expanded(positionsOf(indices, attrs, emitter), [0]);
  const all = emitter.node("Expand", [at, emitter.integers(spans.shape)]);
  const flat = (name: string) => emitter.node("Reshape", [name, emitter.integers([0, -1])]);
  return emitter.node("ScatterElements", [emitter.of(x), flat(all), flat(emitter.of(spans))], { axis: 1 });
};

export const rowRows: readonly (readonly [Op, Row])[] = [
  row(takeOp, take),
  row(takeGradOp, takeGrad),
  row(writeOp, write),
  row(takeSpansOp, takeSpans),
  row(writeSpansOp, writeSpans),
];

export const rowFusions: readonly (readonly [Op, Fusion])[] = [[reshapeOp as Op, gather], [addOp as Op, embedding]];
