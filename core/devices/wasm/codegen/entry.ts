/**
 * The functions of a module that run kernels: phase after phase, with barriers between them, the same for all threads.
 *
 * @module
 */
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { WasmModule } from "./assembler/module.ts";
import { type Phase, phaseLocals, phaseParams } from "./context.ts";

/** A phase, or steps that are repeated. */
export type Step = Phase | { readonly count: number; readonly steps: readonly Step[] };

/** The phase that steps end with. */
function lastPhase(steps: readonly Step[]): Phase {
  const step = steps[steps.length - 1];
  return "steps" in step ? lastPhase(step.steps) : step;
}

function hasParallel(steps: readonly Step[]): boolean {
  return steps.some((step) => "steps" in step ? hasParallel(step.steps) : !step.serial);
}

/**
 * Writes the exported function that runs steps; says whether the other threads take part. They begin with the main thread and
 * skip serial phases, so a barrier is between two neighbours of which one is parallel, and not before a first parallel phase.
 */
export function emitEntry(module: WasmModule, name: string, steps: readonly Step[], barrier: number | undefined): boolean {
  const parallel = barrier !== undefined && hasParallel(steps);
  module.func({ params: phaseParams, export: name }, (c) => {
    new EntryWriter(c, parallel ? barrier : undefined).steps(steps, []);
    if (parallel && !lastPhase(steps).serial) c.call(barrier);
  });
  return parallel;
}

class EntryWriter {
  readonly #c: FunctionWriter;
  /** The function of the barrier; undefined if one thread runs all. */
  readonly #barrier: number | undefined;

  constructor(c: FunctionWriter, barrier: number | undefined) {
    this.#c = c;
    this.#barrier = barrier;
  }

  /** `before`: the phases that may have run last. */
  steps(steps: readonly Step[], before: readonly Phase[]): void {
    let last = before;
    for (const step of steps) {
      if ("steps" in step) this.#repeat(step.count, step.steps, last);
      else this.#phase(step, last);
      last = [lastPhase([step])];
    }
  }

  #repeat(count: number, steps: readonly Step[], before: readonly Phase[]): void {
    this.#c.withLocals("i32", 1, (round) => {
      this.#c.for(round, 0, count, 1, () => this.steps(steps, [...before, lastPhase(steps)]));
    });
  }

  #phase({ func, serial }: Phase, before: readonly Phase[]): void {
    const c = this.#c;
    const { table, thread, scratch } = phaseLocals;
    const call = () => c.get(table).get(thread).get(scratch).call(func);
    if (this.#barrier === undefined) return void call();
    if (before.some((last) => !(last.serial && serial))) c.call(this.#barrier);
    if (serial) c.get(thread).op("i32.eqz").if(call);
    else call();
  }
}
