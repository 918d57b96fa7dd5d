/**
 * A program as one WebAssembly module: a function per phase and one that runs them, the same for all threads, with barriers
 * where threads must wait for each other.
 *
 * @module
 */
import { visit } from "../../../ir/expr.ts";
import type { DoubleFunction } from "../../../ir/functions/double.ts";
import { expressionsOf, type Kernel, type SimpleKernel } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import { WasmModule } from "./assembler/module.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseParams } from "./context.ts";
import { barrierFunction, importSharedMemory } from "./control.ts";
import { writeBoxEpilogue, writeEpilogue } from "./epilogue.ts";
import { emitKernel } from "./generators.ts";
import type { TileColumns } from "./matmul/tile.ts";
import type { HostFunctions } from "./printer.ts";
import { hostFunctionOf, scalarPrinter } from "./scalar.ts";
import { vectorPrinter } from "./vector.ts";

/** How programs are written. */
export interface ProgramOptions {
  readonly threads: number;
  /** How often a thread looks before it sleeps at a barrier. */
  readonly spins: number;
  /** One entry per kernel instead of one for all, so that they can be timed. */
  readonly separate: boolean;
  /** See `GeneratorContext`. */
  readonly tileColumns: (multiplyAdds: number) => TileColumns;
}

/** A module and what it needs to run. */
export interface ProgramCode {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Exported functions "run0", "run1" ...: whether all threads take part. */
  readonly entries: readonly { readonly parallel: boolean }[];
  /** Byte offsets of shared scratch memory, for the table slots that follow those of the buffers. */
  readonly sharedOffsets: readonly number[];
  readonly sharedBytes: number;
  /** Private scratch memory of each thread. */
  readonly privateBytes: number;
}

/** Translates a program. */
export function compileProgram(program: Program, options: ProgramOptions): ProgramCode {
  const module = importSharedMemory(new WasmModule());
  const host = importHostFunctions(module, program);
  const writer = new KernelWriter(module, program, options, host);
  const barrier = options.threads > 1 ? barrierFunction(module, options.threads, options.spins) : undefined;
  const kernels = program.kernels.map((kernel) => writer.steps(kernel));
  const entries = options.separate ? kernels : [kernels.flat()];
  const parallel = entries.map((steps, i) => writeEntry(module, `run${i}`, steps, barrier));
  return {
    bytes: module.finish(),
    entries: parallel.map((parallel) => ({ parallel })),
    sharedOffsets: writer.sharedOffsets,
    sharedBytes: writer.sharedBytes,
    privateBytes: writer.privateBytes,
  };
}

function importHostFunctions(module: WasmModule, program: Program): HostFunctions {
  const found = new Map<DoubleFunction, number>();
  visit(program.kernels.flatMap(expressionsOf), (e) => {
    const name = hostFunctionOf(e);
    if (name === undefined || found.has(name)) return;
    const params = e.kind === "binary" ? ["f64", "f64"] as const : ["f64"] as const;
    found.set(name, module.importFunc("host", name, { params, results: ["f64"] }));
  });
  return found;
}

/** Writes kernel after kernel and adds up what they ask for. */
class KernelWriter {
  readonly sharedOffsets: number[] = [];
  sharedBytes = 0;
  privateBytes = 0;
  readonly #context: GeneratorContext;
  readonly #epilogues = new Map<SimpleKernel, Epilogue>();
  /** Shared memory the current kernel has taken. */
  #taken = 0;

  constructor(module: WasmModule, program: Program, { threads, tileColumns }: ProgramOptions, host: HostFunctions) {
    this.#context = {
      module,
      program,
      threads,
      tileColumns,
      vector: vectorPrinter(host),
      scalar: scalarPrinter(host),
      privateScratch: (bytes) => void (this.privateBytes = Math.max(this.privateBytes, bytes)),
      sharedScratch: (bytes) => {
        const slot = program.buffers.length + this.sharedOffsets.push(this.#taken) - 1;
        this.#taken += roundUp(bytes);
        this.sharedBytes = Math.max(this.sharedBytes, this.#taken);
        return slot;
      },
      epilogue: (kernel) => this.#epilogue(kernel),
      boxEpilogue: (kernel, row) => writeBoxEpilogue(this.#context, kernel, row),
    };
  }

  #epilogue(kernel: SimpleKernel): Epilogue {
    const known = this.#epilogues.get(kernel);
    if (known) return known;
    const made = writeEpilogue(this.#context, kernel);
    this.#epilogues.set(kernel, made);
    return made;
  }

  /** What a kernel comes to, loops with what is in them. */
  steps(kernel: Kernel): readonly Step[] {
    if (kernel.kind !== "loop") return this.#phases(kernel);
    const steps = kernel.kernels.flatMap((each) => this.steps(each));
    return steps.length > 0 ? [{ count: kernel.count, steps }] : [];
  }

  #phases(kernel: SimpleKernel): readonly Phase[] {
    this.#taken = 0;
    return emitKernel(this.#context, kernel);
  }
}

/** Sizes of scratch memory: whole cache lines, and room for a vector to read past the end. */
function roundUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}

/** A phase, or steps that are taken many times over. */
type Step = Phase | { readonly count: number; readonly steps: readonly Step[] };

/** The phase that steps end with. */
function lastPhase(steps: readonly Step[]): Phase {
  const step = steps[steps.length - 1];
  return "steps" in step ? lastPhase(step.steps) : step;
}

function hasParallel(steps: readonly Step[]): boolean {
  return steps.some((step) => "steps" in step ? hasParallel(step.steps) : !step.serial);
}

/**
 * Writes the function that takes steps; says whether the other threads take part. They begin with the main thread and skip serial
 * phases, so a barrier stands wherever one of two neighbours is parallel, except before a first parallel phase.
 */
function writeEntry(module: WasmModule, name: string, steps: readonly Step[], barrier: number | undefined): boolean {
  const parallel = barrier !== undefined && hasParallel(steps);
  module.func({ params: phaseParams, export: name }, (c) => {
    const call = ({ func }: Phase) => c.get(0).get(1).get(2).call(func);
    const meet = (before: readonly Phase[], next: Phase) => {
      if (parallel && before.some(({ serial }) => !(serial && next.serial))) c.call(barrier);
    };
    /** `before`: the phases that may have run last. */
    const write = (inner: readonly Step[], before: readonly Phase[]) => {
      let last = before;
      for (const step of inner) {
        if ("steps" in step) {
          const round = c.local("i32");
          const previous = [...last, lastPhase(step.steps)];
          c.for(round, 0, step.count, 1, () => write(step.steps, previous));
          c.release("i32", round);
          last = [lastPhase(step.steps)];
          continue;
        }
        meet(last, step);
        if (parallel && step.serial) c.get(1).op("i32.eqz").if(() => call(step));
        else call(step);
        last = [step];
      }
    };
    write(steps, []);
    if (parallel && !lastPhase(steps).serial) c.call(barrier);
  });
  return parallel;
}
