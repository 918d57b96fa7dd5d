/**
 * The functions by which threads share work and wait for each other: pieces of phases that whoever has time takes, and the dispatch of
 * commands to workers. They spin first, because a sleeping thread takes tens of microseconds to wake, and then sleep.
 *
 * Pieces are numbered from the beginning of the device on, through all phases and programs, so that no counter ever goes back. A thread
 * that comes late, since something else had its core, finds that the pieces were taken and finished meanwhile, and passes on; nobody
 * waits for it unless it holds a piece. Numbers have 64 bits: those of 32 would come round again while a thread is away.
 *
 * @module
 */
import { control, lineBytes, maxPages } from "../control.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { WasmModule } from "./assembler/module.ts";

/** Imports the memory that all modules share. */
export function importSharedMemory(module: WasmModule): WasmModule {
  return module.importMemory("env", "memory", 1, maxPages);
}

/** The functions by which the threads of a program share pieces: their indices. */
export interface PieceFunctions {
  /**
   * (thread, number of the phase's first piece: i64, pieces): takes a piece of the phase and gives its index in it, or -1 if there is none
   * left. A thread's own come first, so that in phase after phase it works on the same part of memory; then those of the others.
   */
  readonly take: number;
  /**
   * (finished: how many, end: i64): says that pieces are finished, and waits until all below number `end` are. Traps if a thread has
   * failed.
   */
  readonly finish: number;
  /** (end: i64): lets others do what is theirs: waits for a moment, at most until all pieces below number `end` are finished. */
  readonly yield: number;
}

/** How often a thread looks before it takes a piece that is another's to take: some microseconds. */
const yieldSpins = 2000;

/** Writes the functions by which the threads of a program share pieces. */
export function pieceFunctions(module: WasmModule, threads: number, spins: number): PieceFunctions {
  const reached = (c: FunctionWriter, end: number) => c.i32(control.finished).mem("i64.atomic.load").get(end).op("i64.ge_s");
  return {
    take: module.func({ params: ["i32", "i64", "i32"], results: ["i32"] }, (c) => takePiece(c, threads)),
    yield: module.func({ params: ["i64"] }, (c) => {
      const spin = c.local("i32");
      c.block(() => {
        c.for(spin, 0, Math.min(yieldSpins, spins), 1, () => reached(c, 0).brIf(2));
      });
    }),
    finish: module.func({ params: ["i32", "i64"] }, (c) => {
      const [finished, end] = [0, 1];
      c.get(finished).if(() => {
        const number = () => c.get(finished).op("i64.extend_i32_u");
        c.i32(control.finished);
        number().mem("i64.atomic.rmw.add");
        number().op("i64.add").get(end).op("i64.eq").if(() => wake(c, control.finished, control.finishedSleepers));
      });
      waitUntil(c, () => reached(c, end), spins);
      trapIfFailed(c);
    }),
  };
}

/** Writes the body of `PieceFunctions.take`. */
function takePiece(c: FunctionWriter, threads: number): void {
  const [thread, begin, pieces] = [0, 1, 2];
  const [owner, first, count] = c.locals("i32", 3);
  const [taken, next] = c.locals("i64", 2);
  const address = () => c.get(owner).i32(lineBytes).op("i32.mul");
  /** Owner t has the pieces from ceil(t pieces / threads) on. */
  const pushFirst = (after: number) =>
    c.get(owner).i32(after).op("i32.add").get(pieces).op("i32.mul").i32(threads - 1).op("i32.add").i32(threads).op("i32.div_u");
  c.get(thread).set(owner);
  c.repeat(threads, () => {
    pushFirst(0).set(first);
    pushFirst(1).get(first).op("i32.sub").set(count);
    c.block(() => {
      c.loop(() => {
        // What was taken before this phase began counts as nothing.
        address().mem("i64.atomic.load", control.taken).set(taken);
        c.get(begin).get(taken).get(taken).get(begin).op("i64.lt_s").op("select").set(next);
        const pushIndex = () => c.get(next).get(begin).op("i64.sub");
        pushIndex().get(count).op("i64.extend_i32_u").op("i64.ge_s").brIf(1);
        address().get(taken).get(next).i64(1).op("i64.add").mem("i64.atomic.rmw.cmpxchg", control.taken);
        c.get(taken).op("i64.eq").if(() => {
          c.get(first);
          pushIndex().op("i32.wrap_i64").op("i32.add").op("return");
        });
        c.br(0);
      });
    });
    c.increment(owner, 1).get(owner).i32(threads).op("i32.eq").if(() => c.i32(0).set(owner));
  });
  c.i32(-1);
}

