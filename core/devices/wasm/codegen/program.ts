/**
 * A program as one WebAssembly module: a function per phase and one that runs them, the same for all threads, which take
 * pieces of a phase when all that it needs is finished.
 *
 * @module
 */
import type { Expr } from "../../../ir/expr.ts";
import type { DoubleFunction } from "../../../ir/functions/double.ts";
import type { Kernel, LoopKernel, SimpleKernel } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import { WasmModule } from "./assembler/module.ts";
import { groupsOf, scratchOf, type Unit } from "./barriers.ts";
import type { DerivedScratch, GeneratorContext, Phase } from "./context.ts";
import { type Stage, stagesOf } from "../../stages.ts";
import { importSharedMemory, pieceFunctions } from "./synchronization.ts";
import { withEpilogues } from "./elementwise/epilogue.ts";
import { type MapOfLengths, mapOfLengths } from "./elementwise/map.ts";
import { emitEntry } from "./entry.ts";
import type { HostFunctions } from "./expressions/emitter.ts";
import { hostFunctionOf, scalarEmitter } from "./expressions/scalar_emitter.ts";
import { vectorEmitter } from "./expressions/vector_emitter.ts";
import { doubleEmitter } from "./expressions/double_emitter.ts";
import { EqualKernels, type LocalKernels } from "./equal_kernels.ts";
import { gradientsTogether } from "./convolution/conv2d.ts";
import { emitKernel } from "./generators.ts";
import { rowBlocks } from "./row_block_phase.ts";
import { rowBlocksFrom } from "./row_blocks.ts";
import { importMachineCode, type MachineCode } from "./machine_code.ts";
import { narrowTile, type TileColumns, type Tiles, wasmTiles } from "./matmul/tile.ts";

/** How programs are written. */
export interface ProgramOptions {
  readonly threads: number;
  /** How often a thread looks before it sleeps. */
  readonly spins: number;
  /** One entry per kernel instead of one for all, so that they can be timed. */
  readonly separate: boolean;
  /** See `GeneratorContext`: takes the best, unless it is given. */
  readonly choose?: GeneratorContext["choose"];
  /** Columns of the best tile of a product of that many multiply-adds in WebAssembly. */
  readonly tileColumns: (multiplyAdds: number) => TileColumns;
  /** Where the innermost loops become machine code, if they do. */
  readonly machine?: MachineCode;
  /** Whether functions of a name that is known are compared with the first of it: see `WasmModule`. Default false. */
  readonly checkNames?: boolean;
}

/** A stage of a program: an exported function "run0", "run1" ..., or an exchange. */
export interface Entry extends Omit<Stage, "kernels"> {
  /** How many pieces of work the threads share; 0 if one does all. */
  readonly pieces: number;
  /** By which algorithm a kernel of its own is computed. */
  readonly algorithm: string | undefined;
}

/** A module and what it needs to run. */
export interface ProgramCode {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entries: readonly Entry[];
  /** What the table slots hold that follow those of the buffers. */
  readonly slots: readonly TableSlot[];
  readonly sharedBytes: number;
  /** What may be kept from run to run. */
  readonly derived: readonly Derived[];
  /** Private scratch memory of each thread. */
  readonly privateBytes: number;
}

/** A word of the table: the address at a byte offset in shared scratch memory, what an earlier slot holds, or a number. */
export type TableSlot =
  | { readonly kind: "shared"; readonly offset: number }
  | { readonly kind: "copy"; readonly slot: number }
  | { readonly kind: "number"; readonly value: number };

/** Shared memory for what is made of nothing but one input. */
export interface Derived {
  /** The position of the input. */
  readonly index: number;
  readonly bytes: number;
  readonly slot: number;
  readonly stale: number;
}

/** Translates a program. */
export function emitProgram(program: Program, options: ProgramOptions): ProgramCode {
  const module = importSharedMemory(new WasmModule(options));
  const equal = new EqualKernels(program);
  const host = importHostFunctions(module, equal.expressions);
  const writer = new KernelWriter(module, program, options, equal, host, tilesOf(module, options));
  const shared = options.threads > 1 ? pieceFunctions(module, options.threads, options.spins) : undefined;
  const stages = stagesOf(program, options.separate ? "all" : "exchanging").map((stage) => {
    writer.algorithm = undefined;
    const units = writer.units(stage.kernels);
    return { ...stage, units, algorithm: options.separate ? writer.algorithm : undefined };
  });
  const sharedBytes = Math.max(0, ...stages.map(({ units }) => scratchOf(units)));
  const entries = stages.map(({ units, algorithm, exchange, waitsFor }, i) => {
    const pieces = exchange ? 0 : emitEntry(module, `run${i}`, groupsOf(program, units, sharedBytes, options.threads), shared);
    return { pieces, algorithm, exchange, waitsFor };
  });
  return {
    bytes: module.finish(),
    entries,
    slots: writer.slots,
    sharedBytes,
    derived: writer.derived,
    privateBytes: writer.privateBytes,
  };
}

