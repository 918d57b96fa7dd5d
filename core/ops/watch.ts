/**
 * Watching operations as they are applied: which one it is, on whose behalf, in which layer. Only debugging does so; otherwise it is
 * one comparison for each operation.
 *
 * @module
 */
import type { Tensor } from "../tensor.ts";

/**
 * Why a transform applies an operation: for the derivative of one that was applied before, or to do that one again on other tensors (for a
 * whole batch, in a loop, for a gradient that needs it), which was watched then.
 */
export type Purpose = "gradient" | "tangent" | "again";

/** What operations make for a transform. */
export type Made = Tensor | undefined | readonly (Tensor | undefined)[];

/** What is told of operations. */
export interface Watcher {
  /** An operation was applied, which made this tensor. */
  applied(made: Tensor): void;
  /** Calls `run`, which applies operations on behalf of the one that made `step`; what is not needed for what it returns does not count. */
  onBehalf<R extends Made>(purpose: Purpose, step: Tensor, run: () => R): R;
  /** Calls `run` within a layer. */
  inLayer<R>(name: string, run: () => R): R;
}

let watcher: Watcher | undefined;

/** Sets who is told; undefined for nobody. */
export function watchOperations(chosen: Watcher | undefined): void {
  watcher = chosen;
}

/** Tells of an operation that was applied. */
export function noteApplied(made: Tensor): void {
  if (watcher) watcher.applied(made);
}

/** Calls `run`, which applies operations on behalf of the one that made `step`; what is not needed for what it returns does not count. */
export function onBehalf<R extends Made>(purpose: Purpose, step: Tensor, run: () => R): R {
  return watcher ? watcher.onBehalf(purpose, step, run) : run();
}

/** Calls `run` within a layer of this name. */
export function inLayer<R>(name: string, run: () => R): R {
  return watcher ? watcher.inLayer(name, run) : run();
}
