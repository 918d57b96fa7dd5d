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
import { eachUsualArgument, type Expr, mapLeaves, visit } from "../../../ir/expr.ts";
import {
  type Access,
  type ConvKernel,
  expressionsOf,
  type Kernel,
  kindOf,
  mapAccesses,
  operandShapes,
  readsOf,
  type SimpleKernel,
  writesOf,
} from "../../../ir/kernel.ts";
import { memoryOf, type Program } from "../../../ir/program.ts";
import { isContiguous } from "../../../ir/axes.ts";
import { sizeOf } from "../../../shape.ts";
import { planDepthwiseFilters } from "./convolution/depthwise/filter_gradient.ts";
import { planDepthwise } from "./convolution/depthwise/plan.ts";
import { placesResult } from "./elementwise/epilogue.ts";
import { Legalizer } from "./expressions/legalize.ts";
import { operationCount } from "./work.ts";

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

export type RowKernel = Extract<SimpleKernel, { kind: "map" | "reduce" }> | ConvKernel;

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

/** What a reduction to a number for each channel, or a convolution of single channels, has of them. */
function channelsOf(kernel: RowKernel): number | undefined {
  if (isConvolution(kernel)) return kernel.geometry.groups;
  return kernel.kind === "reduce" && kernel.shape.length === 1 ? kernel.shape[0] : undefined;
}

const reorder = <T>([first, channels, ...rest]: readonly T[]) => [channels, first, ...rest];

/** A map whose second axis has become the first. */
function channelsFirst<K extends RowKernel>(kernel: K): K {
  const moved = mapAccesses(kernel, (access) => ({ ...access, strides: reorder(access.strides) }));
  return { ...withIndices(moved, reorder), shape: reorder(kernel.shape) };
}

/** The axes over which kernels may run together. */
function rowAxes(kernel: RowKernel): readonly number[] {
  return isConvolution(kernel) ? [kernel.geometry.groups] : kernel.shape;
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

/** An access of a kernel, with the extents over which it runs, channels first, and its strides. */
interface DomainAccess {
  readonly access: Access;
  readonly domain: readonly number[];
  readonly strides: readonly number[];
}

function accessesOf(kernel: RowKernel): readonly DomainAccess[] {
  if (!isConvolution(kernel)) {
    const domain = [...kernel.shape, ...kindOf(kernel).reduced(kernel)];
    return [...kernel.operands, ...kernel.loads, ...kernel.stores].map((access) => ({ access, domain, strides: access.strides }));
  }
  const shapes = operandShapes(kernel).map(({ shape }) => shape);
  return [
    ...kernel.operands.map((access, i) => ({ access, domain: shapes[i], images: holdsImages(kernel, i) })),
    ...[...kernel.loads, ...kernel.stores].map((access) => ({ access, domain: kernel.shape, images: holdsImages(kernel, 2) })),
  ].map(({ access, domain, images }) => {
    const order: typeof reorder = images ? reorder : (list) => [...list];
    return { access, domain: order(domain), strides: order(access.strides) };
  });
}

/** How far the accesses of a kernel that may run by rows move from row to row. */
export function rowSteps(program: Program, kernel: RowKernel, axes: number): ReadonlyMap<Access, number> {
  return new Map(accessesOf(kernel).map((each) => [each.access, rowAccess(program, each, axes)!.step]));
}

/** Whether an operand of a convolution, or as number 2 its result, is images, whose channels are their second axis: the filters' are their first. */
function holdsImages({ kind }: ConvKernel, operand: number): boolean {
  return operand !== (kind === "conv2dFilterGrad" ? 2 : 1);
}

export function isConvolution(kernel: RowKernel): kernel is ConvKernel {
  return "geometry" in kernel;
}

/** Whether a kernel may be one of several that run together: a map, a reduction, or a convolution of single channels whose result is planes. */
function isRowKernel(program: Program, kernel: Kernel, threads: number): kernel is RowKernel {
  if (kernel.kind === "map" || kernel.kind === "reduce") return true;
  if (kernel.kind !== "conv2d" && kernel.kind !== "conv2dInputGrad" && kernel.kind !== "conv2dFilterGrad") return false;
  const shapes = operandShapes(kernel).map(({ shape }) => shape);
  const isPlain = ({ buffer, strides }: Access, i: number) =>
    program.buffers[buffer].dtype === "f32" && isContiguous(shapes[i], strides);
  if (!kernel.operands.every(isPlain) || shapes.some((shape) => sizeOf(shape) === 0)) return false;
  return kernel.kind === "conv2dFilterGrad"
    ? planDepthwiseFilters(kernel, threads) !== undefined
    : planDepthwise(kernel) !== undefined && placesResult(program, kernel);
}

/** Whether a value depends on the number of its row. */
function readsRowNumbers(kernel: RowKernel, axes: number): boolean {
  let found = false;
  const first = isConvolution(kernel) && holdsImages(kernel, 2) ? 1 : 0;
  visit(expressionsOf(kernel), (e) => {
    if (e.kind !== "index") return;
    if (e.strides.slice(first, first + axes).some((stride, axis) => stride !== 0 && kernel.shape[first + axis] > 1)) found = true;
  });
  return found;
}

/** How an access moves over the rows; undefined if not by one step. */
function rowAccess(
  program: Program,
  { access: { buffer, offset }, domain, strides }: DomainAccess,
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
