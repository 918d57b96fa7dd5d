/**
 * The threads of a device: workers that are started when first needed and then wait in shared memory for commands, so that
 * a program starts on all of them without a message.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { dispatchModule } from "./codegen/synchronization.ts";
import { control, messageBytes } from "./control.ts";
import { maySleep } from "../../runtime.ts";
import type { SharedMemory } from "./memory.ts";
import { insideWorker, spawn } from "./spawn.ts";
import type { NativeCode } from "./native/native.ts";
import { commands, type WorkerData, workerSource } from "./worker.ts";

/** What runs: an entry of a loaded program, and where its memory is. */
export interface Work {
  /** Number of the program. */
  readonly program: number;
  readonly entry: number;
  readonly table: number;
  /** Private scratch memory of thread 0, and the bytes between those of neighbouring threads. */
  readonly scratch: number;
  readonly scratchSize: number;
  /** The main thread's own share. */
  readonly run: RunFunction;
}

/** An exported entry of a program's module. */
export type RunFunction = (table: number, thread: number, scratch: number) => void;

/** Milliseconds workers may take to start. */
const startLimit = 30_000;

/** Milliseconds after which an idle thread looks at its event loop, if it must. */
const idlePatience = 250;

/** What the main thread calls of `dispatchModule`. */
interface Dispatcher {
  publish(): void;
  allDone(count: number): void;
}

/** The main thread and its workers. */
export class ThreadPool {
  readonly #memory: SharedMemory;
  readonly #words: Int32Array;
  readonly #workers: number;
  readonly #spins: number;
  readonly #native: NativeCode["forWorkers"] | undefined;
  #dispatcher: Dispatcher | undefined;
  #ready = false;
  /** Workers that were spawned; more than are ready for a while. */
  #spawned = 0;
  /** Commands dispatched so far. */
  #dispatched = 0;
  /** How long workers may take to start, in milliseconds: after they have not once, no call waits for them again. */
  #patience = startLimit;
  /** Whether workers may still wait at the barrier of a program that failed. */
  #failed = false;

  constructor(memory: SharedMemory, threads: number, spins: number, native?: NativeCode["forWorkers"]) {
    this.#memory = memory;
    this.#words = memory.control;
    this.#workers = threads - 1;
    this.#spins = spins;
    this.#native = native;
  }

