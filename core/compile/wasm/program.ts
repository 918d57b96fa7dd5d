/**
 * A program as one WebAssembly module: a function per phase and one that runs them, the same for all threads, with barriers
 * where threads must wait for each other.
 *
 * @module
 */
import { visit } from "../expr.ts";
import type { Kernel, Program } from "../kernel.ts";
import { WasmModule } from "./assembler.ts";
import { type Epilogue, type Phase, phaseParams } from "./context.ts";
import { barrierFunction, importSharedMemory } from "./control.ts";
import { conv } from "./conv.ts";
import { writeBoxEpilogue, writeEpilogue } from "./epilogue.ts";
import type { PrintingContext } from "./generate.ts";
import { map } from "./map.ts";
import { matmul } from "./matmul.ts";
import type { TileColumns } from "./microkernel.ts";
import { pool } from "./pool.ts";
import type { HostFunction, HostFunctions } from "./printer.ts";
import { reduce } from "./reduce.ts";
import { hostFunctionOf, scalarPrinter } from "./scalar.ts";
import { argsort } from "./sort.ts";
import { take } from "./take.ts";
import { vectorPrinter } from "./vector.ts";

/** How programs are written. */
export interface ProgramOptions {
  readonly threads: number;
  /** How often a thread looks before it sleeps at a barrier. */
  readonly spins: number;
  /** One entry per kernel instead of one for all, so that they can be timed. */
  readonly separate: boolean;
  /** See `WasmContext`. */
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
  const kernels = program.kernels.map((kernel) => writer.phases(kernel));
  const entries = options.separate ? kernels : [kernels.flat()];
  const parallel = entries.map((phases, i) => writeEntry(module, `run${i}`, phases, barrier));
  return {
    bytes: module.finish(),
    entries: parallel.map((parallel) => ({ parallel })),
    sharedOffsets: writer.sharedOffsets,
    sharedBytes: writer.sharedBytes,
    privateBytes: writer.privateBytes,
  };
}

function importHostFunctions(module: WasmModule, program: Program): HostFunctions {
  const found = new Map<HostFunction, number>();
  const roots = program.kernels.flatMap((kernel) => [
    ...kernel.stores.map(({ value }) => value),
    ...(kernel.kind === "reduce" ? kernel.reductions.map(({ value }) => value) : []),
  ]);
  visit(roots, (e) => {
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
  readonly #context: PrintingContext;
  readonly #epilogues = new Map<Kernel, Epilogue>();
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

  #epilogue(kernel: Kernel): Epilogue {
    const known = this.#epilogues.get(kernel);
    if (known) return known;
    const made = writeEpilogue(this.#context, kernel);
    this.#epilogues.set(kernel, made);
    return made;
  }

  phases(kernel: Kernel): readonly Phase[] {
    this.#taken = 0;
    switch (kernel.kind) {
      case "map":
        return map(this.#context, kernel);
      case "reduce":
        return reduce(this.#context, kernel);
      case "matmul":
        return matmul(this.#context, kernel);
      case "conv2d":
      case "conv2dInputGrad":
      case "conv2dFilterGrad":
        return conv(this.#context, kernel);
      case "take":
      case "takeGrad":
      case "put":
        return take(this.#context, kernel);
      case "argsort":
        return argsort(this.#context, kernel);
      default:
        return pool(this.#context, kernel);
    }
  }
}

/** Sizes of scratch memory: whole cache lines, and room for a vector to read past the end. */
function roundUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}

/**
 * Writes the function that runs phases; says whether the other threads take part. They begin with the main thread and skip serial
 * phases, so a barrier stands wherever one of two neighbours is parallel, except before a first parallel phase.
 */
function writeEntry(module: WasmModule, name: string, phases: readonly Phase[], barrier: number | undefined): boolean {
  const parallel = barrier !== undefined && phases.some(({ serial }) => !serial);
  module.func({ params: phaseParams, export: name }, (c) => {
    const call = ({ func }: Phase) => c.get(0).get(1).get(2).call(func);
    phases.forEach((phase, i) => {
      const before = phases[i - 1];
      if (parallel && before && !(before.serial && phase.serial)) c.call(barrier);
      if (parallel && phase.serial) c.get(1).op("i32.eqz").if(() => call(phase));
      else call(phase);
    });
    if (parallel && !phases.at(-1)!.serial) c.call(barrier);
  });
  return parallel;
}
