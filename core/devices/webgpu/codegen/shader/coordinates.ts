/**
 * Domains: collapsing axes, turning an invocation's number into coordinates, and coordinates into addresses.
 *
 * @module
 */
import { sizeOf } from "../../../../shape.ts";
import { type Expr, mapLeaves, visit } from "../../../../ir/expr.ts";
import { type Shader, type Target, u32 } from "./shader.ts";

/** Extents and, for each thing that depends on the place, its strides. */
export interface Domain {
  readonly extents: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

/** Drops axes of extent 1 and merges neighbours that every row steps through evenly. */
export function collapse(extents: readonly number[], rows: readonly (readonly number[])[]): Domain {
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

/** A coordinate: a name or number of the shader, or undefined where the extent is 1. */
export type Coordinate = string;

/** `offset + sum of strides[axis] * coordinates[axis]` as a `u32` that wraps. */
export function address(offset: number, strides: readonly number[], coordinates: readonly Coordinate[]): string {
  const terms: string[] = [];
  for (let axis = 0; axis < strides.length; axis++) {
    const at = coordinates[axis];
    if (strides[axis] === 0 || at === "0u") continue;
    terms.push(strides[axis] === 1 ? at : `${at} * ${u32(strides[axis])}`);
  }
  if (offset !== 0 || terms.length === 0) terms.push(u32(offset));
  return terms.join(" + ");
}

/** Splits a number into coordinates, row-major; constants divide by shifts where they can. */
export function decompose(shader: Shader, id: string, extents: readonly number[]): Coordinate[] {
  const coordinates = new Array<Coordinate>(extents.length);
  let rest = id;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    const extent = extents[axis];
    const outermost = extents.slice(0, axis).every((outer) => outer === 1);
    if (extent === 1) coordinates[axis] = "0u";
    else if (outermost) coordinates[axis] = rest;
    else {
      coordinates[axis] = shader.define(modulo(rest, extent), "i");
      rest = shader.define(quotient(rest, extent), "i");
    }
  }
  return coordinates;
}

function powerOfTwo(n: number): number | undefined {
  const shift = Math.log2(n);
  return Number.isInteger(shift) ? shift : undefined;
}

function quotient(x: string, by: number): string {
  const shift = powerOfTwo(by);
  return shift === undefined ? `${x} / ${by}u` : `${x} >> ${shift}u`;
}

function modulo(x: string, by: number): string {
  return powerOfTwo(by) === undefined ? `${x} % ${by}u` : `${x} & ${by - 1}u`;
}

/**
 * The number of the current invocation among `total`, in a dispatch of one axis (or two, beyond the limit of one); those past the
 * end return.
 */
export function invocation(shader: Shader, total: number): { id: string; workgroups: [number, number, number] } {
  const width = sizeOf(shader.workgroupSize);
  const groups = Math.ceil(total / width);
  const limit = shader.context.target.maxWorkgroupsPerDimension;
  const rows = Math.ceil(groups / limit);
  const columns = rows === 1 ? groups : Math.ceil(groups / rows);
  const id = rows === 1 ? "gid.x" : `(gid.x + gid.y * ${columns * width}u)`;
  const name = shader.fresh("i");
  shader.line(`let ${name} = ${id};`);
  if (columns * rows * width !== total) shader.line(`if (${name} >= ${u32(total)}) { return; }`);
  return { id: name, workgroups: [columns, rows, 1] };
}

/** How many invocations share a workgroup when each works alone. */
export function lonelyWorkgroup(target: Target, total: number): [number, number, number] {
  const most = Math.min(target.software ? 64 : 128, target.maxInvocationsPerWorkgroup);
  return [total >= most ? most : Math.max(8, 2 ** Math.ceil(Math.log2(Math.max(total, 1)))), 1, 1];
}

/** A number that is the same for a whole workgroup, from its second and third axis; past the end `inside` does not hold. */
export interface UniformNumber {
  readonly id: string;
  readonly inside: string | undefined;
  readonly workgroups: readonly [y: number, z: number];
}

/** Numbers the workgroups along the second and third axis up to `total`. */
export function uniformNumber(shader: Shader, total: number): UniformNumber {
  const limit = shader.context.target.maxWorkgroupsPerDimension;
  if (total <= limit) return { id: total === 1 ? "0u" : "wid.y", inside: undefined, workgroups: [total, 1] };
  const layers = Math.ceil(total / limit);
  const rows = Math.ceil(total / layers);
  const number = shader.define(`wid.y + wid.z * ${rows}u`, "i");
  if (rows * layers === total) return { id: number, inside: undefined, workgroups: [rows, layers] };
  return { id: shader.define(`min(${number}, ${total - 1}u)`, "i"), inside: `${number} < ${total}u`, workgroups: [rows, layers] };
}