/** The tiles of products: wider than the narrow one only where there are columns for it. */
function tilesOf(module: WasmModule, { tileColumns, machine }: ProgramOptions): GeneratorContext["tiles"] {
  const machineTiles = machine && importMachineCode(module, machine);
  const narrow = wasmTiles(module, narrowTile);
  return (multiplyAdds, columns) =>
    machineTiles?.(multiplyAdds, columns) ?? (columns > narrowTile ? wasmTiles(module, tileColumns(multiplyAdds)) : narrow);
}

function importHostFunctions(module: WasmModule, expressions: Iterable<Expr>): HostFunctions {
  const found = new Map<DoubleFunction, number>();
  for (const e of expressions) {
    const name = hostFunctionOf(e);
    if (name === undefined || found.has(name)) continue;
    const params = e.kind === "binary" ? ["f64", "f64"] as const : ["f64"] as const;
    found.set(name, module.importFunc("host", name, { params, results: ["f64"] }));
  }
  return found;
}

/** The code of a kernel, for all that are equal to it. */
interface WrittenKernel {
  readonly phases: readonly Phase[];
  readonly algorithm: string | undefined;
  /** Asks for its memory once more. */
  readonly requests: readonly (() => void)[];
}

/** Writes the phases of kernels. */
type Write<K extends readonly SimpleKernel[]> = (context: GeneratorContext, kernels: K) => readonly Phase[];

/** Writes kernel after kernel and adds up the memory they ask for. */
class KernelWriter {
  readonly slots: TableSlot[] = [];
  privateBytes = 0;
  readonly derived: Derived[] = [];
  /** By which algorithm the current kernel is computed, if it says so. */
  algorithm: string | undefined;
  readonly #contextOf: (program: Program) => GeneratorContext;
  readonly #context: GeneratorContext;
  readonly #equal: EqualKernels;
  readonly #written = new Map<string, WrittenKernel>();
  readonly #maps = new Map<string, MapOfLengths>();
  /** Where the table of the current kernel begins, and its buffers, if it has one of its own. */
  #base = 0;
  #ids: readonly number[] | undefined;
  /** The memory that the current kernel has asked for, the slots of what is shared of it, and the bytes. */
  #requests: (() => void)[] = [];
  #shared: number[] = [];
  #taken = 0;
  /** Loops around the current kernel. */
  #loops = 0;

  constructor(
    module: WasmModule,
    program: Program,
    options: ProgramOptions,
    equal: EqualKernels,
    host: HostFunctions,
    tiles: (multiplyAdds: number, columns: number) => Tiles,
  ) {
    const [vector, doubles, scalar] = [vectorEmitter(host), doubleEmitter(host), scalarEmitter(host)];
    this.#contextOf = (program) =>
      withEpilogues({
        module,
        program,
        threads: options.threads,
        tiles,
        vector,
        doubles,
        scalar,
        choose: (names, best) => {
          const chosen = options.choose?.(names, best) ?? best;
          this.algorithm = names[chosen];
          return chosen;
        },
        privateScratch: (bytes) => void (this.privateBytes = Math.max(this.privateBytes, bytes)),
        sharedScratch: (bytes) => this.#request(() => this.#sharedScratch(bytes)),
        derivedScratch: (bytes, buffer) => this.#request(() => this.#derivedScratch(bytes, buffer)),
      });
    this.#context = this.#contextOf(program);
    this.#equal = equal;
  }

