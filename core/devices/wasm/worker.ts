/**
 * The worker: waits for commands in shared memory and runs its share of programs. It returns to its event loop only where it must, to
 * hear that its parent has ended.
 *
 * Its source is the text of a function, so that it needs no file of its own and works wherever the library was imported from.
 *
 * @module
 */
import { doubleMathText } from "../../ir/functions/double.ts";
import type { control } from "./control.ts";
import type { NativeCall, nativeThread, NativeThreadData } from "./native/thread.ts";

/** An exported entry of a program's module; `begin` is the number of its first piece, if threads share the work. */
export type RunFunction = (table: number, thread: number, scratch: number, begin: bigint) => void;

/** What a worker is given. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  /** The bytes of `dispatchModule`. */
  readonly dispatchModule: Uint8Array<ArrayBuffer>;
  readonly control: typeof control;
  readonly lineBytes: number;
  readonly messageBytes: number;
  readonly commands: typeof commands;
  /** For machine code, if there is some. */
  readonly native: NativeThreadData | undefined;
  readonly beginWord: number;
}

/**
 * Kinds of commands, the first of their words; the second is the number of a program. Then follow for `load` the address and the
 * length of its module and the offset of its machine code, for `run` what `Work` says.
 */
export const commands = { load: 0, run: 1, forget: 2 } as const;

/** Which word of 64 bits of a command says the number of the first piece. */
export const beginWord = 3;

/** The text of the worker's function of its data; `native` is that of `nativeThread`, where there is machine code. */
export function workerSource(native = "undefined"): string {
  return `(data) => (${work})(data, () => ${doubleMathText}, ${native})`;
}

/** Executes commands for ever. It refers to nothing outside itself, as its text is what runs. */
async function work(
  data: WorkerData,
  makeHost: () => WebAssembly.ModuleImports,
  openNative: typeof nativeThread | undefined,
): Promise<void> {
  const { memory, thread, control } = data;
  const words = new Int32Array(memory.buffer, 0, 4096);
  const longWords = new BigInt64Array(memory.buffer, 0, 2048);
  let host: WebAssembly.ModuleImports | undefined;
  let callOf: ((program: number) => NativeCall) | undefined;
  // Each is made for the first program that needs it.
  const importsOf = (nativeOffset: number) => ({
    env: { memory },
    get host() {
      return host ??= makeHost();
    },
    get native() {
      return { call: (callOf ??= openNative!(data.native!.library)(data.native!, memory, thread))(nativeOffset) };
    },
  });
  const load = (bytes: Uint8Array<ArrayBuffer>, native = 0) =>
    new WebAssembly.Instance(new WebAssembly.Module(bytes), importsOf(native)).exports;
  const dispatcher = load(data.dispatchModule) as { nextCommand: (old: number) => number; finish: (count: number) => void };
  const programs = new Map<number, WebAssembly.Exports>();

  /** Where the words of a command begin. */
  const lineOf = (command: number) => control.arguments + (command & 1) * data.lineBytes;

  const execute = ([kind, program, ...rest]: Int32Array, begin: bigint) => {
    switch (kind) {
      case data.commands.load: {
        const [address, length, native] = rest;
        // Compiled from a copy: code cannot be read from shared memory.
        programs.set(program, load(new Uint8Array(memory.buffer, address >>> 0, length).slice(), native));
        return;
      }
      case data.commands.run: {
        const [entry, table, scratch, scratchSize] = rest;
        const run = programs.get(program)!["run" + entry] as RunFunction;
        return run(table, thread, scratch + thread * scratchSize, begin);
      }
      default:
        programs.delete(program);
    }
  };

  /** Reports the first failure, and frees the threads that wait for its pieces. */
  const fail = (error: unknown) => {
    if (Atomics.compareExchange(words, control.failed / 4, 0, thread) === 0) {
      words[control.message / 4] = 0;
      try {
        const text = new TextEncoder().encode(String(error)).subarray(0, data.messageBytes);
        new Uint8Array(memory.buffer, control.message + 4, text.length).set(text);
        words[control.message / 4] = text.length;
      } catch {
        // There may be no memory left for a message. Freeing the threads that wait matters more.
      }
    }
    Atomics.add(words, control.finished / 4, 1);
    Atomics.notify(words, control.finished / 4);
  };

  let command = Atomics.load(words, control.command / 4);
  Atomics.add(words, control.ready / 4, 1);
  Atomics.notify(words, control.ready / 4);
  for (;;) {
    const next = dispatcher.nextCommand(command);
    if (next === command) {
      // If its parent has ended, so does it now.
      await new Promise((resolve) => setTimeout(resolve));
      continue;
    }
    const line = lineOf(next);
    const [own, begin] = [words.slice(line / 4, line / 4 + 6), longWords[line / 8 + data.beginWord]];
    // Another command may be there already: this one was to be run, and others have done all of it.
    if (Atomics.load(words, control.command / 4) !== next) continue;
    const count = (next - command) | 0;
    command = next;
    try {
      execute(own, begin);
    } catch (error) {
      fail(error);
    }
    dispatcher.finish(count);
  }
}
