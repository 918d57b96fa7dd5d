/**
 * Machine code for the innermost loops of the wasm device: whether this process can have it, and the code of its programs.
 *
 * It is loaded only where it was asked for and all of Deno's FFI is granted: nothing checks the addresses that such code is given.
 *
 * @module
 */
import type { VectorParameter, VectorPart } from "../codegen/emit/vector_code.ts";
import type { MachineCode } from "../codegen/machine_code.ts";
import { nativeArguments } from "../control.ts";
import { CodeMemory } from "./code_memory.ts";
import { entryCode, featureCode, featureWords, peakCode, vectorSetOf } from "./processor.ts";
import { type NativeCall, type NativeThread, nativeThread, type NativeThreadData } from "./thread.ts";
import { avx2, machineFunction, type VectorSet } from "./vector_writer.ts";

/** Columns of the best tile by the floats of a vector: of 6 rows, for which 12 sums of 16 registers are left, and 24 of 32. */
const tileColumns = { 8: 16, 16: 64 } as const;

/**
 * Vectors of 512 bits are taken where they do at least so much more than those of 256. With two units for their multiply-adds a processor
 * does twice as much, else the same.
 */
const requiredSpeedup = 1.5;
/**
 * As many measurements of both in turn at least, and at most: the first may be slow, since a processor takes its time to be ready for long
 * vectors, and so may be many while others use its cores.
 */
const fewestMeasurements = 8;
const mostMeasurements = 64;
/** About 20 microseconds of multiply-adds. */
const measuredRounds = 8000;

/** Which vectors this processor should have code for; undefined if none. Found once. */
let known: { readonly vectors: VectorSet | undefined } | undefined;

/** How this thread calls machine code, of whichever device. */
let calling: NativeThread | undefined;

/** Machine code of a device. */
export class NativeCode {
  readonly vectors: VectorSet;
  readonly #memory: WebAssembly.Memory;
  readonly #address: bigint;
  readonly #code: CodeMemory;
  readonly #threadData: NativeThreadData;
  readonly #callOf: (program: number) => NativeCall;

  /**
   * @param wanted Vectors to write code for, if not the best that the processor has.
   * @throws {Error} If something that it takes is missing.
   */
  constructor(memory: WebAssembly.Memory, wanted?: VectorSet) {
    if (Deno.build.arch !== "x86_64") throw new Error(`No machine code for ${Deno.build.arch}`);
    this.#memory = memory;
    // It stays when the memory grows: a shared one reserves all addresses at once.
    this.#address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(memory.buffer))));
    this.#code = new CodeMemory();
    try {
      if (this.#code.place(Uint8Array.from(entryCode())) !== 0) throw new Error("No memory for machine code");
      this.#threadData = { library: this.#code.library, entry: Number(this.#code.address), ...nativeArguments };
      calling ??= nativeThread(this.#code.library);
      this.#callOf = calling(this.#threadData, memory, 0);
      known ??= { vectors: this.#bestVectors() };
      const { vectors } = known;
      if (!vectors || wanted && wanted.lanes > vectors.lanes) {
        throw new Error("The processor lacks vectors that machine code needs");
      }
      this.vectors = wanted ?? vectors;
    } catch (error) {
      this.#code.close();
      throw error;
    }
  }

  /** For a worker: the text of `nativeThread`, and what it is called with first. */
  get forWorkers(): { readonly text: string; readonly data: NativeThreadData } {
    return { text: `${nativeThread}`, data: this.#threadData };
  }

  /** Asks for large pages for a part of the device's memory: reading much of it then waits less for where pages are. */
  enlargePages(address: number, bytes: number): void {
    this.#code.enlargePages(this.#address + BigInt(address), bytes);
  }

  /** Begins the code of a program. */
  program(): NativeProgram {
    return new NativeProgram(this.vectors, this.#address, this.#code, this.#callOf);
  }

  /** Gives its memory back. Nothing of it may be called afterwards. */
  close(): void {
    this.#code.close();
  }

  #bestVectors(): VectorSet | undefined {
    const { argumentsAt, argumentBytes } = nativeArguments;
    // Behind the arguments of the main thread.
    const words = new Int32Array(this.#memory.buffer, argumentsAt + argumentBytes, featureWords);
    this.#run(featureCode(this.#address), (call) => call(0, words.byteOffset, 0, 0, 0, 0, 0, 0));
    const vectors = vectorSetOf(words);
    if (vectors?.lanes !== 16) return vectors;
    const peak = (vectors: VectorSet) => peakCode(vectors, this.#address);
    return this.#run(peak(vectors), (long) => this.#run(peak(avx2), (short) => isWorthIt(long, short))) ? vectors : avx2;
  }

  /** Calls code that is needed once. */
  #run<T>(bytes: readonly number[], use: (call: NativeCall) => T): T {
    const offset = this.#code.place(Uint8Array.from(bytes));
    if (offset === undefined) throw new Error("No memory for machine code");
    const result = use(this.#callOf(offset));
    this.#code.free(offset, bytes.length);
    return result;
  }
}

/** Whether multiply-adds of vectors of 512 bits do enough more than as many of 256, by the least times. */
function isWorthIt(long: NativeCall, short: NativeCall): boolean {
  const least = [Infinity, Infinity];
  const enough = () => least[0] * requiredSpeedup < least[1] * 2;
  for (let i = 0; i < mostMeasurements && (i < fewestMeasurements || !enough()); i++) {
    [long, short].forEach((call, which) => {
      const start = performance.now();
      call(0, measuredRounds, 0, 0, 0, 0, 0, 0);
      least[which] = Math.min(least[which], performance.now() - start);
    });
  }
  return enough();
}

/** The machine code of a program: written, then placed, then freed. */
export class NativeProgram implements MachineCode {
  readonly lanes: number;
  readonly tileColumns: number;
  readonly #vectors: VectorSet;
  readonly #memory: bigint;
  readonly #code: CodeMemory;
  readonly #callOf: (program: number) => NativeCall;
  #bytes: number[] = [];
  #length = 0;
  #offset: number | undefined;

  constructor(vectors: VectorSet, memory: bigint, code: CodeMemory, callOf: (program: number) => NativeCall) {
    this.lanes = vectors.lanes;
    this.tileColumns = tileColumns[vectors.lanes];
    this.#vectors = vectors;
    this.#memory = memory;
    this.#code = code;
    this.#callOf = callOf;
  }

  add(parameters: readonly VectorParameter[], write: VectorPart["write"]): number {
    const offset = this.#bytes.length;
    for (const byte of machineFunction(this.#vectors, this.#memory, parameters, write)) this.#bytes.push(byte);
    return offset;
  }

  /** Makes it ready; says whether there was room. */
  place(): boolean {
    this.#length = this.#bytes.length;
    this.#offset = this.#length === 0 ? 0 : this.#code.place(Uint8Array.from(this.#bytes));
    this.#bytes = [];
    return this.#offset !== undefined;
  }

  /** Where it is, for workers. */
  get offset(): number {
    return this.#offset ?? 0;
  }

  /** What the main thread's module imports. */
  get call(): NativeCall {
    return this.#callOf(this.offset);
  }

  /** Gives its memory back. It must not be called afterwards. */
  free(): void {
    if (this.#length > 0 && this.#offset !== undefined) this.#code.free(this.#offset, this.#length);
    this.#length = 0;
  }
}

/** Machine code for a device with that memory, or undefined where it cannot be had. */
export function openNative(memory: WebAssembly.Memory): NativeCode | undefined {
  try {
    return new NativeCode(memory);
  } catch {
    return undefined;
  }
}
