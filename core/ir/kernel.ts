/**
 * Kernels as data, whatever their kind.
 *
 * A kernel computes every point of an output domain (`shape`) and ends in stores. A `map` computes them from loads alone; the
 * others first have a result (a reduction, a matrix product, a convolution ...), which the stores then use: that is where bias,
 * activation and the like are fused (the epilogue).
 *
 * What is particular to a kind stands in its file in `kernels/`; nothing outside this folder switches on kinds, but devices have a
 * table from kind to generator.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import { sizeOf } from "../shape.ts";
import type { Expr } from "./expr.ts";
import { type ArgsortKernel, argsortKind } from "./kernels/argsort.ts";
import type { Access, KernelBase, KernelKind, Operand } from "./kernels/base.ts";
import { conv2dFilterGradKind, conv2dInputGradKind, conv2dKind, type ConvKernel } from "./kernels/conv.ts";
import { type CumsumKernel, cumsumKind } from "./kernels/cumsum.ts";
import { type ExchangeKernel, exchangeKind } from "./kernels/exchange.ts";
import { type MapKernel, mapKind } from "./kernels/map.ts";
import { type MatmulKernel, matmulKind } from "./kernels/matmul.ts";
import {
  avgPool2dGradKind,
  avgPool2dKind,
  maxPool2dGatherKind,
  maxPool2dKind,
  maxPool2dScatterKind,
  type PoolKernel,
} from "./kernels/pool.ts";
import { type ReduceKernel, reduceKind } from "./kernels/reduce.ts";
import {
  type GatherRowsKernel,
  gatherRowsKind,
  type ScatterAddRowsKernel,
  scatterAddRowsKind,
  type ScatterRowsKernel,
  scatterRowsKind,
} from "./kernels/rows.ts";

export type { ArgsortKernel } from "./kernels/argsort.ts";
export type { Access, Store } from "./kernels/base.ts";
export type { ConvKernel } from "./kernels/conv.ts";
export type { CumsumKernel } from "./kernels/cumsum.ts";
export type { ExchangeKernel } from "./kernels/exchange.ts";
export type { MapKernel } from "./kernels/map.ts";
export type { MatmulKernel } from "./kernels/matmul.ts";
export type { PoolKernel } from "./kernels/pool.ts";
export type { ReduceKernel } from "./kernels/reduce.ts";
export type { ReduceOp } from "./reductions.ts";
export type { GatherRowsKernel, ScatterAddRowsKernel, ScatterRowsKernel } from "./kernels/rows.ts";

/** A kernel that is no loop. */
export type SimpleKernel =
  | MapKernel
  | ReduceKernel
  | MatmulKernel
  | ConvKernel
  | PoolKernel
  | GatherRowsKernel
  | ScatterAddRowsKernel
  | ScatterRowsKernel
  | ArgsortKernel
  | CumsumKernel
  | ExchangeKernel;

/**
 * Kernels run `count` times over, on the same buffers: what one round leaves in them the next one finds. The domain is []; operands,
 * loads and stores are those of the kernels inside.
 */
export interface LoopKernel extends KernelBase {
  readonly kind: "loop";
  readonly count: number;
  readonly kernels: readonly Kernel[];
}

/** Any kernel. */
export type Kernel = SimpleKernel | LoopKernel;

/** The name of a kind; that of a loop is apart. */
export type Kind = SimpleKernel["kind"];

/** The kernels of one kind. */
export type KernelOf<K extends Kind, T = SimpleKernel> = T extends { readonly kind: infer N }
  ? K extends N ? T & { readonly kind: K } : never
  : never;

/** Something for each kind: what devices know of kernels. */
export type KernelTable<C, R> = { readonly [K in Kind]: (context: C, kernel: KernelOf<K>) => R };

/** Calls what a table has for a kernel's kind. */
export function callByKind<C, R>(table: KernelTable<C, R>, context: C, kernel: SimpleKernel): R {
  // The compiler cannot see that kind and kernel belong together.
  return (table[kernel.kind] as (context: C, kernel: SimpleKernel) => R)(context, kernel);
}

