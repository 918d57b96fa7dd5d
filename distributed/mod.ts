/**
 * Training by several processes: data-parallel over MPI, from the same script. It has an entry of its own, so that only who uses it loads it.
 *
 * ```sh
 * mpirun -n 2 deno run -A train.ts
 * ```
 *
 * @module
 */
export { init, type InitOptions } from "./init.ts";
export type { Processes } from "./processes.ts";
export {
  allGather,
  allReduce,
  averageGradients,
  barrier,
  broadcast,
  type BroadcastOptions,
  type ReductionName,
} from "./trees.ts";
