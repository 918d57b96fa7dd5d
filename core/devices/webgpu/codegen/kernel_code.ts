/**
 * What generators are given and what they return: a kernel with its surroundings, and the dispatches that compute it.
 *
 * @module
 */
import type { Kernel } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";

/** What of the adapter the generators depend on. */
export interface Target {
  /** Whether a processor acts as a GPU: barriers are slow, and few large invocations are better than many small ones. */
  readonly software: boolean;
  /**
   * Whether each operation is rounded by itself and as IEEE 754 has it: processors do so. GPUs fuse products with sums, and their
   * quotients and square roots are off by up to three units in the last place.
   */
  readonly roundsEachStep: boolean;
  /** The size of all subgroups, if they are consecutive in the workgroup and can broadcast; else 0. */
  readonly subgroupSize: number;
  /** Whether a shader that uses subgroups must say so. */
  readonly enablesSubgroups: boolean;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupBytes: number;
}

/** A kernel with its surroundings: what a generator works from. */
export interface KernelContext<K extends Kernel = Kernel> {
  readonly program: Program;
  readonly kernel: K;
  readonly target: Target;
}

/** A program buffer, or the kernel's scratch memory. */
export type BufferId = number | "scratch";

/** A buffer as one dispatch sees it. */
export interface Binding {
  readonly buffer: BufferId;
  readonly access: "read" | "read_write";
}

/** One `dispatchWorkgroups` and all that it needs. */
export interface Dispatch {
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** The dispatches of a kernel, in order, and how much memory they pass among themselves. */
export interface KernelCode {
  readonly dispatches: readonly Dispatch[];
  readonly scratchBytes: number;
}

/** A kernel that has nothing to do. */
export const noDispatches: KernelCode = { dispatches: [], scratchBytes: 0 };

/** A kernel of one dispatch, which needs no scratch memory. */
export function singleDispatch(dispatch: Dispatch): KernelCode {
  return { dispatches: [dispatch], scratchBytes: 0 };
}