  /** Starts the workers if they are not; does not wait for them. */
  start(): void {
    if (this.#spawned === this.#workers) return;
    const { memory } = this.#memory;
    const bytes = dispatchModule(this.#spins, {
      mainSpins: maySleep ? undefined : Infinity,
      patience: insideWorker ? idlePatience : undefined,
    });
    this.#dispatcher ??= new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
      .exports as unknown as Dispatcher;
    const data = { memory, dispatchModule: bytes, control, messageBytes, commands, native: this.#native?.data };
    const source = workerSource(this.#native?.text);
    try {
      // After a failure the next call goes on with those that are missing.
      for (; this.#spawned < this.#workers; this.#spawned++) {
        spawn(source, { ...data, thread: this.#spawned + 1 } satisfies WorkerData);
      }
    } catch (cause) {
      throw new DeviceError("Cannot start worker threads here: create the wasm device with one thread", {
        threads: this.#workers + 1,
        started: this.#spawned,
      }, { cause });
    }
  }

  /**
   * Lets all workers load a program from a module's bytes in shared memory, and waits until they have. `native` is the offset of its
   * machine code, if there is some.
   *
   * @throws {DeviceError} If one of them could not; then none keeps it.
   */
  load(program: number, address: number, length: number, native = 0): void {
    const dispatcher = this.#started();
    this.#dispatch(dispatcher, [commands.load, program, address, length, native]);
    this.#wait(dispatcher);
    if (this.#words[control.failed / 4] === 0) return;
    const message = this.#recover(dispatcher);
    this.forget(program);
    throw deviceFailure(message);
  }

  /** Runs an entry on all threads and waits until all have finished. */
  run({ program, entry, table, scratch, scratchSize, run }: Work): void {
    const dispatcher = this.#started();
    this.#dispatch(dispatcher, [commands.run, program, entry, table, scratch, scratchSize]);
    let error: unknown;
    try {
      run(table, 0, scratch);
      if (this.#words[control.failed / 4] === 0) return;
    } catch (thrown) {
      // Set first: where the stack has run out, not even what follows can be called.
      this.#failed = true;
      error = thrown;
    }
    throw deviceFailure(this.#recover(dispatcher) ?? error);
  }

  /** Lets the workers drop a program. */
  forget(program: number): void {
    if (this.#ready) this.#dispatch(this.#dispatcher!, [commands.forget, program]);
  }

  #started(): Dispatcher {
    if (!this.#ready) {
      this.start();
      this.#awaitWorkers();
      this.#ready = true;
    }
    return this.#dispatcher!;
  }

  /**
   * Starts the workers and waits for them in the event loop: they start there, where a page's main thread or a worker starts them.
   *
   * @throws {DeviceError} If they do not start.
   */
  async started(): Promise<void> {
    this.start();
    for (const deadline = performance.now() + this.#patience; this.#workersReady < this.#workers;) {
      if (performance.now() > deadline) throw this.#notStarted();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #awaitWorkers(): void {
    const deadline = performance.now() + this.#patience;
    for (;;) {
      const ready = this.#workersReady;
      if (ready === this.#workers) return;
      const left = maySleep ? deadline - performance.now() : 0;
      if (left <= 0) throw this.#notStarted();
      Atomics.wait(this.#words, control.ready / 4, ready, left);
    }
  }

  get #workersReady(): number {
    return Atomics.load(this.#words, control.ready / 4);
  }

  #notStarted(): DeviceError {
    this.#patience = 0;
    const [threads, ready] = [this.#workers + 1, this.#workersReady];
    return new DeviceError(
      `Cannot run on ${threads} threads: only ${ready} of ${this.#workers} workers have started in ${startLimit / 1000} s, ` +
        "create the wasm device with one thread",
      { threads, ready },
    );
  }

  #dispatch(dispatcher: Dispatcher, command: readonly number[]): void {
    if (this.#failed) this.#recover(dispatcher);
    // The words of the last command may be overwritten only when all have read them.
    this.#wait(dispatcher);
    for (let i = 0; i < command.length; i++) this.#words[control.arguments / 4 + i] = command[i];
    dispatcher.publish();
    this.#dispatched = (this.#dispatched + 1) | 0;
  }

  /** Waits until all workers have finished the commands dispatched to them. */
  #wait(dispatcher: Dispatcher): void {
    dispatcher.allDone(Math.imul(this.#dispatched, this.#workers));
  }

  /**
   * After a failure: frees the threads that wait at a barrier, waits for all, resets the barrier; gives the message of a worker
   * that failed.
   */
  #recover(dispatcher: Dispatcher): string | undefined {
    const words = this.#words;
    const byWorker = Atomics.compareExchange(words, control.failed / 4, 0, -1) > 0;
    Atomics.add(words, control.opened / 4, 1);
    Atomics.notify(words, control.opened / 4);
    this.#wait(dispatcher);
    const message = byWorker ? this.#message() : undefined;
    words[control.arrived / 4] = 0;
    Atomics.store(words, control.failed / 4, 0);
    this.#failed = false;
    return message;
  }

  #message(): string {
    const length = this.#words[control.message / 4];
    const bytes = new Uint8Array(this.#words.buffer, control.message + 4, length).slice();
    return new TextDecoder().decode(bytes);
  }
}

/** The error for a program that failed while it ran. */
export function deviceFailure(cause: unknown): DeviceError {
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new DeviceError(`Cannot finish a program on wasm: ${text}`, { cause: text }, { cause });
}
