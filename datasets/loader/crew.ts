/**
 * Workers that make batches, and how they are given work.
 *
 * They are threads of Node's API, which need no permission and can be let go of: they keep the process alive only while someone waits for
 * a batch.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { type Answer, type BatchRequest, type Failure, type Make, type Task, workerSource } from "./make.ts";

/** Who makes batches. */
export interface Crew {
  /** Begins to make a batch. */
  make(request: BatchRequest): Promise<unknown>;
  /** Waits for a batch that has been begun. */
  wait(batch: Promise<unknown>): Promise<unknown>;
  /** Lets go of it all: what has been begun is never made. */
  stop(): Promise<void>;
}

/** The main thread itself; `begin` gives what makes the batches, once the first is asked for. */
export function alone(begin: () => Make | Promise<Make>): Crew {
  let begun: Make | Promise<Make> | undefined;
  return {
    make: async (request) => (await (begun ??= begin()))(request),
    wait: (batch) => batch,
    stop: () => Promise.resolve(),
  };
}

/** A worker, and the batches it has been asked for. */
interface Hand {
  readonly worker: Worker;
  readonly asked: Map<number, PromiseWithResolvers<unknown>>;
}

/** Starts workers for a task. */
export function hire(count: number, task: Task): Crew {
  const source = new URL("data:text/javascript," + encodeURIComponent(workerSource()));
  let failed: Error | undefined;
  let waiting = 0;

  /** Nothing more will be made. */
  const fail = (error: Error) => {
    failed ??= error;
    for (const { asked } of hands) {
      for (const each of asked.values()) each.reject(failed);
      asked.clear();
    }
  };
  const hear = ({ asked }: Hand, answer: Answer) => {
    if (answer.kind === "failed" && answer.batch === undefined) return fail(errorOf(answer.error));
    const { batch } = answer;
    const each = asked.get(batch!);
    asked.delete(batch!);
    if (answer.kind === "made") each?.resolve(answer.made);
    else each?.reject(errorOf(answer.error));
  };
  const start = (): Hand => {
    // Without an environment of its own it would get a copy of ours, for which Deno would ask on a terminal.
    const worker = new Worker(source, { workerData: task, env: {} });
    const hand: Hand = { worker, asked: new Map() };
    worker.on("message", (answer: Answer) => hear(hand, answer));
    worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", () => fail(new Error("a worker has ended")));
    worker.unref();
    return hand;
  };
  const hands = Array.from({ length: count }, start);

  return {
    make(request) {
      if (failed) return Promise.reject(failed);
      const { worker, asked } = hands.reduce((least, hand) => hand.asked.size < least.asked.size ? hand : least);
      const each = Promise.withResolvers<unknown>();
      asked.set(request.batch, each);
      worker.postMessage(request);
      return each.promise;
    },
    async wait(batch) {
      if (waiting++ === 0) { for (const { worker } of hands) worker.ref(); }
      try {
        return await batch;
      } finally {
        if (--waiting === 0) { for (const { worker } of hands) worker.unref(); }
      }
    },
    async stop() {
      fail(new Error("the loader was left"));
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}

/** The error that a worker sent. */
function errorOf({ name, message, stack }: Failure): Error {
  const error = new Error(message);
  error.name = name;
  // The module's address is its whole text.
  if (stack) error.stack = stack.replace(/data:text\/javascript,[^\s)]*?(?=:\d+:\d+|[\s)]|$)/g, "loader worker");
  return error;
}
