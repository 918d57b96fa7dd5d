/**
 * Which neighbouring maps and reductions compute row by row (softmax, norms, their gradients), so that a block of rows can go through all of
 * them before the next block begins: what they hand on stays in a cache, in memory of the thread's own if nothing else reads it.
 * `row_block_phase.ts` writes them.
 *
 * Rows may be the channels of images, each in pieces, a plane of every image: batch normalisation goes by them, and with it convolutions of
 * single channels, which read and write nothing else.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import { type Kernel, readsOf, writesOf } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import { partnerOfLast } from "./row_block_partner.ts";
import {
  accessesOf,
  channelsFirst,
  channelsOf,
  isConvolution,
  isRowKernel,
  readsRowNumbers,
  type RowAccess,
  rowAccess,
  rowAxes,
  type RowKernel,
  staysInRows,
} from "./rows.ts";

/**
 * Bytes that a block should touch, and the most that a row may. Rows in pieces, one in each image, are for the second-level cache: what is handed
 * on stays there, and the pieces of more rows make whole lines and pages.
 */
const blockBytes = { whole: 24 * 1024, pieces: 2 ** 18 } as const;
const maxRowBytes = { whole: 2 ** 19, pieces: 2 ** 20 } as const;

/** Bytes that several kernels touch below which they are left alone: the second-level cache holds them. Rows in pieces have to be worth more. */
const leastBytes = { whole: 2 ** 18, pieces: 2 ** 21 } as const;

/** What a block of rows should touch at least, for its calls to be worth it. */
const leastBlockBytes = 1024;

/**
 * What each piece of a row should touch at least: a line of the cache. Of shorter ones, such as the columns of a matrix, a block takes a few
 * elements from each of many lines: all kernels one by one, from end to end, are up to 20 times as fast.
 */
const leastPieceBytes = 64;

/** Kernels to run together, by blocks of `blockRows` of their `rows`, which are the first `axes` axes of their domains here. */
export interface RowBlocks {
  readonly kernels: readonly RowKernel[];
  readonly axes: number;
  readonly rows: number;
  readonly blockRows: number;
  /** Bytes that they touch. */
  readonly bytes: number;
  /** Buffers that nothing else reads, and the bytes of one of their rows with all of its pieces. */
  readonly kept: ReadonlyMap<number, number>;
  /** The number of the map beside which the last kernel should run, a block later. */
  readonly partner?: number;
}

/** The longest run of kernels from number `from` on that is worth running together. */
export function rowBlocksFrom(
  program: Program,
  kernels: readonly Kernel[],
  from: number,
  threads: number,
): RowBlocks | undefined {
  let best: Together | undefined;
  const run: RowKernel[] = [];
  const written = new Set<number>();
  for (const kernel of kernels.slice(from)) {
    if (!isRowKernel(program, kernel, threads)) break;
    if (run.length > 0 && ![...readsOf(kernel)].some((buffer) => written.has(buffer))) break;
    run.push(kernel);
    for (const buffer of writesOf(kernel)) written.add(buffer);
    if (run.length === 1) continue;
    const found = together(program, [...run], threads);
    if (!found) break;
    if (found.shared >= leastBytes[formOf(found.accesses)]) best = found;
  }
  if (!best) return undefined;
  const kept = keptBuffers(program, kernels.slice(from, from + best.kernels.length), best);
  return { ...best, kept, partner: partnerOfLast(program, { ...best, kept }, threads) };
}

/** Whether some rows are in pieces. */
function formOf(accesses: readonly RowAccess[]): "whole" | "pieces" {
  return accesses.some(({ pieces }) => pieces > 1) ? "pieces" : "whole";
}

/** How some kernels can run together. */
interface Together extends Omit<RowBlocks, "kept" | "partner"> {
  readonly accesses: readonly RowAccess[];
  /** Bytes that more than one of the kernels touch. */
  readonly shared: number;
}

