/**
 * The other processes, for what is below those that speak with them: a layer can ask for a sum over all without knowing of MPI.
 *
 * @module
 */
import { DistributedError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";

/** The sum of a tensor over all processes; `name` says what it is, the same on all. */
export type SumOverProcesses = (x: Tensor, name: string) => Tensor;

let joined: SumOverProcesses | undefined;

/** Tells how the processes that were joined add up tensors. */
export function joinProcesses(sum: SumOverProcesses): void {
  joined = sum;
}

/**
 * Adds up tensors over all processes.
 *
 * @throws {DistributedError} If none were joined.
 */
export function sumOverProcesses(what: string): SumOverProcesses {
  if (joined) return joined;
  throw new DistributedError(
    `Cannot ${what} over all processes before init() of distributed/mod.ts was called, which joins them`,
  );
}
