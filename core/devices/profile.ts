/**
 * Where the time goes, kernel by kernel: devices tell the times, the table is printed when the process ends (COTANGENT_DEBUG=time).
 *
 * @module
 */
import { type Cost, costOf, describeKernel } from "../ir/cost.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { Program } from "../ir/program.ts";
import { debug } from "../env.ts";

/**
 * Is told how long a kernel of a program took: `part` is its kind, the algorithm by which it was computed, or the name of one of the
 * dispatches it became.
 */
export type Profile = (program: Program, kernel: number, part: string, milliseconds: number) => void;

interface Time {
  runs: number;
  milliseconds: number;
}

/** All runs of kernels that read the same in the table, by part. */
interface Row extends Cost {
  readonly name: string;
  readonly kind: string;
  readonly parts: Map<string, Time>;
}

/** Shares of the whole below this are left out of the table. */
const leastShare = 0.0005;

/** Adds up times. */
export class KernelTimes {
  readonly #rows = new Map<string, Row>();
  readonly #known = new WeakMap<Kernel, Row>();

  /** See {@link Profile}. */
  readonly add: Profile = (program, index, part, milliseconds) => {
    const kernel = program.kernels[index];
    const row = this.#known.get(kernel) ?? this.#row(program, kernel);
    const time = row.parts.get(part) ?? { runs: 0, milliseconds: 0 };
    row.parts.set(part, time);
    time.runs++;
    time.milliseconds += milliseconds;
  };

  #row(program: Program, kernel: Kernel): Row {
    const name = describeKernel(kernel);
    const cost = costOf(program, kernel);
    // Kernels of one shape may still do different things.
    const key = `${name} ${cost.flops} ${cost.bytes}`;
    const row = this.#rows.get(key) ?? { name, kind: kernel.kind, ...cost, parts: new Map<string, Time>() };
    this.#rows.set(key, row);
    this.#known.set(kernel, row);
    return row;
  }

  /**
   * One line per kind of kernel, the longest times first, with lines for its parts, or for the algorithm, if there are several; empty if nothing ran. GFLOP/s
   * and GB/s count what a kernel must do, whatever the device does.
   */
  table(): string {
    const rows = [...this.#rows.values()].map((row) => ({ ...row, ...timeOf(row) })).sort((a, b) =>
      b.milliseconds - a.milliseconds
    );
    if (rows.length === 0) return "";
    const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const shown = rows.filter(({ milliseconds }) => milliseconds >= leastShare * total);
    const lines = shown.flatMap(({ name, kind, runs, milliseconds, flops, bytes, parts }) => [
      line([...timeCells(runs, milliseconds, total), rate(flops * runs, milliseconds), rate(bytes * runs, milliseconds)], name),
      ...(parts.size > 1 || !parts.has(kind)
        ? [...parts].map(([part, time]) => line([...timeCells(time.runs, time.milliseconds, total), "", ""], `  ${part}`))
        : []),
    ]);
    const hidden = rows.length - shown.length;
    return [
      line(["share", "ms", "runs", "us/run", "GFLOP/s", "GB/s"], "kernel"),
      ...lines,
      ...(hidden > 0 ? [`and ${hidden} more of less than ${100 * leastShare} %`] : []),
    ].join("\n");
  }
}

/** Of all parts together: a kernel has run as often as its parts. */
function timeOf({ parts }: Row): Time {
  const times = [...parts.values()];
  return {
    runs: Math.max(...times.map(({ runs }) => runs)),
    milliseconds: times.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}

function timeCells(runs: number, milliseconds: number, total: number): string[] {
  const share = `${(100 * milliseconds / total).toFixed(1)} %`;
  return [share, milliseconds.toFixed(2), `${runs}`, (1000 * milliseconds / runs).toFixed(1)];
}

/** Billions per second. */
function rate(amount: number, milliseconds: number): string {
  return (amount / milliseconds / 1e6).toFixed(2);
}

function line(cells: readonly string[], last: string): string {
  return `${cells.map((cell) => cell.padStart(9)).join("")}  ${last}`;
}

/** The profile that COTANGENT_DEBUG=time asks for, or undefined: what it was told is printed when the process ends. */
export function debugProfile(device: string): Profile | undefined {
  if (!debug.has("time")) return undefined;
  const times = new KernelTimes();
  globalThis.addEventListener("unload", () => {
    const table = times.table();
    if (table !== "") console.error(`Time by kernel on ${device}\n${table}`);
  });
  return times.add;
}
