/**
 * The loop over the rows of taps of a direct convolution.
 *
 * @module
 */
import { type GatherPhase, gathersOutside } from "../../../../ir/windows.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import { boundsInside } from "../shader/tap_bounds.ts";
import type { Gather } from "./gather.ts";

/** An output row: row q of those of a phase. */
export interface OutputRow {
  readonly q: string;
  readonly phase: string;
  /** Whether all invocations of a subgroup are at the same row. */
  readonly isUniform: boolean;
}

/** A source row, its filter row, and the condition that they exist, if they may not. */
export interface TapRow {
  readonly y: string;
  readonly tap: string;
  readonly inside: string | undefined;
}

/** Writes a loop over rows of taps. */
export type RowLoop = (body: (row: TapRow) => void) => void;

/**
 * Writes what is common to all loops over the taps of an output row; returns what writes one.
 *
 * Rows outside are left out by the loop's bounds. Where a subgroup must stay together, and its invocations are at different rows, all
 * taps are visited and those outside count as 0.
 */
export function rowLoop(shader: Shader, gather: Gather, { q, phase, isUniform }: OutputRow): RowLoop {
  const { rows } = gather;
  const most = Math.max(...rows.phases.map(({ count }) => count));
  const first = byPhase(shader, rows.phases, phase, ({ first }) => first);
  const delta = byPhase(shader, rows.phases, phase, ({ delta }) => delta);
  const { every, deltaStep } = rows.phases.find(({ count }) => count === most)!;
  const start = shader.define(`${q} * ${rows.step}u + ${delta}`, "y");
  const rowAt = (i: string): TapRow => ({
    y: shader.define(`${start} + ${i} * ${u32(deltaStep)}`, "y"),
    tap: shader.define(`${first} + ${i} * ${every}u`, "k"),
    inside: undefined,
  });
  if (!gathersOutside(gather.rows)) {
    return (body) => most === 1 ? body(rowAt("0u")) : shader.loop("0u", u32(most), 1, (i) => body(rowAt(i)));
  }
  const count = byPhase(shader, rows.phases, phase, ({ count }) => count);
  if (isUniform || shader.context.target.subgroupSize === 0) {
    const [from, to] = boundsInside(shader, rows.sources, start, deltaStep, count);
    return (body) => shader.loop(from, to, 1, (i) => body(rowAt(i)));
  }
  // A phase with fewer taps than another reads its filter's last row once more.
  const last = Math.max(...rows.phases.map((p) => p.first + (p.count - 1) * p.every), 0);
  const clamped = (i: string): TapRow => {
    const { y, tap } = rowAt(i);
    const inside = shader.define(`${y} < ${rows.sources}u && ${i} < ${count}`, "in");
    return { y: shader.define(`select(0u, ${y}, ${inside})`, "y"), tap: shader.define(`min(${tap}, ${last}u)`, "k"), inside };
  };
  return (body) => shader.loop("0u", u32(most), 1, (i) => body(clamped(i)));
}

/** A number that depends on the phase. */
function byPhase(shader: Shader, phases: readonly GatherPhase[], phase: string, value: (phase: GatherPhase) => number): string {
  const values = phases.map(value);
  if (values.every((v) => v === values[0])) return u32(values[0]);
  return shader.define(
    values.slice(1).reduce((text, v, i) => `select(${text}, ${u32(v)}, ${phase} == ${i + 1}u)`, u32(values[0])),
  );
}
