/**
 * The threads of a device: workers that are started when first needed and then wait in shared memory for commands, so that
 * a program starts on all of them without a message.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { dispatchModule } from "./codegen/synchronization.ts";
import { control, lineBytes, messageBytes } from "./control.ts";
import { maySleep } from "../../runtime.ts";
import type { SharedMemory } from "./memory.ts";
import { insideWorker, spawn } from "./spawn.ts";
import type { NativeCode } from "./native/native.ts";
import { beginWord, commands, type RunFunction, type WorkerData, workerSource } from "./worker.ts";

/** What runs: an entry of a loaded program, and where its memory is. */
export interface Work {
  /** Number of the program. */
  readonly program: number;
  readonly entry: number;
  readonly table: number;
  /** Private scratch memory of thread 0, and the bytes between those of neighbouring threads. */
  readonly scratch: number;
  readonly scratchSize: number;
  /** How many pieces of work the threads share. */
  readonly pieces: bigint;
  /** The entry as the main thread runs it. */
  readonly run: RunFunction;
}

/** Milliseconds workers may take to start. */
const startLimit = 30_000;

/**
 * How many times longer a worker looks for a command than threads do for each other's pieces: a quarter of a millisecond, in which a training
 * loop has mostly read its loss and begun the next step. Where the worker sleeps, the first kernel is the main thread's alone.
 */
const idleSpins = 4;

/** Milliseconds of work for which a worker is started: about as long as its start takes. */
const leastWork = 20;

