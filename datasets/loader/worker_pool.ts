/**
 * A pool of workers that make batches.
 *
 * They are threads of Node's API, which need no permission and can be unreferenced: they keep the process alive only while a batch is
 * awaited.
 *
 * @module
 */
import type { Worker } from "node:worker_threads";
import { nodeModule } from "../../core/runtime.ts";
import { type BatchRequest, type ErrorRecord, type Make, makeFor, type Reply, type Task, workerSource } from "./make.ts";

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

/** Starts workers for a task; where there are none, in a browser, the main thread makes the batches. */
export function startWorkers(count: number, task: Task): WorkerPool {
  const threads = nodeModule("node:worker_threads");
  return threads ? new WorkerThreads(count, task, threads.Worker) : mainThread(() => makeFor(task));
}

class WorkerThreads implements WorkerPool {
  readonly #workers: PoolWorker[] = [];
  /** Why the pool makes no more batches. */
  #failure: Error | undefined;
  /** How many batches are awaited. */
  #waiting = 0;

  constructor(count: number, task: Task, thread: typeof Worker) {
    // Without an environment of its own it would get a copy of this one, for which Deno would ask on a terminal.
    const options = { workerData: task, env: {} };
    const source = new URL("data:text/javascript," + encodeURIComponent(workerSource()));
    try {
      while (this.#workers.length < count) this.#workers.push(this.#start(new thread(source, options)));
    } catch (error) {
      for (const { worker } of this.#workers) void worker.terminate();
      throw error;
    }
  }

  #start(worker: Worker): PoolWorker {
    const started: PoolWorker = { worker, pending: new Map() };
    worker.on("message", (reply: Reply) => this.#receive(started, reply));
    worker.on("error", (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", () => this.#fail(new Error("a worker has ended")));
    worker.unref();
    return started;
  }

  #receive({ pending }: PoolWorker, reply: Reply): void {
    if (reply.kind === "error" && reply.batch === undefined) return this.#fail(errorOf(reply.error));
    const batch = pending.get(reply.batch!);
    pending.delete(reply.batch!);
    if (reply.kind === "result") batch?.resolve(reply.value);
    else batch?.reject(errorOf(reply.error));
  }

  /** Rejects all pending batches, and all that are requested later. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { pending } of this.#workers) {
      for (const batch of pending.values()) batch.reject(this.#failure);
      pending.clear();
    }
  }

  make(request: BatchRequest): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { worker, pending } = this.#workers.reduce((least, each) => each.pending.size < least.pending.size ? each : least);
    const batch = Promise.withResolvers<unknown>();
    worker.postMessage(request);
    pending.set(request.batch, batch);
    return batch.promise;
  }

  async wait(batch: Promise<unknown>): Promise<unknown> {
    if (this.#waiting++ === 0) { for (const { worker } of this.#workers) worker.ref(); }
    try {
      return await batch;
    } finally {
      if (--this.#waiting === 0) { for (const { worker } of this.#workers) worker.unref(); }
    }
  }

  async stop(): Promise<void> {
    this.#fail(new Error("the loader was stopped"));
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }
}

/** The error that a worker sent. */
function errorOf({ name, message, stack }: ErrorRecord): Error {
  const error = new Error(message);
  error.name = name;
  // The module's address is its whole text.
  if (stack) error.stack = stack.replace(/data:text\/javascript,[^\s)]*?(?=:\d+:\d+|[\s)]|$)/g, "loader worker");
  return error;
}
