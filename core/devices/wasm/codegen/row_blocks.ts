/**
 * Which neighbouring maps and reductions compute row by row (softmax, norms, their gradients), so that a block of rows can go through all of
 * them before the next block begins: what they hand on stays in the first-level cache, in memory of the thread's own if nothing else reads
 * it. `row_block_phase.ts` writes them.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import { eachUsualArgument, type Expr, mapLeaves, visit } from "../../../ir/expr.ts";
import {
  type Access,
  expressionsOf,
  type Kernel,
  kindOf,
  mapAccesses,
  readsOf,
  type SimpleKernel,
  writesOf,
} from "../../../ir/kernel.ts";
import { memoryOf, type Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import { Legalizer } from "./expressions/legalize.ts";
import { operationCount } from "./work.ts";

/** Bytes that a block should touch, and the most that its rows may. */
const blockBytes = 24 * 1024;
const maxRowBytes = 2 ** 19;

/**
 * Bytes that several kernels touch below which they are left alone: the second-level cache holds them. Rows that are in pieces, one in each
 * image, have to be worth more.
 */
const leastBytes = { whole: 2 ** 18, pieces: 2 ** 21 } as const;

/** What a block of rows should touch at least, for its calls to be worth it. */
const leastBlockBytes = 1024;

/**
 * What each piece of a row should touch at least. Of shorter ones, such as the columns of a matrix, a block takes a few elements from each of
 * many lines of the cache: all kernels one by one, from end to end, are up to 20 times as fast.
 */
const leastPieceBytes = 256;

export type RowKernel = Extract<SimpleKernel, { kind: "map" | "reduce" }>;

/** How an access moves from row to row. */
interface RowAccess {
  readonly buffer: number;
  /** Elements from a row to the next. */
  readonly step: number;
  /** Bytes of a row that are touched, about. */
  readonly bytes: number;
  /** Whether the row's elements, or those of each of its pieces, are all within the `step` elements of the row. */
  readonly own: boolean;
  /** In how many pieces they are, the length of all rows apart. */
  readonly pieces: number;
}

/** Kernels to run together, by blocks of `blockRows` of their `rows`, which are the first `axes` axes of their domains here. */
export interface RowBlocks {
  readonly kernels: readonly RowKernel[];
  readonly axes: number;
  readonly rows: number;
  readonly blockRows: number;
  /** Buffers that nothing else reads, and the bytes of one of their rows. */
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
    if (kernel.kind !== "map" && kernel.kind !== "reduce") break;
    if (run.length > 0 && ![...readsOf(kernel)].some((buffer) => written.has(buffer))) break;
    run.push(kernel);
    for (const buffer of writesOf(kernel)) written.add(buffer);
    if (run.length === 1) continue;
    const found = together(program, [...run], threads);
    if (!found) break;
    const least = found.accesses.some(({ pieces }) => pieces > 1) ? leastBytes.pieces : leastBytes.whole;
    if (found.shared >= least) best = found;
  }
  if (!best) return undefined;
  const kept = keptBuffers(program, kernels.slice(from, from + best.kernels.length), best);
  return { ...best, kept, partner: partnerOfLast(program, { ...best, kept }, threads) };
}

/** How some kernels can run together. */
interface Together extends Omit<RowBlocks, "kept" | "partner"> {
  readonly accesses: readonly RowAccess[];
  /** Bytes that more than one of the kernels touch. */
  readonly shared: number;
}

/** How some kernels run together, if they can and should: by the first axes of their domains, or of maps by channels. */
function together(program: Program, kernels: readonly RowKernel[], threads: number): Together | undefined {
  const found = alongFirstAxes(program, kernels, threads);
  if (found) return found;
  const reduce = kernels.find(({ kind }) => kind === "reduce");
  if (reduce?.shape.length !== 1) return undefined;
  const isByChannels = ({ shape }: RowKernel) => shape.length >= 2 && shape[1] === reduce.shape[0];
  if (!kernels.every((kernel) => kernel.kind === "reduce" || isByChannels(kernel))) return undefined;
  return alongFirstAxes(program, kernels.map((each) => each.kind === "map" ? channelsFirst(each) : each), threads);
}

