/**
 * The threads of a device: workers that are started when first needed and then wait in shared memory for commands, so that
 * a program starts on all of them without a message.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { control, meetingModule, messageBytes } from "./codegen/control.ts";
import type { SharedMemory } from "./memory.ts";
import { spawn } from "./spawn.ts";
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

interface Meeting {
  publish(): void;
  allDone(count: number): void;
}

/** The main thread and its workers. */
export class ThreadPool {
  readonly #memory: SharedMemory;
  readonly #words: Int32Array;
  readonly #workers: number;
  readonly #spins: number;
  #meeting: Meeting | undefined;
  #ready = false;
  /** Workers that were spawned; more than are ready for a while. */
  #spawned = 0;
  /** Commands given. */
  #given = 0;
  /** Whether workers may still wait at the barrier of a program that failed. */
  #failed = false;

  constructor(memory: SharedMemory, threads: number, spins: number) {
    this.#memory = memory;
    this.#words = memory.control;
    this.#workers = threads - 1;
    this.#spins = spins;
  }

  /** Starts the workers if they are not; does not wait for them. */
  start(): void {
    if (this.#spawned === this.#workers) return;
    const { memory } = this.#memory;
    const meeting = meetingModule(this.#spins);
    this.#meeting ??= new WebAssembly.Instance(new WebAssembly.Module(meeting), { env: { memory } })
      .exports as unknown as Meeting;
    const data = { memory, meeting, control, messageBytes, commands };
    const source = workerSource();
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
   * Lets all workers load a program from a module's bytes in shared memory, and waits until they have.
   *
   * @throws {DeviceError} If one of them could not; then none keeps it.
   */
  load(program: number, address: number, length: number): void {
    const meeting = this.#started();
    this.#give(meeting, [commands.load, program, address, length]);
    this.#wait(meeting);
    if (this.#words[control.failed / 4] === 0) return;
    const said = this.#recover(meeting);
    this.forget(program);
    throw deviceFailure(said);
  }

  /** Runs an entry on all threads and waits until all have finished. */
  run({ program, entry, table, scratch, scratchSize, run }: Work): void {
    const meeting = this.#started();
    this.#give(meeting, [commands.run, program, entry, table, scratch, scratchSize]);
    let error: unknown;
    try {
      run(table, 0, scratch);
      if (this.#words[control.failed / 4] === 0) return;
    } catch (thrown) {
      // Noted first: where the stack has run out, not even what follows can be called.
      this.#failed = true;
      error = thrown;
    }
    throw deviceFailure(this.#recover(meeting) ?? error);
  }

  /** Lets the workers drop a program. */
  forget(program: number): void {
    if (this.#ready) this.#give(this.#meeting!, [commands.forget, program]);
  }

  #started(): Meeting {
    if (!this.#ready) {
      this.start();
      const place = control.ready / 4;
      const deadline = performance.now() + startLimit;
      for (;;) {
        const ready = Atomics.load(this.#words, place);
        if (ready === this.#workers) break;
        const left = deadline - performance.now();
        if (left <= 0) {
          throw new DeviceError(
            `Cannot run on ${this.#workers + 1} threads: only ${ready} workers have started in ${startLimit / 1000} s`,
            {
              threads: this.#workers + 1,
              ready,
            },
          );
        }
        Atomics.wait(this.#words, place, ready, left);
      }
      this.#ready = true;
    }
    return this.#meeting!;
  }

  #give(meeting: Meeting, command: readonly number[]): void {
    if (this.#failed) this.#recover(meeting);
    // The words of the last command may be overwritten only when all have read them.
    this.#wait(meeting);
    for (let i = 0; i < command.length; i++) this.#words[control.arguments / 4 + i] = command[i];
    meeting.publish();
    this.#given = (this.#given + 1) | 0;
  }

  /** Waits until all workers have done what was given to them. */
  #wait(meeting: Meeting): void {
    meeting.allDone(Math.imul(this.#given, this.#workers));
  }

  /** After a failure: frees those who wait at a barrier, waits for all, sets the barrier back; gives what a worker said that failed. */
  #recover(meeting: Meeting): string | undefined {
    const words = this.#words;
    const byWorker = Atomics.compareExchange(words, control.failed / 4, 0, -1) > 0;
    Atomics.add(words, control.opened / 4, 1);
    Atomics.notify(words, control.opened / 4);
    this.#wait(meeting);
    const said = byWorker ? this.#message() : undefined;
    words[control.arrived / 4] = 0;
    Atomics.store(words, control.failed / 4, 0);
    this.#failed = false;
    return said;
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
