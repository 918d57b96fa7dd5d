/**
 * The functions by which threads wait for each other: the barrier between phases, and the dispatch of commands to workers. They
 * spin first, because a sleeping thread takes tens of microseconds to wake, and then sleep.
 *
 * @module
 */
import { control, maxPages } from "../control.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { WasmModule } from "./assembler/module.ts";

/** Imports the memory that all modules share. */
export function importSharedMemory(module: WasmModule): WasmModule {
  return module.importMemory("env", "memory", 1, maxPages);
}

/** Writes the barrier of a program's threads; gives its index. Traps if a thread has failed. */
export function barrierFunction(module: WasmModule, threads: number, spins: number): number {
  return module.func({ params: [] }, (c) => {
    const old = c.local("i32");
    atomicLoad(c, control.opened).set(old);
    trapIfFailed(c);
    c.i32(control.arrived).i32(1).mem("i32.atomic.rmw.add").i32(threads - 1).op("i32.eq").if(() => {
      c.i32(control.arrived).i32(0).mem("i32.atomic.store");
      c.i32(control.opened).i32(1).mem("i32.atomic.rmw.add").op("drop");
      wake(c, control.opened, control.barrierSleepers);
    }, () => waitWhileEqual(c, control.opened, control.barrierSleepers, old, spins));
    trapIfFailed(c);
  });
}

/**
 * The module that dispatches commands. The main thread calls `publish()` to announce one and `allDone(count)` to wait until
 * commands have been finished `count` times; a worker calls `nextCommand(old)` to wait for another number than `old`, and
 * `finish()`.
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
  module.func({ params: [], export: "finish" }, (c) => {
    c.i32(control.done).i32(1).mem("i32.atomic.rmw.add").op("drop");
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
