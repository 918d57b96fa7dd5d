/**
 * Elementwise kernels: their stores are all there is.
 *
 * @module
 */
import type { KernelBase, KernelKind } from "./base.ts";

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