  #request<T>(take: () => T): T {
    this.#requests.push(take);
    return take();
  }

  /** Gives the slot in the table of the current kernel. */
  #sharedScratch(bytes: number): number {
    this.#shared.push(this.slots.length);
    const slot = this.#addSlot({ kind: "shared", offset: this.#taken });
    this.#taken += scratchSize(bytes);
    return slot - this.#base;
  }

  #addSlot(slot: TableSlot): number {
    return this.#context.program.buffers.length + this.slots.push(slot) - 1;
  }

  #derivedScratch(bytes: number, buffer: number): DerivedScratch {
    const { buffers, outputs } = this.#context.program;
    const id = this.#ids?.[buffer] ?? buffer;
    const { location } = buffers[id];
    const slot = this.#sharedScratch(bytes);
    // The rounds of a loop read different parts of an input.
    if (location.kind !== "input" || outputs.includes(id) || this.#loops > 0) return { slot, stale: undefined };
    const stale = this.#sharedScratch(4);
    const [base, { index }] = [this.#base, location];
    this.derived.push({ index, bytes: scratchSize(bytes), slot: base + slot, stale: base + stale });
    return { slot, stale };
  }

  /** Writes kernels, some of them together. */
  units(kernels: readonly Kernel[]): Unit[] {
    const { program, threads } = this.#context;
    const units: Unit[] = [];
    for (let i = 0; i < kernels.length;) {
      const kernel = kernels[i];
      const together = rowBlocksFrom(program, kernels, i, threads);
      const gradients = i + 1 < kernels.length ? gradientsTogether(this.#context, kernel, kernels[i + 1]) : undefined;
      const count = together?.kernels.length ?? (gradients ? 2 : 1);
      if (together) units.push(this.#unit(kernels.slice(i, i + count), () => [rowBlocks(this.#context, together)]));
      else if (gradients) units.push(this.#unit(gradients.kernels, () => this.#phases(gradients.kernels, gradients.write)));
      else if (kernel.kind === "loop") units.push(this.#loop(kernel));
      else units.push(this.#unit([kernel], () => this.#phases([kernel], (context, [kernel]) => emitKernel(context, kernel))));
      i += count;
    }
    return units;
  }

  #loop({ count, kernels }: LoopKernel): Unit {
    this.#loops++;
    const units = this.units(kernels);
    this.#loops--;
    return { count, units };
  }

  #unit(kernels: readonly Kernel[], write: () => readonly Phase[]): Unit {
    this.#requests = [];
    this.#shared = [];
    this.#taken = 0;
    const phases = write();
    const [shared, scratch] = [this.#shared, this.#taken];
    const place = (begin: number) => {
      for (const i of shared) {
        const slot = this.slots[i];
        if (slot.kind === "shared") this.slots[i] = { kind: "shared", offset: begin + slot.offset };
      }
    };
    return { kernels, phases, scratch, place };
  }

  #phases<K extends readonly SimpleKernel[]>(kernels: K, write: Write<K>): readonly Phase[] {
    const local = this.#equal.local(kernels);
    // What numbers buffers anew keeps kinds of kernels, and their order.
    return local ? this.#localPhases(local, write as Write<readonly SimpleKernel[]>) : write(this.#context, kernels);
  }

  /** Writes kernels with a table of their own, or uses the code of some that are equal. */
  #localPhases({ kernels, buffers, length, key }: LocalKernels, write: Write<readonly SimpleKernel[]>): readonly Phase[] {
    const { program } = this.#context;
    const table = program.buffers.length + this.slots.length;
    for (const slot of buffers) this.#addSlot({ kind: "copy", slot });
    const own = { ...program, buffers: buffers.map((id) => program.buffers[id]) };
    const [kernel] = kernels;
    if (kernel.kind === "map" && length !== undefined) {
      const slots = { length: buffers.length, each: buffers.length + 1 };
      const code = this.#maps.get(key) ?? mapOfLengths(this.#contextOf(own), kernel, slots);
      this.#maps.set(key, code);
      const { count, each } = code.pieces(length);
      for (const value of [length, each]) this.#addSlot({ kind: "number", value });
      return [{ func: code.func, pieces: count, table }];
    }
    this.#ids = buffers;
    this.#base = table;
    let code = this.#written.get(key);
    if (code) {
      for (const again of code.requests) again();
      this.algorithm = code.algorithm;
    } else {
      const phases = write(this.#contextOf(own), kernels);
      code = { phases, algorithm: this.algorithm, requests: this.#requests };
      this.#written.set(key, code);
    }
    this.#base = 0;
    this.#ids = undefined;
    return code.phases.map((phase) => ({ ...phase, table }));
  }
}

/** Bytes of scratch memory: whole cache lines, and room for a vector to read past the end. */
function scratchSize(bytes: number): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}
