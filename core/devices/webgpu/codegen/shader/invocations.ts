/**
 * Sharing work out: sizes of workgroups and dispatches, and the number of an invocation or workgroup among them.
 *
 * @module
 */
import { sizeOf } from "../../../../shape.ts";
import type { Target } from "../kernel_code.ts";
import { type Shader, u32 } from "./shader.ts";

/** A workgroup for `total` invocations that have nothing to do with each other. */
export function independentWorkgroup(target: Target, total: number): [number, number, number] {
  const most = Math.min(target.software ? 64 : 128, target.maxInvocationsPerWorkgroup);
  return [total >= most ? most : Math.max(8, 2 ** Math.ceil(Math.log2(Math.max(total, 1)))), 1, 1];
}

/** As many workgroups in as few rows as the limit of one axis allows; the last row may overhang. */
export function workgroupGrid(total: number, { maxWorkgroupsPerDimension }: Target): readonly [columns: number, rows: number] {
  const rows = Math.ceil(total / maxWorkgroupsPerDimension);
  return [Math.ceil(total / rows), rows];
}

/** The number of the current invocation, and the dispatch that has as many. */
export interface InvocationIndex {
  readonly id: string;
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Numbers invocations up to `total` along one axis, or along two beyond the limit of one; those past the end return. */
export function invocationIndex(shader: Shader, total: number): InvocationIndex {
  const width = sizeOf(shader.workgroupSize);
  const [columns, rows] = workgroupGrid(Math.ceil(total / width), shader.context.target);
  const id = rows === 1 ? "gid.x" : `(gid.x + gid.y * ${columns * width}u)`;
  const name = shader.fresh("i");
  shader.line(`let ${name} = ${id};`);
  if (columns * rows * width !== total) shader.line(`if (${name} >= ${u32(total)}) { return; }`);
  return { id: name, workgroups: [columns, rows, 1] };
}

/** A number that is the same for a whole workgroup, from its second and third axis; past the end `inside` does not hold. */
export interface WorkgroupIndex {
  readonly id: string;
  readonly inside: string | undefined;
  readonly workgroups: readonly [y: number, z: number];
}

/** Numbers the workgroups along the second and third axis up to `total`. */
function workgroupIndex(shader: Shader, total: number): WorkgroupIndex {
  const limit = shader.context.target.maxWorkgroupsPerDimension;
  if (total <= limit) return { id: total === 1 ? "0u" : "wid.y", inside: undefined, workgroups: [total, 1] };
  const layers = Math.ceil(total / limit);
  const rows = Math.ceil(total / layers);
  const number = shader.define(`wid.y + wid.z * ${rows}u`, "i");
  if (rows * layers === total) return { id: number, inside: undefined, workgroups: [rows, layers] };
  return { id: shader.define(`min(${number}, ${total - 1}u)`, "i"), inside: `${number} < ${total}u`, workgroups: [rows, layers] };
}

/** The number of a workgroup along two axes of its own. */
export interface WorkgroupPlane {
  /** The number along the first of them, and that of the invocation. */
  readonly across: string;
  readonly invocation: string;
  /** The number along the second: the same for a whole workgroup. */
  readonly id: string;
  /** The condition that there is a workgroup of these numbers, if there may be none. */
  readonly inside: string | undefined;
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Numbers workgroups up to `across` along one axis and up to `total` along another, beyond the limits of a dispatch's axes too. */
export function workgroupPlane(shader: Shader, across: number, total: number): WorkgroupPlane {
  const layers = Math.ceil(across / shader.context.target.maxWorkgroupsPerDimension);
  const columns = Math.ceil(across / layers);
  const group = workgroupIndex(shader, total * layers);
  const workgroups = [columns, ...group.workgroups] as const;
  if (layers === 1) return { ...group, across: "wid.x", invocation: "gid.x", workgroups };
  const number = shader.define(`${group.id} % ${layers}u * ${columns}u + wid.x`, "i");
  const whole = columns * layers === across;
  const column = whole ? number : shader.define(`min(${number}, ${across - 1}u)`, "i");
  const conditions = [group.inside, whole ? undefined : `${number} < ${across}u`].filter((each) => each !== undefined);
  return {
    across: column,
    invocation: shader.define(`${column} * ${sizeOf(shader.workgroupSize)}u + lane`, "i"),
    id: shader.define(`${group.id} / ${layers}u`, "i"),
    inside: conditions.length > 0 ? conditions.join(" && ") : undefined,
    workgroups,
  };
}
