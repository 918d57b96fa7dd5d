/**
 * Starts worker threads. Those of Node's API need no permission, and with `unref` do not keep the process alive, both unlike
 * the Worker of browsers, which is what there is in a page.
 *
 * The process ends without waiting for them. A worker that used the library may end before it does; then its threads must, too, and
 * Deno tells them so in their event loops only, whichever API started them. (So it does the worker itself, which therefore never ends in
 * the middle of a program.)
 *
 * @module
 */
import { nodeModule } from "../../runtime.ts";

/** Whether this thread is a worker itself, so that those it starts must look at their event loops now and then. */
export const insideWorker: boolean = "DedicatedWorkerGlobalScope" in globalThis;

/**
 * Starts a thread that runs a function given as text, with some data. Takes some 20 milliseconds; workers that start workers would take
 * longer, since a worker whose parent is busy waits half a second.
 *
 * @param work The text of a function of the data.
 */
export function spawn(work: string, data: unknown): void {
  const threads = nodeModule("node:worker_threads");
  if (!threads) return spawnInBrowser(work, data);
  const source = `import { workerData } from "node:worker_threads";\n(${work})(workerData);`;
  // Without an environment of its own it would get a copy of ours, for which Deno would ask on a terminal.
  const worker = new threads.Worker(new URL("data:text/javascript," + encodeURIComponent(source)), { workerData: data, env: {} });
  // Failures are reported through shared memory.
  worker.on("error", () => {});
  worker.unref();
}

function spawnInBrowser(work: string, data: unknown): void {
  const source = `onmessage = ({ data }) => { onmessage = null; (${work})(data); };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onerror = (event) => event.preventDefault();
  worker.postMessage(data);
}