/** A map whose second axis has become the first. */
function channelsFirst<K extends RowKernel>(kernel: K): K {
  const reorder = <T>([first, channels, ...rest]: readonly T[]) => [channels, first, ...rest];
  const moved = mapAccesses(kernel, (access) => ({ ...access, strides: reorder(access.strides) }));
  return { ...withIndices(moved, reorder), shape: reorder(kernel.shape) };
}

function alongFirstAxes(program: Program, kernels: readonly RowKernel[], threads: number): Together | undefined {
  const [{ shape }] = kernels;
  let most = 0;
  while (kernels.every((kernel) => most < kernel.shape.length && kernel.shape[most] === shape[most])) most++;
  for (let axes = most; axes > 0; axes--) {
    const found = alongAxes(program, kernels, axes, threads);
    if (found) return found;
  }
}

function alongAxes(program: Program, kernels: readonly RowKernel[], axes: number, threads: number): Together | undefined {
  const rows = sizeOf(kernels[0].shape.slice(0, axes));
  if (rows < 8 * threads && rows % threads > 0) return undefined;
  const accesses: RowAccess[] = [];
  for (const kernel of kernels) {
    const domain = domainOf(kernel);
    if (sizeOf(domain) === 0) return undefined;
    for (const access of accessesOf(kernel)) {
      const found = rowAccess(program, domain, access, axes);
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
  if (rowBytes > maxRowBytes) return undefined;
  let blockRows = 1;
  for (let count = 2; count * rowBytes <= blockBytes && count <= rows / threads; count++) {
    if (rows % count === 0) blockRows = count;
  }
  return blockRows * rowBytes < leastBlockBytes ? undefined : { kernels, axes, rows, blockRows, accesses, shared };
}

/** The extents over which the values of a kernel are computed. */
export function domainOf(kernel: RowKernel): readonly number[] {
  return [...kernel.shape, ...kindOf(kernel).reduced(kernel)];
}

function accessesOf(kernel: RowKernel): readonly Access[] {
  return [...kernel.operands, ...kernel.loads, ...kernel.stores];
}

/** Whether a value depends on the number of its row. */
function readsRowNumbers(kernel: RowKernel, axes: number): boolean {
  let found = false;
  visit(expressionsOf(kernel), (e) => {
    if (e.kind === "index" && e.strides.slice(0, axes).some((stride, axis) => stride !== 0 && kernel.shape[axis] > 1)) {
      found = true;
    }
  });
  return found;
}

/** How an access moves over the rows; undefined if not by one step. */
export function rowAccess(
  program: Program,
  domain: readonly number[],
  { buffer, offset, strides }: Access,
  axes: number,
): RowAccess | undefined {
  let [step, inner] = [0, 1];
  for (let axis = axes - 1; axis >= 0; axis--) {
    const extent = domain[axis];
    if (extent === 1) continue;
    if (inner === 1) step = strides[axis];
    else if (strides[axis] !== step * inner) return undefined;
    inner *= extent;
  }
  let [low, high] = [offset, offset];
  let pieces = 1;
  for (let axis = axes; axis < strides.length; axis++) {
    const [stride, extent] = [strides[axis], domain[axis]];
    const reach = stride * (extent - 1);
    // From image to image the channels come again.
    if (reach > 0 && step > 0 && stride % (step * inner) === 0) pieces *= extent;
    else if (reach < 0) low += reach;
    else high += reach;
  }
  const bytes = deviceBytes(program.buffers[buffer].dtype);
  const touched = pieces * Math.min(high - low + 1, step === 0 ? Infinity : Math.abs(step));
  return { buffer, step, bytes: touched * bytes, own: low >= 0 && high < step, pieces };
}

/** Whether every row of the memory that the kernels write is touched for that row only. */
function staysInRows(program: Program, kernels: readonly RowKernel[], accesses: readonly RowAccess[]): boolean {
  const written = new Set(kernels.flatMap((kernel) => [...writesOf(kernel)].map((buffer) => memoryOf(program, buffer))));
  const steps = new Map<string, number>();
  return accesses.every(({ buffer, step, own }) => {
    const memory = memoryOf(program, buffer);
    if (!written.has(memory)) return true;
    const bytes = step * deviceBytes(program.buffers[buffer].dtype);
    if (!own || bytes !== (steps.get(memory) ?? bytes)) return false;
    steps.set(memory, bytes);
    return true;
  });
}

/** The buffers that only these kernels of the program touch, and that are written first. */
function keptBuffers(
  program: Program,
  original: readonly Kernel[],
  { kernels, accesses }: Together,
): ReadonlyMap<number, number> {
  const inside = new Set(original);
  const elsewhere = new Set(program.kernels.flatMap((kernel) => touchedOutside(kernel, inside)));
  const kept = new Map<number, number>();
  const inPieces = new Set(accesses.filter(({ pieces }) => pieces > 1).map(({ buffer }) => buffer));
  for (const { buffer, step } of accesses) {
    if (program.buffers[buffer].location.kind !== "slot" || elsewhere.has(buffer) || inPieces.has(buffer)) continue;
    const first = kernels.find((kernel) => writesOf(kernel).has(buffer) || readsOf(kernel).has(buffer))!;
    if (!readsOf(first).has(buffer)) kept.set(buffer, step * deviceBytes(program.buffers[buffer].dtype));
  }
  return kept;
}

function touchedOutside(kernel: Kernel, inside: ReadonlySet<Kernel>): number[] {
  if (inside.has(kernel)) return [];
  if (kernel.kind === "loop") return kernel.kernels.flatMap((each) => touchedOutside(each, inside));
  return [...readsOf(kernel), ...writesOf(kernel)];
}

/** Blocks of a thread from which on a last map may run beside another one, which takes a block more. */
const leastBlocks = 16;

/** Operations in the time of a division, and those of a map that leave the divider idle for long enough. */
const operationsPerDivision = 8;
const leastBeside = 12;

/**
 * The map beside which the last one should run: where the last one waits for the divider, which takes a quotient in the time of many other
 * operations and is idle while those are computed. At either end of a thread's blocks one of the two has nothing to do: what it then writes has to
 * be where nothing is lost.
 */
function partnerOfLast(program: Program, { kernels, rows, blockRows, kept }: Omit<RowBlocks, "partner">, threads: number) {
  const last = kernels.at(-1)!;
  const values = expressionsOf(last);
  if (last.kind !== "map" || operationCount(values) > operationsPerDivision * divisionsIn(values)) return undefined;
  if (rows / blockRows < leastBlocks * threads) return undefined;
  const found = kernels.findIndex((kernel, i) => {
    if (kernel === last || kernel.kind !== "map" || kernel.shape.join() !== last.shape.join()) return false;
    if (!kernel.stores.every(({ buffer }) => kept.has(buffer))) return false;
    if (!kernels.slice(i).every((each) => mayWriteEarly(program, last, each, each === kernel))) return false;
    const legalizer = new Legalizer();
    const legal = expressionsOf(kernel).map((value) => legalizer.legalize(value));
    return operationCount(legal) >= leastBeside && divisionsIn(legal) === 0;
  });
  return found < 0 ? undefined : found;
}

/** Whether a kernel reads nothing of what the last one writes, or, in one loop with it, element by element before that is written. */
function mayWriteEarly(program: Program, last: RowKernel, kernel: RowKernel, inOneLoop: boolean): boolean {
  return last.stores.every((store) =>
    [...kernel.operands, ...kernel.loads].every((read) => {
      if (memoryOf(program, read.buffer) !== memoryOf(program, store.buffer)) return true;
      return inOneLoop && read.offset === store.offset && read.strides.join() === store.strides.join();
    })
  );
}

/** How many quotients and roots of f32 are computed for each point. */
function divisionsIn(values: readonly Expr[]): number {
  let count = 0;
  visit(values, (e) => {
    const divides = (e.kind === "binary" && e.op === "div") || (e.kind === "unary" && e.op === "sqrt");
    if (divides && e.type === "f32") count++;
  }, eachUsualArgument);
  return count;
}

/** A kernel whose indices have other strides. */
export function withIndices<K extends RowKernel>(kernel: K, change: (strides: readonly number[]) => readonly number[]): K {
  const value = (e: Expr): Expr =>
    mapLeaves(e, (leaf) => leaf.kind === "index" ? { ...leaf, strides: change(leaf.strides) } : leaf);
  const changed = { ...kernel, stores: kernel.stores.map((store) => ({ ...store, value: value(store.value) })) };
  if (changed.kind !== "reduce") return changed;
  return { ...changed, reductions: changed.reductions.map((each) => ({ ...each, value: value(each.value) })) };
}
