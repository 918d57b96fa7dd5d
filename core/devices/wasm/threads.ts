/**
 * The threads of a device: workers that are started when first needed and then wait in shared memory for commands, so that
 * a program starts on all of them without a message.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { commandWords, control, meetingModule, messageBytes } from "./codegen/control.ts";
import type { SharedMemory } from "./memory.ts";
import { spawn } from "./spawn.ts";
import { commands, type WorkerData, workerSource } from "./worker.ts";

/** What runs: an entry of a loaded program, and where its memory is. */
export interface Work {
  /** Number of the program, and where its module's bytes are for workers that have not loaded it. */
  readonly program: number;
  readonly bytes: number;
  readonly length: number;
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
  /** Commands given. */
  #given = 0;

  constructor(memory: SharedMemory, threads: number, spins: number) {
    this.#memory = memory;
    this.#words = memory.control;
    this.#workers = threads - 1;
    this.#spins = spins;
  }

  /** Starts the workers if they are not; does not wait for them. */
  start(): void {
    if (this.#meeting) return;
    const meeting = meetingModule(this.#spins);
    const data = { memory: this.#memory.memory, meeting, control, messageBytes, commands };
    const source = workerSource();
    try {
      for (let thread = 1; thread <= this.#workers; thread++) spawn(source, { ...data, thread } satisfies WorkerData);
    } catch (cause) {
      throw new DeviceError("Cannot start worker threads here: create the wasm device with one thread", {
        threads: this.#workers + 1,
      }, {
        cause,
      });
    }
    const module = new WebAssembly.Module(meeting);
    this.#meeting = new WebAssembly.Instance(module, { env: { memory: this.#memory.memory } }).exports as unknown as Meeting;
  }

  /** Runs an entry on all threads and waits until all have finished. */
  run(work: Work): void {
    const meeting = this.#started();
    this.#give(meeting, commands.run, work.program, work);
    let error: unknown;
    try {
      work.run(work.table, 0, work.scratch);
    } catch (thrown) {
      error = thrown;
      this.#recover(meeting, thrown);
    }
    if (error === undefined && this.#words[control.failed / 4] !== 0) this.#recover(meeting, undefined);
  }

  /** Lets the workers drop a program. */
  forget(program: number): void {
    if (this.#meeting) this.#give(this.#started(), commands.forget, program);
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

  #give(meeting: Meeting, kind: number, program: number, work?: Work): void {
    // The words of the last command may be overwritten only when all have read them.
    meeting.allDone(Math.imul(this.#given, this.#workers));
    const words = this.#words;
    const first = control.arguments / 4;
    words[first] = kind;
    words[first + 1] = program;
    if (work) { for (let i = 2; i < commandWords.length; i++) words[first + i] = work[commandWords[i] as keyof Work] as number; }
    this.#given = (this.#given + 1) | 0;
    meeting.publish();
  }

  /** After a failure: frees those who wait at a barrier, waits for all, sets the barrier back, and throws. */
  #recover(meeting: Meeting, cause: unknown): never {
    const words = this.#words;
    const byWorker = Atomics.compareExchange(words, control.failed / 4, 0, -1) !== 0;
    Atomics.add(words, control.opened / 4, 1);
    Atomics.notify(words, control.opened / 4);
    meeting.allDone(Math.imul(this.#given, this.#workers));
    words[control.arrived / 4] = 0;
    Atomics.store(words, control.failed / 4, 0);
    throw deviceFailure(byWorker ? this.#message() : cause);
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
