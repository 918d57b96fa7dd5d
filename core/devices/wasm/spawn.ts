/**
 * Starts worker threads. Those of Node's API need no permission, and with `unref` do not keep the process alive, both unlike
 * the Worker of browsers.
 *
 * The process ends without waiting for them. A worker that used the library may end before it does; then its threads must, too, and
 * Deno tells them so in their event loops only, whichever API started them. (So it does the worker itself, which therefore never ends in
 * the middle of a program.)
 *
 * @module
 */
import { Worker } from "node:worker_threads";

/** Whether this thread is a worker itself, so that those it starts must look at their event loops now and then. */
export const insideWorker: boolean = "DedicatedWorkerGlobalScope" in globalThis;

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
