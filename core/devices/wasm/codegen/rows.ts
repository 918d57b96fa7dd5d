/**
 * Kernels that compute row by row: which do, and how what they read and write moves from row to row. Rows are along the first axes of a
 * kernel, or they are the channels of images, each in pieces, a plane of every image.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import { isContiguous } from "../../../ir/axes.ts";
import { type Expr, mapLeaves, visit } from "../../../ir/expr.ts";
import {
  type Access,
  type ConvKernel,
  expressionsOf,
  type Kernel,
  kindOf,
  mapAccesses,
  operandShapes,
  type SimpleKernel,
  writesOf,
} from "../../../ir/kernel.ts";
import { memoryOf, type Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import { planDepthwiseFilters } from "./convolution/depthwise/filter_gradient.ts";
import { planDepthwise } from "./convolution/depthwise/plan.ts";
import { placesResult } from "./elementwise/epilogue.ts";

/** What may run row by row. */
export type RowKernel = Extract<SimpleKernel, { kind: "map" | "reduce" }> | ConvKernel;

/** How an access moves from row to row. */
export interface RowAccess {
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

/** What a reduction to a number for each channel, or a convolution of single channels, has of them. */
export function channelsOf(kernel: RowKernel): number | undefined {
  if (isConvolution(kernel)) return kernel.geometry.groups;
  return kernel.kind === "reduce" && kernel.shape.length === 1 ? kernel.shape[0] : undefined;
}

const reorder = <T>([first, channels, ...rest]: readonly T[]) => [channels, first, ...rest];

/** A map whose second axis has become the first. */
export function channelsFirst<K extends RowKernel>(kernel: K): K {
  const moved = mapAccesses(kernel, (access) => ({ ...access, strides: reorder(access.strides) }));
  return { ...withIndices(moved, reorder), shape: reorder(kernel.shape) };
}

/** The axes over which kernels may run together. */
export function rowAxes(kernel: RowKernel): readonly number[] {
  return isConvolution(kernel) ? [kernel.geometry.groups] : kernel.shape;
}

/** An access of a kernel, with the extents over which it runs, channels first, and its strides. */
interface DomainAccess {
  readonly access: Access;
  readonly domain: readonly number[];
  readonly strides: readonly number[];
}

export function accessesOf(kernel: RowKernel): readonly DomainAccess[] {
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
export function isRowKernel(program: Program, kernel: Kernel, threads: number): kernel is RowKernel {
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
export function readsRowNumbers(kernel: RowKernel, axes: number): boolean {
  let found = false;
  const first = isConvolution(kernel) && holdsImages(kernel, 2) ? 1 : 0;
  visit(expressionsOf(kernel), (e) => {
    if (e.kind !== "index") return;
    if (e.strides.slice(first, first + axes).some((stride, axis) => stride !== 0 && kernel.shape[first + axis] > 1)) found = true;
  });
  return found;
}

/** How an access moves over the rows; undefined if not by one step. */
export function rowAccess(
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
export function staysInRows(program: Program, kernels: readonly RowKernel[], accesses: readonly RowAccess[]): boolean {
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

/** A kernel whose indices have other strides. */
export function withIndices<K extends RowKernel>(kernel: K, change: (strides: readonly number[]) => readonly number[]): K {
  const value = (e: Expr): Expr =>
    mapLeaves(e, (leaf) => leaf.kind === "index" ? { ...leaf, strides: change(leaf.strides) } : leaf);
  const changed = { ...kernel, stores: kernel.stores.map((store) => ({ ...store, value: value(store.value) })) };
  if (changed.kind !== "reduce") return changed;
  return { ...changed, reductions: changed.reductions.map((each) => ({ ...each, value: value(each.value) })) };
}
