/**
 * The functions of a module that run kernels, the same for all threads: group after group, each when all pieces of the one before are
 * finished.
 *
 * @module
 */
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { WasmModule } from "./assembler/module.ts";
import { plus } from "./emit/addresses.ts";
import type { Group, SerialStep, Step } from "./barriers.ts";
import { type Phase, phaseLocals, phaseParams } from "./context.ts";
import type { PieceFunctions } from "./synchronization.ts";

/** Parameters of a shared entry as locals: the table, the number of the thread, its private scratch memory, and its first piece. */
const entryLocals = { table: 0, thread: 1, scratch: 2, begin: 3 } as const;

/**
 * Writes the exported function that runs groups, of the table, the number of the thread, its scratch memory and, where threads share the
 * work, the number of the first piece (i64). Gives how many pieces there are, or 0 if one thread does all.
 *
 * @param shared What threads share pieces by, if there are several.
 */
export function emitEntry(
  module: WasmModule,
  name: string,
  groups: readonly Group[],
  shared: PieceFunctions | undefined,
): number {
  const serial = groups.filter(isSerial);
  if (serial.length === groups.length) {
    module.func({ params: phaseParams, export: name }, (c) => serial.flat().forEach(({ serial }) => runAlone(c, serial)));
    return 0;
  }
  if (!shared) throw new Error("Cannot share pieces: there is one thread");
  let pieces = 0;
  module.func({ params: [...phaseParams, "i64"], export: name }, (c) => {
    pieces = new SharedGroups(c, shared).groups(groups);
  });
  return pieces;
}

/** Whether one thread does all steps of a group alone, as of all groups where there is one thread. */
function isSerial(group: Group): group is readonly { readonly serial: readonly SerialStep[] }[] {
  return !("groups" in group) && group.every((step) => "serial" in step);
}

/** Runs steps whose phases have one piece each. */
function runAlone(c: FunctionWriter, steps: readonly SerialStep[]): void {
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

class SharedGroups {
  readonly #c: FunctionWriter;
  readonly #shared: PieceFunctions;
  /** Locals: the index of the piece at hand, and how many pieces of the group this thread has done. */
  readonly #piece: number;
  readonly #done: number;

  constructor(c: FunctionWriter, shared: PieceFunctions) {
    this.#c = c;
    this.#shared = shared;
    [this.#piece, this.#done] = c.locals("i32", 2);
  }

  /** Gives the number of pieces. */
  groups(groups: readonly Group[]): number {
    return groups.reduce((pieces, group) => pieces + this.#group(group), 0);
  }

  #group(group: Group): number {
    if ("groups" in group) return this.#repeat(group.count, group.groups);
    const c = this.#c;
    c.i32(0).set(this.#done);
    const pieces = group.reduce((pieces, step) => pieces + this.#step(step), 0);
    c.get(this.#done).get(entryLocals.begin).call(this.#shared.finish);
    return pieces;
  }

  #step(step: Step): number {
    const c = this.#c;
    if (!("serial" in step)) {
      if (step.remembers) c.get(entryLocals.scratch).i32(0).mem("i32.store");
      return this.#pieces(step.pieces, () => call(c, step, () => c.get(this.#piece)));
    }
    // The main thread has just seen what came before, and begins at once unless something else has its core.
    c.get(entryLocals.thread).if(() => this.#pushEnd(1).call(this.#shared.yield));
    return this.#pieces(1, () => runAlone(c, step.serial));
  }

  #repeat(count: number, groups: readonly Group[]): number {
    let pieces = 0;
    this.#c.withLocals("i32", 1, (round) => this.#c.for(round, 0, count, 1, () => void (pieces = this.groups(groups))));
    return count * pieces;
  }

  #pushEnd(pieces: number): FunctionWriter {
    return this.#c.get(entryLocals.begin).i64(pieces).op("i64.add");
  }

  /** Takes pieces as long as there are some, and runs `body` for each; gives how many there are. */
  #pieces(count: number, body: () => void): number {
    const c = this.#c;
    c.loop(() => {
      c.get(entryLocals.thread).get(entryLocals.begin).i32(count).call(this.#shared.take).tee(this.#piece);
      c.i32(0).op("i32.ge_s").if(() => {
        body();
        c.increment(this.#done, 1).br(1);
      });
    });
    this.#pushEnd(count).set(entryLocals.begin);
    return count;
  }
}
