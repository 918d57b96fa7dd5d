/**
 * A pool of workers that make batches.
 *
 * They are threads of Node's API, which need no permission and can be unreferenced: they keep the process alive only while a batch is
 * awaited.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { type BatchRequest, type ErrorRecord, type Make, type Reply, type Task, workerSource } from "./make.ts";

/** What makes batches: some workers, or the main thread. */
export interface WorkerPool {
  /** Starts making a batch. */
  make(request: BatchRequest): Promise<unknown>;
  /** Awaits a batch that was started. */
  wait(batch: Promise<unknown>): Promise<unknown>;
  /** Terminates the workers; batches that are not finished are rejected. */
  stop(): Promise<void>;
}

/** The main thread in place of a pool; `start` gives the function that makes batches, and is called for the first one. */
export function mainThread(start: () => Make | Promise<Make>): WorkerPool {
  let started: Make | Promise<Make> | undefined;
  return {
    make: async (request) => (await (started ??= start()))(request),
    wait: (batch) => batch,
    stop: () => Promise.resolve(),
  };
}

/** A worker, and the batches that were requested from it, by number. */
interface PoolWorker {
  readonly worker: Worker;
  readonly pending: Map<number, PromiseWithResolvers<unknown>>;
}

/** Starts workers for a task. */
export function startWorkers(count: number, task: Task): WorkerPool {
  const source = new URL("data:text/javascript," + encodeURIComponent(workerSource()));
  let failed: Error | undefined;
  let waiting = 0;

  /** Rejects all pending batches, and all that are requested later. */
  const fail = (error: Error) => {
    failed ??= error;
    for (const { pending } of workers) {
      for (const batch of pending.values()) batch.reject(failed);
      pending.clear();
    }
  };
  const onMessage = ({ pending }: PoolWorker, reply: Reply) => {
    if (reply.kind === "error" && reply.batch === undefined) return fail(errorOf(reply.error));
    const batch = pending.get(reply.batch!);
    pending.delete(reply.batch!);
    if (reply.kind === "result") batch?.resolve(reply.value);
    else batch?.reject(errorOf(reply.error));
  };
  const start = (): PoolWorker => {
    // Without an environment of its own it would get a copy of this one, for which Deno would ask on a terminal.
    const worker = new Worker(source, { workerData: task, env: {} });
    const started: PoolWorker = { worker, pending: new Map() };
    worker.on("message", (reply: Reply) => onMessage(started, reply));
    worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", () => fail(new Error("a worker has ended")));
    worker.unref();
    return started;
  };
  const workers: PoolWorker[] = [];
  try {
    while (workers.length < count) workers.push(start());
  } catch (error) {
    for (const { worker } of workers) void worker.terminate();
    throw error;
  }

  return {
    make(request) {
      if (failed) return Promise.reject(failed);
      const { worker, pending } = workers.reduce((least, each) => each.pending.size < least.pending.size ? each : least);
      const batch = Promise.withResolvers<unknown>();
      worker.postMessage(request);
      pending.set(request.batch, batch);
      return batch.promise;
    },
    async wait(batch) {
      if (waiting++ === 0) { for (const { worker } of workers) worker.ref(); }
      try {
        return await batch;
      } finally {
        if (--waiting === 0) { for (const { worker } of workers) worker.unref(); }
      }
    },
    async stop() {
      fail(new Error("the loader was stopped"));
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    },
  };
}

/** The error that a worker sent. */
function errorOf({ name, message, stack }: ErrorRecord): Error {
  const error = new Error(message);
  error.name = name;
  // The module's address is its whole text.
  if (stack) error.stack = stack.replace(/data:text\/javascript,[^\s)]*?(?=:\d+:\d+|[\s)]|$)/g, "loader worker");
  return error;
}
