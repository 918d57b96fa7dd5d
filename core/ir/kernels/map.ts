/**
 * Elementwise kernels: their stores are all there is.
 *
 * @module
 */
import { reshapeStrides, sameShape, type Shape, sizeOf } from "../../shape.ts";
import { type Expr, mapLeaves } from "../expr.ts";
import type { Access, KernelBase, KernelKind } from "./base.ts";

/** Stores computed from loads alone. */
export interface MapKernel extends KernelBase {
  readonly kind: "map";
}

export const mapKind: KernelKind<MapKernel> = {
  operands: () => [],
  reduced: () => [],
  flops: () => 0,
  results: () => [],
};

/** A map seen over another domain of the same size, or undefined if strides cannot express it. */
export function mapOver(kernel: MapKernel, shape: Shape): MapKernel | undefined {
  if (sameShape(kernel.shape, shape)) return kernel;
  if (sizeOf(kernel.shape) !== sizeOf(shape)) return undefined;
  let possible = true;
  const restride = (strides: readonly number[]): readonly number[] => {
    const made = reshapeStrides(kernel.shape, strides, shape);
    if (!made) possible = false;
    return made?.map((stride, axis) => shape[axis] === 1 ? 0 : stride) ?? strides;
  };
  const access = <A extends Access>(each: A): A => ({ ...each, strides: restride(each.strides) });
  const memo = new Map<Expr, Expr>();
  const value = (e: Expr) =>
    mapLeaves(e, (leaf) => leaf.kind === "index" ? { ...leaf, strides: restride(leaf.strides) } : leaf, memo);
  const made: MapKernel = {
    kind: "map",
    shape,
    operands: [],
    loads: kernel.loads.map(access),
    stores: kernel.stores.map((store) => ({ ...access(store), value: value(store.value) })),
  };
  return possible ? made : undefined;
}
