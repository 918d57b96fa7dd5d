/**
 * Kernels and programs: what the compiler hands to a device.
 *
 * A kernel computes every point of an output domain (`shape`) and ends in stores. A `map` computes them from loads alone; the
 * others first have a result (a reduction, a matrix product, a convolution ...), which the stores then use: that is where bias,
 * activation and the like are fused (the epilogue). Offsets and strides are in elements.
 *
 * @module
 */
import { type DType, indexType } from "../dtype.ts";
import type { ConvGeometry, PoolGeometry } from "../shape.ts";
import type { Expr } from "./expr.ts";

/** Where in a buffer the point with index i lies: offset + sum of strides[axis] * i[axis]; a stride may be 0 or negative. */
export interface Access {
  readonly buffer: number;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A value and where it is written, one stride per axis of the kernel's `shape`. */
export interface Store extends Access {
  readonly value: Expr;
}

/** What all kernels have: the domain, what the stores read, and the stores. */
interface KernelBase {
  /** The output domain. May be empty ([]: one point) or hold a 0 (nothing to do). */
  readonly shape: readonly number[];
  /** Loads with one stride per axis of `shape`; `load` expressions in the stores refer to them by slot. */
  readonly loads: readonly Access[];
  /** In order. No store of a kernel overlaps another; a buffer may be loaded and stored in place (same access). */
  readonly stores: readonly Store[];
}

/** Elementwise: the stores say it all. */
export interface MapKernel extends KernelBase {
  readonly kind: "map";
}

/** How a reduction combines. `argmax` and `argmin` give the first place (row-major over `window`, i32); NaN counts as the extreme. */
export type ReduceOp = "sum" | "prod" | "max" | "min" | "argmax" | "argmin";

/** One or more reductions over the same window. */
export interface ReduceKernel extends KernelBase {
  readonly kind: "reduce";
  /** Extents of the axes reduced over, which follow those of `shape`. */
  readonly window: readonly number[];
  /** Loads with one stride per axis of `shape` then of `window`; expressions in `reductions` refer to these. */
  readonly operands: readonly Access[];
  /** `result` k of the stores is reduction k. An empty window gives the neutral element (0, 1, -inf, +inf, index 0). */
  readonly reductions: readonly { readonly op: ReduceOp; readonly value: Expr }[];
}

/** result[b, i, j] = sum over p of lhs[b, i, p] * rhs[b, p, j]; f32. The domain is [batch, m, n]. */
export interface MatmulKernel extends KernelBase {
  readonly kind: "matmul";
  readonly k: number;
  /** Strides over [batch, m, k]. */
  readonly lhs: Access;
  /** Strides over [batch, k, n]. */
  readonly rhs: Access;
}

/**
 * 2-d convolutions and their two gradients; f32 or f64 operands, contiguous from their offset.
 * - conv2d: lhs x [n, c, h, w], rhs weight [o, c / groups, kh, kw]; domain [n, o, oh, ow]
 * - conv2dInputGrad: lhs g [n, o, oh, ow], rhs weight; domain [n, c, h, w]
 * - conv2dFilterGrad: lhs x, rhs g; domain [o, c / groups, kh, kw]
 */
export interface ConvKernel extends KernelBase {
  readonly kind: "conv2d" | "conv2dInputGrad" | "conv2dFilterGrad";
  readonly geometry: ConvGeometry;
  readonly lhs: Access;
  readonly rhs: Access;
}

/**
 * 2-d pooling; contiguous operands. A window's maximum is its first largest element in row-major order, NaN counting as largest.
 * - maxPool2d: x [n, c, h, w] -> [n, c, oh, ow];  padding never wins
 * - maxPool2dScatter: x, g [n, c, oh, ow] -> [n, c, h, w]: every g added at the place of its window's maximum
 * - maxPool2dGather: x, t [n, c, h, w] -> [n, c, oh, ow]: t at the place of each window's maximum
 * - avgPool2d: x -> [n, c, oh, ow];  avgPool2dGrad: g -> [n, c, h, w], its transpose
 */
export interface PoolKernel extends KernelBase {
  readonly kind: "maxPool2d" | "maxPool2dScatter" | "maxPool2dGather" | "avgPool2d" | "avgPool2dGrad";
  readonly geometry: PoolGeometry;
  /** x, then g or t where there is one (avgPool2dGrad: g alone). */
  readonly operands: readonly Access[];
}

/**
 * Rows chosen by index. Indices count from 0 and were checked or clamped before: a device clamps them into range all the same.
 * - take: x [outer, size, inner], indices i32 [count] -> domain [outer, count, inner]
 * - takeGrad: g [outer, count, inner], indices -> domain [outer, size, inner]: rows added up in order of the indices
 */
export interface TakeKernel extends KernelBase {
  readonly kind: "take" | "takeGrad";
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly count: number;
  /** x or g, contiguous. */
  readonly source: Access;
  /** i32, contiguous. */
  readonly indices: Access;
}

/**
 * The places of each row's elements in sorted order; f32, f64, i32 or u32. The domain is [rows, n], the result i32: the place in its row
 * of the element that comes there. Equal elements (as 0 and -0 are) keep their order; NaN counts as the largest.
 */
export interface ArgsortKernel extends KernelBase {
  readonly kind: "argsort";
  readonly descending: boolean;
  /** Strides over [rows, n]. */
  readonly source: Access;
}

/**
 * Rows written over those of a buffer, of two at one index the last; the other rows stay as they are. Indices are clamped as above. The domain is [outer, count, inner];
 * there is no result, and no stores follow.
 */
export interface WriteKernel extends KernelBase {
  readonly kind: "write";
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly count: number;
  /** The rows, contiguous. */
  readonly source: Access;
  /** i32, contiguous. */
  readonly indices: Access;
  /** [outer, size, inner], contiguous: what is written. */
  readonly target: Access;
}

/**
 * Kernels run `count` times over, on the same buffers: what one round leaves in them the next one finds. The domain is []; loads and
 * stores are those of the kernels inside.
 */
export interface LoopKernel extends KernelBase {
  readonly kind: "loop";
  readonly count: number;
  readonly kernels: readonly Kernel[];
}

/** Any kernel. */
export type Kernel =
  | MapKernel
  | ReduceKernel
  | MatmulKernel
  | ConvKernel
  | PoolKernel
  | TakeKernel
  | ArgsortKernel
  | WriteKernel
  | LoopKernel;

/** A buffer of a program. Two intermediates may share a slot when they do not live at the same time. */
export interface BufferSpec {
  readonly dtype: DType;
  /** In elements. */
  readonly size: number;
  readonly place:
    | { readonly kind: "input"; readonly index: number }
    | { readonly kind: "output"; readonly index: number }
    | { readonly kind: "slot"; readonly slot: number };
}

/**
 * A list of kernels to run in order over a table of buffers.
 *
 * Inputs and outputs belong to the caller. An output may be the buffer of a donated input: its kernel then overwrites it in place.
 */
export interface Program {
  readonly buffers: readonly BufferSpec[];
  /** Bytes of each shared slot of intermediate memory. */
  readonly slots: readonly number[];
  readonly kernels: readonly Kernel[];
  /** Buffer ids of the inputs, in order. */
  readonly inputs: readonly number[];
  /** Buffer ids of the outputs, in order: an "output" buffer, or the "input" buffer of a donated input. */
  readonly outputs: readonly number[];
}

/** The accesses a kernel reads before its stores, beyond `loads`; a loop all that it reads. */
export function operandsOf(kernel: Kernel): readonly Access[] {
  switch (kernel.kind) {
    case "map":
      return [];
    case "reduce":
      return kernel.operands;
    case "matmul":
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad":
      return [kernel.lhs, kernel.rhs];
    case "take":
    case "takeGrad":
    case "write":
      return [kernel.source, kernel.indices];
    case "argsort":
      return [kernel.source];
    case "loop":
      return kernel.kernels.flatMap((each) => [...operandsOf(each), ...each.loads]);
    default:
      return kernel.operands;
  }
}

/** The type of the result of a kernel that has just one: places, or as its first operand. */
export function resultDType(kernel: Kernel, buffers: readonly BufferSpec[]): DType {
  return kernel.kind === "argsort" ? indexType : buffers[operandsOf(kernel)[0].buffer].dtype;
}

/** The distinct buffers a kernel reads. */
export function readsOf(kernel: Kernel): ReadonlySet<number> {
  return new Set([...operandsOf(kernel), ...kernel.loads].map((access) => access.buffer));
}

/** The distinct buffers a kernel writes. */
export function writesOf(kernel: Kernel): ReadonlySet<number> {
  switch (kernel.kind) {
    case "write":
      return new Set([kernel.target.buffer]);
    case "loop":
      return new Set(kernel.kernels.flatMap((each) => [...writesOf(each)]));
    default:
      return new Set(kernel.stores.map((store) => store.buffer));
  }
}

/** The kernel with other accesses: each is replaced, in place and offset. */
export function mapAccesses(kernel: Kernel, change: <A extends Access>(access: A) => A): Kernel {
  const base = { ...kernel, loads: kernel.loads.map(change), stores: kernel.stores.map(change) };
  switch (base.kind) {
    case "map":
      return base;
    case "matmul":
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad":
      return { ...base, lhs: change(base.lhs), rhs: change(base.rhs) };
    case "take":
    case "takeGrad":
      return { ...base, source: change(base.source), indices: change(base.indices) };
    case "argsort":
      return { ...base, source: change(base.source) };
    case "write":
      return { ...base, source: change(base.source), indices: change(base.indices), target: change(base.target) };
    case "loop":
      return { ...base, kernels: base.kernels.map((each) => mapAccesses(each, change)) };
    default:
      return { ...base, operands: base.operands.map(change) };
  }
}
