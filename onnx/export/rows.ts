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
import { writeOp } from "../../core/ops/write.ts";
import type { Op } from "../../core/tensor.ts";
import { type Extent, productOf, sameExtent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { bare, isNumber, madeBy, numberOf } from "./match.ts";
import { type Emitter, type Fusion, type Row, row } from "./emitter.ts";

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

export const rowRows: readonly (readonly [Op, Row])[] = [row(takeOp, take), row(takeGradOp, takeGrad), row(writeOp, write)];

export const rowFusions: readonly (readonly [Op, Fusion])[] = [[reshapeOp as Op, gather], [addOp as Op, embedding]];
