/**
 * Fewer axes: those of extent 1 are dropped, neighbours through which every access steps evenly become one.
 *
 * @module
 */
import { type Expr, mapLeaves, visit } from "../../../../ir/expr.ts";

/** Extents and, for each access or index expression over them, its strides. */
export interface Axes {
  readonly extents: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

/** Drops axes of extent 1 and merges neighbours that every row steps through evenly. */
export function collapse(extents: readonly number[], rows: readonly (readonly number[])[]): Axes {
  const kept: number[] = [];
  const strides: number[][] = rows.map(() => []);
  for (let axis = 0; axis < extents.length; axis++) {
    if (extents[axis] === 1) continue;
    const last = kept.length - 1;
    const merges = last >= 0 && rows.every((row, i) => strides[i][last] === row[axis] * extents[axis]);
    if (merges) {
      kept[last] *= extents[axis];
      rows.forEach((row, i) => strides[i][last] = row[axis]);
    } else {
      kept.push(extents[axis]);
      rows.forEach((row, i) => strides[i].push(row[axis]));
    }
  }
  return { extents: kept, rows: strides };
}

/** The distinct `index` leaves of expressions. */
export function indexLeaves(values: readonly Expr[]): (Expr & { kind: "index" })[] {
  const found: (Expr & { kind: "index" })[] = [];
  visit(values, (e) => {
    if (e.kind === "index") found.push(e);
  });
  return found;
}

/** Expressions whose `index` leaves have new strides. */
export function replaceIndexStrides(values: readonly Expr[], strides: ReadonlyMap<Expr, readonly number[]>): Expr[] {
  const memo = new Map<Expr, Expr>();
  const leaf = (e: Expr): Expr => e.kind === "index" ? { ...e, strides: strides.get(e) ?? e.strides } : e;
  return values.map((value) => mapLeaves(value, leaf, memo));
}