/**
 * The module that dispatches commands. The main thread calls `publish()` to announce one and `allDone(count)` to wait until
 * commands have been finished `count` times; a worker calls `nextCommand(old)` to wait for another number than `old`, and
 * `finish(count)` when it has carried out, or passed over, that many.
 *
 * @param options.mainSpins How often the main thread looks before it sleeps. Default as the workers.
 * @param options.patience How many milliseconds `nextCommand` waits at most; it then returns `old`. Default for ever.
 */
export function dispatchModule(
  spins: number,
  { mainSpins = spins, patience }: { readonly mainSpins?: number; readonly patience?: number } = {},
): Uint8Array<ArrayBuffer> {
  const module = importSharedMemory(new WasmModule());
  module.func({ params: ["i32"], results: ["i32"], export: "nextCommand" }, (c) => {
    waitWhileEqual(c, control.command, control.commandSleepers, 0, spins, patience);
    atomicLoad(c, control.command);
  });
  module.func({ params: ["i32"], export: "finish" }, (c) => {
    c.i32(control.done).get(0).mem("i32.atomic.rmw.add").op("drop");
    wake(c, control.done, control.doneSleepers);
  });
  module.func({ params: ["i32"], export: "allDone" }, (c) => {
    const now = c.local("i32");
    c.block(() => {
      c.loop(() => {
        atomicLoad(c, control.done).tee(now).get(0).op("i32.eq").brIf(1);
        waitWhileEqual(c, control.done, control.doneSleepers, now, mainSpins);
        c.br(0);
      });
    });
  });
  module.func({ params: [], export: "publish" }, (c) => {
    c.i32(control.command).i32(1).mem("i32.atomic.rmw.add").op("drop");
    wake(c, control.command, control.commandSleepers);
  });
  return module.finish();
}

function atomicLoad(c: FunctionWriter, address: number): FunctionWriter {
  return c.i32(address).mem("i32.atomic.load");
}

function trapIfFailed(c: FunctionWriter): void {
  atomicLoad(c, control.failed).if(() => c.op("unreachable"));
}

/** Wakes all threads that sleep at an address; cheap if none does. */
function wake(c: FunctionWriter, address: number, sleepers: number): void {
  atomicLoad(c, sleepers).if(() => c.i32(address).i32(-1).mem("memory.atomic.notify").op("drop"));
}

/**
 * Waits until what `reached` pushes is not 0, or a thread has failed, looking at it anew whenever pieces have been finished. It never
 * sleeps if `spins` is infinite.
 */
function waitUntil(c: FunctionWriter, reached: () => FunctionWriter, spins: number): void {
  c.block(() => {
    if (spins === Infinity) {
      return void c.loop(() => {
        reached().brIf(1);
        atomicLoad(c, control.failed).op("i32.eqz").brIf(0);
      });
    }
    const [spin, seen] = c.locals("i32", 2);
    c.for(spin, 0, spins, 1, () => reached().brIf(2));
    // Counted before looking again, so that the thread that finishes the last piece sees a sleeper, or is seen.
    c.i32(control.finishedSleepers).i32(1).mem("i32.atomic.rmw.add").op("drop");
    c.block(() => {
      c.loop(() => {
        atomicLoad(c, control.finished).set(seen);
        reached().brIf(1);
        atomicLoad(c, control.failed).brIf(1);
        c.i32(control.finished).get(seen).i64(-1).mem("memory.atomic.wait32").op("drop").br(0);
      });
    });
    c.i32(control.finishedSleepers).i32(1).mem("i32.atomic.rmw.sub").op("drop");
    c.release("i32", spin, seen);
  });
}

/** What `memory.atomic.wait32` gives when its time is over. */
const timedOut = 2;

/**
 * Waits while the word at an address has the value of a local; no longer than `patience` milliseconds, if that is given. It never sleeps
 * if `spins` is infinite.
 */
function waitWhileEqual(
  c: FunctionWriter,
  address: number,
  sleepers: number,
  old: number,
  spins: number,
  patience?: number,
): void {
  const unchanged = () => atomicLoad(c, address).get(old).op("i32.eq");
  if (spins === Infinity) return void c.loop(() => unchanged().brIf(0));
  const spin = c.local("i32");
  c.block(() => {
    c.i32(spins).set(spin);
    c.loop(() => {
      unchanged().op("i32.eqz").brIf(1);
      c.increment(spin, -1).get(spin).i32(0).op("i32.gt_s").brIf(0);
    });
    // Counted before looking again, so that the thread that changes the word sees a sleeper, or its change is seen.
    c.i32(sleepers).i32(1).mem("i32.atomic.rmw.add").op("drop");
    c.block(() => {
      c.loop(() => {
        c.i32(address).get(old).i64(patience === undefined ? -1 : patience * 1e6).mem("memory.atomic.wait32");
        c.i32(timedOut).op("i32.eq").brIf(1);
        unchanged().brIf(0);
      });
    });
    c.i32(sleepers).i32(1).mem("i32.atomic.rmw.sub").op("drop");
  });
  c.release("i32", spin);
}
