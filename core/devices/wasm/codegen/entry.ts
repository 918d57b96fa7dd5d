/**
 * The functions of a module that run kernels, the same for all threads: phase after phase, each when all pieces of the one before are
 * finished.
 *
 * @module
 */
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { WasmModule } from "./assembler/module.ts";
import { plus } from "./emit/addresses.ts";
import { type Phase, phaseLocals, phaseParams } from "./context.ts";
import type { PieceFunctions } from "./synchronization.ts";

/** Parameters of a shared entry as locals: the table, the number of the thread, its private scratch memory, and its first piece. */
const entryLocals = { table: 0, thread: 1, scratch: 2, begin: 3 } as const;

/** A phase, or steps that are repeated. */
export type Step = Phase | { readonly count: number; readonly steps: readonly Step[] };

function isSerial(step: Step): boolean {
  return "steps" in step ? step.steps.every(isSerial) : step.pieces === 1;
}

/** Steps, with those neighbours as one list that no other thread takes part in. */
function grouped(steps: readonly Step[]): readonly (Step | readonly Step[])[] {
  const groups: (Step | Step[])[] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (!isSerial(step)) groups.push(step);
    else if (Array.isArray(last)) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/**
 * Writes the exported function that runs steps, of the table, the number of the thread, its scratch memory and, where threads share the work,
 * the number of the first piece (i64). Gives how many pieces there are, or 0 if one thread does all.
 *
 * @param shared What threads share pieces by, if there are several.
 */
export function emitEntry(module: WasmModule, name: string, steps: readonly Step[], shared: PieceFunctions | undefined): number {
  if (shared === undefined || steps.every(isSerial)) {
    module.func({ params: phaseParams, export: name }, (c) => runAlone(c, steps));
    return 0;
  }
  let pieces = 0;
  module.func({ params: [...phaseParams, "i64"], export: name }, (c) => {
    pieces = new SharedSteps(c, shared).steps(steps);
  });
  return pieces;
}

/** Runs steps whose phases have one piece each. */
function runAlone(c: FunctionWriter, steps: readonly Step[]): void {
  for (const step of steps) {
    if ("steps" in step) c.withLocals("i32", 1, (round) => c.for(round, 0, step.count, 1, () => runAlone(c, step.steps)));
    else call(c, step, () => c.i32(0));
  }
}

/** Calls a phase, whose parameters but the piece are those of the entry. */
function call(c: FunctionWriter, { func, table = 0 }: Phase, pushPiece: () => void): void {
  plus(c.get(phaseLocals.table), 4 * table);
  pushPiece();
  c.get(phaseLocals.scratch).call(func);
}

class SharedSteps {
  readonly #c: FunctionWriter;
  readonly #shared: PieceFunctions;
  /** Locals: the index of the piece at hand, and how many pieces of the phase this thread has done. */
  readonly #piece: number;
  readonly #done: number;

  constructor(c: FunctionWriter, shared: PieceFunctions) {
    this.#c = c;
    this.#shared = shared;
    [this.#piece, this.#done] = c.locals("i32", 2);
  }

  /** Gives the number of pieces. */
  steps(steps: readonly Step[]): number {
    return grouped(steps).reduce((pieces, group) => pieces + this.#step(group), 0);
  }

  #step(step: Step | readonly Step[]): number {
    const c = this.#c;
    if (!("length" in step)) return "steps" in step ? this.#repeat(step.count, step.steps) : this.#parallel(step);
    // The main thread has just seen what came before, and begins at once unless something else has its core.
    c.get(entryLocals.thread).if(() => this.#pushEnd(1).call(this.#shared.yield));
    this.#pieces(1, () => runAlone(c, step));
    return 1;
  }

  #parallel(phase: Phase): number {
    const c = this.#c;
    this.#pieces(phase.pieces, () => call(c, phase, () => c.get(this.#piece)));
    return phase.pieces;
  }

  #repeat(count: number, steps: readonly Step[]): number {
    let pieces = 0;
    this.#c.withLocals("i32", 1, (round) => this.#c.for(round, 0, count, 1, () => void (pieces = this.steps(steps))));
    return count * pieces;
  }

  #pushEnd(pieces: number): FunctionWriter {
    return this.#c.get(entryLocals.begin).i64(pieces).op("i64.add");
  }

  /** Takes pieces as long as there are some, and runs `body` for each. */
  #pieces(count: number, body: () => void): void {
    const c = this.#c;
    c.i32(0).set(this.#done).loop(() => {
      c.get(entryLocals.thread).get(entryLocals.begin).i32(count).call(this.#shared.take).tee(this.#piece);
      c.i32(0).op("i32.ge_s").if(() => {
        body();
        c.increment(this.#done, 1).br(1);
      });
    });
    this.#pushEnd(count).set(entryLocals.begin);
    c.get(this.#done).get(entryLocals.begin).call(this.#shared.finish);
  }
}