const kinds: { readonly [K in Kind]: KernelKind<KernelOf<K>> } = {
  map: mapKind,
  reduce: reduceKind,
  matmul: matmulKind,
  conv2d: conv2dKind,
  conv2dInputGrad: conv2dInputGradKind,
  conv2dFilterGrad: conv2dFilterGradKind,
  maxPool2d: maxPool2dKind,
  maxPool2dScatter: maxPool2dScatterKind,
  maxPool2dGather: maxPool2dGatherKind,
  avgPool2d: avgPool2dKind,
  avgPool2dGrad: avgPool2dGradKind,
  gatherRows: gatherRowsKind,
  scatterAddRows: scatterAddRowsKind,
  scatterRows: scatterRowsKind,
  argsort: argsortKind,
  cumsum: cumsumKind,
  exchange: exchangeKind,
};

/** What is known of a kernel's kind. */
export function kindOf(kernel: SimpleKernel): KernelKind<SimpleKernel> {
  return kinds[kernel.kind] as KernelKind<SimpleKernel>;
}

/** What each operand of a kernel is. */
export function operandShapes(kernel: SimpleKernel): readonly Operand[] {
  return kindOf(kernel).operands(kernel);
}

/** The accesses a kernel reads before its stores, beyond `loads`; a loop all that it reads. */
export function operandsOf(kernel: Kernel): readonly Access[] {
  return kernel.kind === "loop" ? kernel.kernels.flatMap((each) => [...operandsOf(each), ...each.loads]) : kernel.operands;
}

/** The expressions of a kernel: those of its stores and those of its kind. */
export function expressionsOf(kernel: Kernel): readonly Expr[] {
  if (kernel.kind === "loop") return kernel.kernels.flatMap(expressionsOf);
  return [...kindOf(kernel).expressions?.(kernel) ?? [], ...kernel.stores.map(({ value }) => value)];
}

/** The types of a kernel's results. */
export function resultTypes(kernel: SimpleKernel, buffers: readonly { readonly dtype: DType }[]): readonly DType[] {
  return kindOf(kernel).results(kernel, kernel.operands.map(({ buffer }) => buffers[buffer].dtype));
}

/** Whether every result of a kernel is an empty sum. */
export function sumsNothing(kernel: SimpleKernel): boolean {
  return kindOf(kernel).sumsProducts === true && operandShapes(kernel).some(({ shape }) => sizeOf(shape) === 0);
}

/** What is found out about a kernel once. */
function oncePerKernel<T>(find: (kernel: Kernel) => T): (kernel: Kernel) => T {
  const found = new WeakMap<Kernel, T>();
  return (kernel) => {
    const known = found.get(kernel);
    if (known !== undefined) return known;
    const value = find(kernel);
    found.set(kernel, value);
    return value;
  };
}

/** The distinct buffers a kernel reads. */
export const readsOf: (kernel: Kernel) => ReadonlySet<number> = oncePerKernel((kernel) =>
  new Set([...operandsOf(kernel), ...kernel.loads].map((access) => access.buffer))
);

/** The distinct buffers a kernel writes. */
export const writesOf: (kernel: Kernel) => ReadonlySet<number> = oncePerKernel((kernel) => {
  if (kernel.kind === "loop") return new Set(kernel.kernels.flatMap((each) => [...writesOf(each)]));
  const targets = "target" in kernel ? [kernel.target] : kernel.stores;
  return new Set(targets.map(({ buffer }) => buffer));
});

/** The kernel with other accesses: each is replaced, in place and offset. */
export function mapAccesses<K extends Kernel>(kernel: K, change: <A extends Access>(access: A) => A): K {
  const { operands, loads, stores } = kernel;
  const changed = { ...kernel, operands: operands.map(change), loads: loads.map(change), stores: stores.map(change) };
  if ("target" in kernel) return { ...changed, target: change(kernel.target) };
  if (kernel.kind === "loop") return { ...changed, kernels: kernel.kernels.map((each) => mapAccesses(each, change)) };
  return changed;
}
