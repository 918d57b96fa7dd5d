/**
 * Computing before anybody reads: where graphs are built it shows that they should not grow, but what computes them is above.
 *
 * @module
 */
import type { Tensor } from "../tensor.ts";

/** What computes tensors. */
export interface Executor {
  /** Computes tensors that are pending now, in one program. */
  compute(tensors: readonly Tensor[]): void;
  /** Looks at a tensor whose history seems to be longer than `longest` operations, and computes it if that is so. */
  shorten(tensor: Tensor, longest: number): void;
}

let executor: Executor | undefined;

/** Sets what computes; `core/execution/realize.ts` does. */
export function executeBy(chosen: Executor): void {
  executor = chosen;
}

/** Computes tensors now. */
export function computeNow(tensors: readonly Tensor[]): void {
  executor?.compute(tensors);
}

/** Computes a tensor if its history is longer than `longest` operations. */
export function shortenHistory(tensor: Tensor, longest: number): void {
  executor?.shorten(tensor, longest);
}
