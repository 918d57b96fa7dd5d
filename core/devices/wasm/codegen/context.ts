/**
 * What the generators of WebAssembly kernels share: how a kernel becomes functions that all threads run together.
 *
 * A kernel is a list of phases, each of which begins when all of the one before is finished. A phase is one function that is called for
 * each of its pieces, by whichever thread has taken it, and does its share of the work by the piece's index; the number of pieces is
 * known when the code is written. What is computed depends on how the work is cut, never on who does it.
 *
 * @module
 */
import type { SimpleKernel } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import type { ValueType } from "./assembler/instructions.ts";
import type { WasmModule } from "./assembler/module.ts";
import type { Emitter } from "./expressions/emitter.ts";
import type { Tiles } from "./matmul/tile.ts";

/**
 * Parameters of a phase, in order: the address of the table of buffer addresses (buffer b's address, a multiple of 64, is the i32
 * at table + 4 * b), the index of the piece from 0, and the address of the thread's private scratch memory (aligned to
 * 64 bytes).
 */
export const phaseParams: readonly ValueType[] = ["i32", "i32", "i32"];

/** The parameters of a phase as locals; the first is also that of an epilogue. */
export const phaseLocals = { table: 0, piece: 1, scratch: 2 } as const;

/** Parameters of an epilogue function: table, result address, first row, end row, first column, end column. */
export const epilogueParams: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32"];

/** One step of a kernel. */
export interface Phase {
  /** Index of a function of `phaseParams`. */
  readonly func: number;
  /** Into how many pieces it is cut; with one, too little to share, the other threads are not woken for it. */
  readonly pieces: number;
  /** The slot at which the table of its kernel begins, if it has one of its own within that of the program. */
  readonly table?: number;
  /** Whether a piece may find what the one before, of the same thread, has left: the first word of its scratch memory is 0 before the first. */
  readonly remembers?: boolean;
}

/** Where a kernel writes its result, and the function that turns a block of it into the stores, if that is not all. */
export interface Epilogue {
  readonly slot: number;
  readonly func: number | undefined;
}

/** Memory for what is made of one buffer: the table slots of its address, and of a word that says whether it must be made. */
export interface DerivedScratch {
  readonly slot: number;
  /** Undefined: it must be made at every run. */
  readonly stale: number | undefined;
}

/** An epilogue of planes: how far an image's results are from those of the next one, in elements. */
export interface PlaneEpilogue extends Epilogue {
  readonly imageStep: number;
}

/** An epilogue of blocks; without a slot they are in memory of the generator's own. */
export type BlockEpilogue = Epilogue | { readonly slot: undefined; readonly func: number };

/** What a generator may ask for while it writes a kernel. */
export interface GeneratorContext {
  readonly module: WasmModule;
  /** What writes scalar operations: four points at a time, of 32 bits; two, where something has 64; or one. */
  readonly vector: Emitter;
  readonly doubles: Emitter;
  readonly scalar: Emitter;
  readonly program: Program;
  readonly threads: number;
  /** The best tiles for a matrix product, or the like, of that many multiply-adds and columns. */
  tiles(multiplyAdds: number, columns: number): Tiles;
  /** Which of several algorithms computes a kernel: the best by estimate, whose number is given, unless another is to be tried. */
  choose(names: readonly string[], best: number): number;
  /** Asks for private scratch memory of at least that many bytes for each thread; its content does not outlive a phase. */
  privateScratch(bytes: number): void;
  /** Asks for memory that all threads see during this kernel (all its phases); gives the table slot of its address. */
  sharedScratch(bytes: number): number;
  /**
   * The same for what a phase makes of nothing but one buffer. If that is an input, the memory may outlive a run, and the word in the
   * table slot `stale` is 0 where it still holds what was made of the same values: the phase then has nothing to do.
   */
  derivedScratch(bytes: number, buffer: number): DerivedScratch;
  /**
   * Where a kernel with a result writes it before its stores: the table slot of an address with room for the whole domain,
   * contiguous f32 (f64 if the operands are), and the function of `epilogueParams` that afterwards turns a block of it into the
   * stores, or undefined if writing the result was all. The result is passed as its base address (of domain point 0). Rows are
   * all axes of `shape` but the last, columns the last.
   */
  epilogue(kernel: SimpleKernel): Epilogue;
  /**
   * The same for a generator whose results are planes of images, those of an image one behind the other: there may be others between the
   * images.
   */
  planeEpilogue(kernel: SimpleKernel): PlaneEpilogue;
  /**
   * The same for a generator that finishes a block before it begins the next, in memory of its own whose rows are `row` elements
   * apart: where the result is not written into the first store, there is no slot, and the address to pass is where domain point
   * 0 would be around the block (it may wrap around).
   */
  blockEpilogue(kernel: SimpleKernel, row: number): BlockEpilogue;
}

/** Writes one kernel; registers its functions and gives its phases. */
export type KernelGenerator<K extends SimpleKernel> = (context: GeneratorContext, kernel: K) => readonly Phase[];
