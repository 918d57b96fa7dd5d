/**
 * A reduction with as few axes as its accesses allow.
 *
 * @module
 */
import type { Access, ReduceKernel, Store } from "../../../../ir/kernel.ts";
import { collapse, indexLeaves, replaceIndexStrides } from "../shader/collapse.ts";

/** What of a reduction kernel is left to compute, over collapsed axes. */
export type CollapsedReduce = Pick<ReduceKernel, "shape" | "window" | "operands" | "reductions" | "loads" | "stores">;

/** Collapses the axes of the domain and those of the window. */
export function collapseReduce(kernel: ReduceKernel): CollapsedReduce {
  const rank = kernel.shape.length;
  const values = kernel.reductions.map(({ value }) => value);
  const results = kernel.stores.map(({ value }) => value);
  const inner = indexLeaves(values);
  const outer = indexLeaves(results);
  // Strides over domain and window, then those over the domain alone.
  const overBoth = [...kernel.operands, ...inner].map(({ strides }) => strides);
  const overDomain = [...kernel.loads, ...kernel.stores, ...outer].map(({ strides }) => strides);
  const shape = collapse(kernel.shape, [...overBoth.map((row) => row.slice(0, rank)), ...overDomain]);
  const window = collapse(kernel.window, overBoth.map((row) => row.slice(rank)));
  const both = overBoth.map((_, i) => [...shape.rows[i], ...window.rows[i]]);
  const [operands, innerStrides] = splitAt(both, kernel.operands.length);
  const [loads, rest] = splitAt(shape.rows.slice(overBoth.length), kernel.loads.length);
  const [stores, outerStrides] = splitAt(rest, kernel.stores.length);
  const newValues = replaceIndexStrides(values, new Map(inner.map((e, i) => [e, innerStrides[i]])));
  const newResults = replaceIndexStrides(results, new Map(outer.map((e, i) => [e, outerStrides[i]])));
  return {
    shape: shape.extents,
    window: window.extents,
    operands: kernel.operands.map((access, i): Access => ({ ...access, strides: operands[i] })),
    reductions: kernel.reductions.map(({ op }, i) => ({ op, value: newValues[i] })),
    loads: kernel.loads.map((access, i): Access => ({ ...access, strides: loads[i] })),
    stores: kernel.stores.map((store, i): Store => ({ ...store, strides: stores[i], value: newResults[i] })),
  };
}

function splitAt<T>(list: readonly T[], count: number): [readonly T[], readonly T[]] {
  return [list.slice(0, count), list.slice(count)];
}
