/**
 * Joining the other processes.
 *
 * @module
 */
import { flag, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { positive } from "../core/ranges.ts";
import { joinProcesses } from "../core/values/processes.ts";
import { allReduceTensor } from "./operations.ts";
import { join, type Processes } from "./processes.ts";

/** Options of `init`. */
export interface InitOptions {
  /** Seconds to wait for another process before an error names it. Default 30. */
  readonly timeout?: number;
  /** Whether jitted programs compute while values are exchanged. The results are the same; without it time is easier to attribute. Default true. */
  readonly overlap?: boolean;
}

const initOptions = optionTable<InitOptions>({ timeout: real, overlap: flag });

/**
 * Joins the other processes that `mpirun` (or `mpiexec`, or `srun`) started with this one; alone it is rank 0 of 1, needs no library, and all
 * exchanges give what they get. Later calls give the same.
 *
 * ```ts
 * import { init } from "./mod.ts";
 * const { rank, size } = init();
 * console.log(`process ${rank} of ${size}`); // process 0 of 1
 * ```
 *
 * @throws {DistributedError} If the library of the launcher is not installed, or Deno may not call it (`--allow-env --allow-ffi`).
 * @throws {RangeError} If the timeout is not above 0.
 */
export function init(options: InitOptions = {}): Processes {
  const { timeout = 30, overlap = true } = checkOptions(options, initOptions, "init");
  const processes = join(positive(timeout, "timeout"), overlap);
  joinProcesses(processes.size === 1 ? (x) => x : (x, name) => allReduceTensor(x, "sum", name));
  return processes;
}
