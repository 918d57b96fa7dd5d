/**
 * Starts worker threads. Those of Node's API need no permission, and with `unref` do not keep the process alive, both unlike
 * the Worker of browsers.
 *
 * @module
 */
import { Worker } from "node:worker_threads";

/**
 * Starts a thread that runs a module given as text. Takes some 20 milliseconds; workers that start workers would take longer,
 * since a worker whose parent is busy waits half a second.
 */
export function spawn(source: string, workerData: unknown): void {
  // Without an environment of its own it would get a copy of ours, for which Deno would ask on a terminal.
  const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(source)), { workerData, env: {} });
  // Failures are reported through shared memory.
  worker.on("error", () => {});
  worker.unref();
}
