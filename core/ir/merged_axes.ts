/**
 * Kernels with as few axes as their accesses allow.
 *
 * @module
 */
import { mergeAxes } from "./axes.ts";
import { type Expr, mapLeaves, visit } from "./expr.ts";
import type { Access, MapKernel, ReduceKernel, Store } from "./kernel.ts";

/** A kernel's domain, and what it reads and writes over that. */
export type MergedMap = Pick<MapKernel, "shape" | "loads" | "stores">;

/** What of a reduction is left to compute, over merged axes. */
export type MergedReduce = Pick<ReduceKernel, "shape" | "window" | "operands" | "reductions" | "loads" | "stores">;

/** Merges the axes of an elementwise kernel. */
export function mergeMap(kernel: MapKernel): MergedMap {
  const values = kernel.stores.map(({ value }) => value);
  const leaves = indexLeaves(values);
  const moving = [...kernel.loads, ...kernel.stores, ...leaves];
  const { extents, strides } = mergeAxes(kernel.shape, moving.map((each) => each.strides));
  const [loads, stores, indices] = cut(strides, [kernel.loads.length, kernel.stores.length, leaves.length]);
  return {
    shape: extents,
    loads: withStrides(kernel.loads, loads),
    stores: withValues(withStrides(kernel.stores, stores), replaceIndexStrides(values, leaves, indices)),
  };
}

/** Merges the axes of a reduction's domain and those of its window. */
export function mergeReduce(kernel: ReduceKernel): MergedReduce {
  const rank = kernel.shape.length;
  const values = kernel.reductions.map(({ value }) => value);
  const results = kernel.stores.map(({ value }) => value);
  const inner = indexLeaves(values);
  const outer = indexLeaves(results);
  // Strides over domain and window, then those over the domain alone.
  const overBoth = [...kernel.operands, ...inner].map(({ strides }) => strides);
  const overDomain = [...kernel.loads, ...kernel.stores, ...outer].map(({ strides }) => strides);
  const shape = mergeAxes(kernel.shape, [...overBoth.map((strides) => strides.slice(0, rank)), ...overDomain]);
  const window = mergeAxes(kernel.window, overBoth.map((strides) => strides.slice(rank)));
  const both = overBoth.map((_, i) => [...shape.strides[i], ...window.strides[i]]);
  const [operands, innerStrides] = cut(both, [kernel.operands.length, inner.length]);
  const domain = shape.strides.slice(overBoth.length);
  const [loads, stores, outerStrides] = cut(domain, [kernel.loads.length, kernel.stores.length, outer.length]);
  const newValues = replaceIndexStrides(values, inner, innerStrides);
  return {
    shape: shape.extents,
    window: window.extents,
    operands: withStrides(kernel.operands, operands),
    reductions: kernel.reductions.map(({ op }, i) => ({ op, value: newValues[i] })),
    loads: withStrides(kernel.loads, loads),
    stores: withValues(withStrides(kernel.stores, stores), replaceIndexStrides(results, outer, outerStrides)),
  };
}

type Strides = readonly (readonly number[])[];
type Index = Extract<Expr, { kind: "index" }>;

/** A list in parts of these lengths. */
function cut<T>(list: readonly T[], lengths: readonly number[]): readonly (readonly T[])[] {
  let from = 0;
  return lengths.map((length) => list.slice(from, from += length));
}

function withStrides<A extends Access>(accesses: readonly A[], strides: Strides): A[] {
  return accesses.map((access, i) => ({ ...access, strides: strides[i] }));
}

function withValues(stores: readonly Store[], values: readonly Expr[]): Store[] {
  return stores.map((store, i) => ({ ...store, value: values[i] }));
}

/** The distinct `index` leaves of expressions. */
function indexLeaves(values: readonly Expr[]): readonly Index[] {
  const found: Index[] = [];
  visit(values, (e) => {
    if (e.kind === "index") found.push(e);
  });
  return found;
}

/** Expressions whose `index` leaves have new strides. */
function replaceIndexStrides(values: readonly Expr[], leaves: readonly Index[], strides: Strides): Expr[] {
  const next = new Map<Expr, Expr>(leaves.map((leaf, i) => [leaf, { ...leaf, strides: strides[i] }]));
  const memo = new Map<Expr, Expr>();
  return values.map((value) => mapLeaves(value, (leaf) => next.get(leaf) ?? leaf, memo));
}