/** How some kernels run together, if they can and should: by the first axes of their domains, or of maps by channels. */
function together(program: Program, kernels: readonly RowKernel[], threads: number): Together | undefined {
  if (!kernels.some(isConvolution)) {
    const found = alongFirstAxes(program, kernels, threads);
    if (found) return found;
  }
  const channels = kernels.map(channelsOf).find((count) => count !== undefined);
  if (channels === undefined) return undefined;
  const isByChannels = (kernel: RowKernel) =>
    kernel.kind === "map" ? kernel.shape.length >= 2 && kernel.shape[1] === channels : channelsOf(kernel) === channels;
  if (!kernels.every(isByChannels)) return undefined;
  return alongFirstAxes(program, kernels.map((each) => each.kind === "map" ? channelsFirst(each) : each), threads);
}

function alongFirstAxes(program: Program, kernels: readonly RowKernel[], threads: number): Together | undefined {
  const axesOf = kernels.map(rowAxes);
  const [shape] = axesOf;
  let most = 0;
  while (axesOf.every((axes) => most < axes.length && axes[most] === shape[most])) most++;
  for (let axes = most; axes > 0; axes--) {
    const found = alongAxes(program, kernels, axes, threads);
    if (found) return found;
  }
}

function alongAxes(program: Program, kernels: readonly RowKernel[], axes: number, threads: number): Together | undefined {
  const rows = sizeOf(rowAxes(kernels[0]).slice(0, axes));
  if (rows < 8 * threads && rows % threads > 0) return undefined;
  const accesses: RowAccess[] = [];
  for (const kernel of kernels) {
    for (const access of accessesOf(kernel)) {
      if (sizeOf(access.domain) === 0) return undefined;
      const found = rowAccess(program, access, axes);
      if (!found || (found.pieces > 1 && found.bytes < leastPieceBytes * found.pieces)) return undefined;
      accesses.push(found);
    }
  }
  if (!staysInRows(program, kernels, accesses) || kernels.some((kernel) => readsRowNumbers(kernel, axes))) return undefined;
  const touched = new Map<number, number>();
  for (const { buffer, bytes } of accesses) touched.set(buffer, Math.max(touched.get(buffer) ?? 0, bytes));
  const rowBytes = [...touched.values()].reduce((sum, bytes) => sum + bytes, 0);
  const isShared = (buffer: number) =>
    kernels.filter((kernel) => readsOf(kernel).has(buffer) || writesOf(kernel).has(buffer)).length > 1;
  const shared = [...touched].reduce((sum, [buffer, bytes]) => sum + (isShared(buffer) ? rows * bytes : 0), 0);
  const form = formOf(accesses);
  if (rowBytes > maxRowBytes[form]) return undefined;
  let blockRows = 1;
  for (let count = 2; count * rowBytes <= blockBytes[form] && count <= rows / threads; count++) {
    if (rows % count === 0) blockRows = count;
  }
  return blockRows * rowBytes < leastBlockBytes ? undefined : {
    ...{ kernels, axes, rows, blockRows, accesses, shared },
    bytes: rows * rowBytes,
  };
}

/** The buffers that only these kernels of the program touch, and that are written first. */
function keptBuffers(
  program: Program,
  original: readonly Kernel[],
  { kernels, accesses, rows }: Together,
): ReadonlyMap<number, number> {
  const inside = new Set(original);
  const elsewhere = new Set(program.kernels.flatMap((kernel) => touchedOutside(kernel, inside)));
  const kept = new Map<number, number>();
  for (const { buffer } of accesses) {
    const { location, size, dtype } = program.buffers[buffer];
    if (location.kind !== "slot" || elsewhere.has(buffer) || size % rows !== 0) continue;
    const first = kernels.find((kernel) => writesOf(kernel).has(buffer) || readsOf(kernel).has(buffer))!;
    if (!readsOf(first).has(buffer)) kept.set(buffer, size / rows * deviceBytes(dtype));
  }
  return kept;
}

function touchedOutside(kernel: Kernel, inside: ReadonlySet<Kernel>): number[] {
  if (inside.has(kernel)) return [];
  if (kernel.kind === "loop") return kernel.kernels.flatMap((each) => touchedOutside(each, inside));
  return [...readsOf(kernel), ...writesOf(kernel)];
}