/** Operations of a program, multiply-adds in vectors most of them, in a millisecond of one thread. */
const operationsPerMillisecond = 2e7;

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
  readonly #longWords: BigInt64Array;
  readonly #workers: number;
  readonly #spins: number;
  readonly #native: NativeCode["forWorkers"] | undefined;
  #dispatcher: Dispatcher | undefined;
  #ready = false;
  /** Workers that were spawned; more than are ready for a while. */
  #spawned = 0;
  /** Milliseconds that programs which could be shared have run without them. */
  #alone = 0;
  /** Commands dispatched so far, and whether workers may pass over the last one. */
  #dispatched = 0;
  #optional = true;
  /** Pieces of all runs so far. */
  #pieces = 0n;
  /** How long workers may take to start, in milliseconds: after they have not once, no call waits for them again. */
  #patience = startLimit;
  /** Whether workers may still wait for pieces of a program that failed. */
  #failed = false;
  /** Finishes what was begun, if nobody has. */
  #begun: (() => void) | undefined;

  constructor(memory: SharedMemory, threads: number, spins: number, native?: NativeCode["forWorkers"]) {
    this.#memory = memory;
    this.#words = memory.control;
    this.#longWords = new BigInt64Array(this.#words.buffer, 0, this.#words.length / 2);
    this.#workers = threads - 1;
    this.#spins = spins;
    this.#native = native;
  }

  /**
   * Whether the workers are to help with a program of so many operations that is about to run: they are there, or it and what the main
   * thread has done alone are worth their start.
   */
  helpsWith(operations: number): boolean {
    if (this.#spawned === this.#workers) return true;
    return this.#alone + operations / operationsPerMillisecond >= leastWork * this.#workers;
  }

  /** Notes that a program which could have been shared has taken the main thread so long. */
  ranAlone(milliseconds: number): void {
    this.#alone += milliseconds;
  }

  /** Starts the workers if they are not; does not wait for them. */
  #start(): void {
    if (this.#spawned === this.#workers) return;
    const { memory } = this.#memory;
    const bytes = dispatchModule(idleSpins * this.#spins, {
      mainSpins: maySleep ? this.#spins : Infinity,
      patience: insideWorker ? idlePatience : undefined,
    });
    this.#dispatcher ??= new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
      .exports as unknown as Dispatcher;
    const forNative = this.#native?.data;
    const data = { memory, dispatchModule: bytes, control, lineBytes, messageBytes, commands, beginWord, native: forNative };
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
    this.#makeReady();
    this.#dispatch([commands.load, program, address, length, native]);
    this.#wait();
    if (this.#words[control.failed / 4] === 0) return;
    const message = this.#recover();
    this.forget(program);
    throw deviceFailure(message);
  }

  /**
   * Runs an entry, on all threads if the workers are there, which must have loaded it then, and waits until all its pieces are finished. A
   * worker that comes too late for them passes over the command.
   */
  run(work: Work): void {
    this.#takePart(work, this.#publish(work));
  }

  /**
   * Lets the workers run an entry; the function that it gives takes part, and returns or throws when all is finished. So does `settle`, which
   * must come before anything that its memory is used for.
   */
  begin(work: Work): () => void {
    const begin = this.#publish(work);
    let failure: { readonly error: unknown } | undefined;
    const finish = (): void => {
      this.#begun = undefined;
      try {
        this.#takePart(work, begin);
      } catch (error) {
        failure = { error };
      }
    };
    this.#begun = finish;
    return () => {
      if (this.#begun === finish) finish();
      if (failure) throw failure.error;
    };
  }

  /** Finishes what was begun; whoever has begun it is told of a failure. */
  settle(): void {
    this.#begun?.();
  }

  /** Gives the number of the first piece. */
  #publish({ program, entry, table, scratch, scratchSize, pieces }: Work): bigint {
    const begin = this.#pieces;
    if (this.#ready) this.#dispatch([commands.run, program, entry, table, scratch, scratchSize], begin);
    else if (this.#failed) this.#recover();
    this.#pieces += pieces;
    return begin;
  }

  #takePart({ table, scratch, run }: Work, begin: bigint): void {
    let error: unknown;
    try {
      run(table, 0, scratch, begin);
      if (this.#words[control.failed / 4] === 0) return;
    } catch (thrown) {
      // Set first: where the stack has run out, not even what follows can be called.
      this.#failed = true;
      error = thrown;
    }
    throw deviceFailure(this.#recover() ?? error);
  }

  /** Lets the workers drop a program. */
  forget(program: number): void {
    if (this.#ready) this.#dispatch([commands.forget, program]);
  }

  #makeReady(): void {
    if (this.#ready) return;
    this.#start();
    this.#awaitWorkers();
    this.#ready = true;
  }

  /**
   * Starts the workers and waits for them in the event loop: they start there, where a page's main thread or a worker starts them.
   *
   * @throws {DeviceError} If they do not start.
   */
  async started(): Promise<void> {
    this.#start();
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

  /** Publishes a command; `begin` is there if it is one to run. */
  #dispatch(command: readonly number[], begin?: bigint): void {
    if (this.#failed) this.#recover();
    if (!this.#optional) this.#wait();
    this.#dispatched = (this.#dispatched + 1) | 0;
    // Beside the words of the last command, which a worker may be reading; if it sees those of the one before change, it sees a new command.
    const line = control.arguments + (this.#dispatched & 1) * lineBytes;
    for (let i = 0; i < command.length; i++) this.#words[line / 4 + i] = command[i];
    if (begin !== undefined) this.#longWords[line / 8 + beginWord] = begin;
    this.#optional = begin !== undefined;
    this.#dispatcher!.publish();
  }

  /** Waits until all workers have carried out the commands dispatched to them, or passed over them. */
  #wait(): void {
    if (this.#ready) this.#dispatcher!.allDone(Math.imul(this.#dispatched, this.#workers));
  }

  /**
   * After a failure: frees the threads that wait for pieces, waits for all, counts all pieces as finished; gives the message of a worker
   * that failed.
   */
  #recover(): string | undefined {
    const words = this.#words;
    const byWorker = Atomics.compareExchange(words, control.failed / 4, 0, -1) > 0;
    Atomics.add(words, control.finished / 4, 1);
    Atomics.notify(words, control.finished / 4);
    this.#wait();
    const message = byWorker ? this.#message() : undefined;
    Atomics.store(this.#longWords, control.finished / 8, this.#pieces);
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
