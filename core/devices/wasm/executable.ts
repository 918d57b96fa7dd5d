/**
 * Programs on the wasm device: the module, the table of buffer addresses, one run.
 *
 * @module
 */
import { deviceBytes, type DType, type HostArray } from "../../dtype.ts";
import { DeviceError } from "../../errors.ts";
import { costOf } from "../../ir/cost.ts";
import { doubleMath } from "../../ir/functions/double.ts";
import type { Exchanging } from "../../ir/exchange.ts";
import { type Access, type ExchangeKernel, type Kernel, kindOf } from "../../ir/kernel.ts";
import type { Program } from "../../ir/program.ts";
import { serialMultiplyAdds } from "./codegen/work.ts";
import { narrowTile, type TileColumns } from "./codegen/matmul/tile.ts";
import { emitProgram, type Entry, type ProgramCode } from "./codegen/program.ts";
import type { Executable } from "../../values/device.ts";
import { debug } from "../../env.ts";
import type { Profile } from "../profile.ts";
import { type ArenaLayout, layOut } from "./arena_layout.ts";
import { WasmBuffer } from "./buffer.ts";
import { KeptInputs } from "./kept_inputs.ts";
import type { SharedMemory } from "./memory.ts";
import type { NativeCode, NativeProgram } from "./native/native.ts";
import { measuredTileColumns, prepareTileColumns } from "./tile_columns.ts";
import { deviceFailure, type ThreadPool, type Work } from "./thread_pool.ts";
import type { RunFunction } from "./worker.ts";

/** What an executable needs of its device. */
export interface ExecutableParts {
  readonly program: Program;
  readonly memory: SharedMemory;
  readonly pool: ThreadPool;
  readonly threads: number;
  readonly spins: number;
  readonly profile: Profile | undefined;
  readonly native: NativeCode | undefined;
  allocate(dtype: DType, size: number): WasmBuffer;
  free(buffer: WasmBuffer): void;
}

/** A run that is prepared: its inputs and outputs, and those of both that are freed if it fails. */
interface Run {
  readonly given: readonly WasmBuffer[];
  readonly outputs: WasmBuffer[];
  readonly fresh: readonly WasmBuffer[];
}

let programs = 0;

/** A program that was compiled to a module of its own. */
export class WasmExecutable implements Executable<WasmBuffer> {
  readonly #parts: ExecutableParts;
  readonly #code: ProgramCode;
  /** Its machine code, if there is some. */
  readonly #native: NativeProgram | undefined;
  readonly #layout: ArenaLayout;
  readonly #work: readonly (Omit<Entry, "pieces"> & { readonly pieces: bigint; readonly run: RunFunction })[];
  readonly #number = ++programs;
  readonly #table: number;
  readonly #tableBytes: number;
  readonly #kept: KeptInputs;
  readonly #outputs: readonly { readonly id: number; readonly input: number }[];
  /** The arena for which the table was last written. */
  #arenaBase = 0;
  #destroyed = false;
  /** Whether threads share it, and how many operations it is. */
  readonly #shared: boolean;
  readonly #operations: number;
  /** Whether the workers have loaded it. */
  #loaded = false;
  /** Host inputs of the current run, which have blocks of their own. */
  readonly #staged: WasmBuffer[] = [];

  constructor(parts: ExecutableParts) {
    const { program, memory, threads } = parts;
    this.#parts = parts;
    const native = parts.native?.program();
    if (!native && program.kernels.some(multipliesMuch)) prepareTileColumns();
    const code = emit(parts, native);
    // Without room for machine code it is WebAssembly like any other.
    this.#native = native?.place() ? native : undefined;
    this.#code = native && !this.#native ? emit(parts) : code;
    if (debug.has("source")) console.error(`wasm module: ${this.#code.bytes.length} bytes, ${this.#code.entries.length} entries`);
    this.#layout = layOut(program, this.#code, threads);
    this.#kept = new KeptInputs(
      memory,
      this.#code.derived,
      (address, bytes) => parts.native?.enlargePages(address, bytes),
    );
    try {
      const imports = importsOf(memory, this.#native);
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(this.#code.bytes), imports);
      this.#work = this.#code.entries.map((entry, i) => ({
        ...entry,
        pieces: BigInt(entry.pieces),
        run: exports[`run${i}`] as RunFunction,
      }));
      this.#shared = this.#work.some(({ pieces }) => pieces > 0n);
      this.#operations = this.#shared ? program.kernels.reduce((sum, kernel) => sum + costOf(program, kernel).flops, 0) : 0;
      this.#outputs = program.outputs.map((id) => {
        const { location } = program.buffers[id];
        return { id, input: location.kind === "input" ? location.index : -1 };
      });
      this.#tableBytes = 4 * (program.buffers.length + this.#code.slots.length);
      parts.pool.settle();
      // Last, since it would not be freed if something after it failed.
      this.#table = memory.allocate(this.#tableBytes);
      this.#code.slots.forEach((slot, i) => {
        if (slot.kind === "number") memory.words[(this.#table >>> 2) + program.buffers.length + i] = slot.value;
      });
    } catch (error) {
      this.#native?.free();
      throw error;
    }
  }

  run(inputs: readonly (WasmBuffer | HostArray)[]): WasmBuffer[] {
    return this.#complete(this.#prepare(inputs));
  }

  /** Goes on meanwhile only if it is one entry that threads share, and workers are there. */
  begin(inputs: readonly (WasmBuffer | HostArray)[]): () => WasmBuffer[] {
    const run = this.#prepare(inputs);
    if (!this.#loaded || this.#work.length > 1) {
      const outputs = this.#complete(run);
      return () => outputs;
    }
    const finish = this.#parts.pool.begin(this.#command(0, this.#scratch));
    return () => this.#complete(run, finish);
  }

  /** Does all that may fail before the first kernel, which may overwrite donated values. */
  #prepare(inputs: readonly (WasmBuffer | HostArray)[]): Run {
    const { program, memory, pool } = this.#parts;
    pool.settle();
    if (this.#destroyed) throw new DeviceError("Cannot run a program of the wasm device that was destroyed");
    if (inputs.length !== program.inputs.length) {
      throw new DeviceError(`Cannot run a program of ${program.inputs.length} inputs with ${inputs.length}`, {
        expected: program.inputs.length,
        given: inputs.length,
      });
    }
    const fresh: WasmBuffer[] = [];
    try {
      if (!this.#loaded && this.#shared && pool.helpsWith(this.#operations)) this.#load();
      const given = this.#setInputs(inputs, fresh);
      const outputs = this.#setOutputs(given, fresh);
      this.#kept.prepare(given);
      memory.reserveArena(this.#layout.bytes);
      if (this.#arenaBase !== memory.arena.base) this.#setArena();
      this.#kept.point(memory.words, this.#table >>> 2, (slot) => memory.arena.base + this.#layout.offsets.get(slot)!);
      this.#copySlots();
      return { given, outputs, fresh };
    } catch (error) {
      this.#releaseStaged();
      for (const buffer of fresh) this.#parts.free(buffer);
      throw error;
    }
  }

  /** Runs what is prepared, or waits for what was begun. */
  #complete({ given, outputs, fresh }: Run, finish?: () => void): WasmBuffer[] {
    try {
      if (finish) finish();
      else if (this.#loaded || !this.#shared) this.#execute();
      else {
        const begin = performance.now();
        this.#execute();
        this.#parts.pool.ranAlone(performance.now() - begin);
      }
      this.#kept.done(given);
      return outputs;
    } catch (error) {
      for (const buffer of fresh) this.#parts.free(buffer);
      throw error;
    } finally {
      this.#releaseStaged();
    }
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    const { memory, pool } = this.#parts;
    pool.settle();
    if (this.#loaded) pool.forget(this.#number);
    this.#native?.free();
    this.#kept.destroy();
    memory.free(this.#table, this.#tableBytes);
  }

  /** Lets the workers load the module; they compile from a copy of its bytes, which is needed only meanwhile. */
  #load(): void {
    const { memory, pool, native } = this.#parts;
    const { bytes } = this.#code;
    // While workers start, there is time for the loops to become what they are when they are timed.
    if (!native) prepareTileColumns();
    const address = memory.allocate(bytes.length);
    try {
      memory.write(address, "u8", bytes);
      pool.load(this.#number, address, bytes.length, this.#native?.offset);
      // Soon the threads are busy.
      if (!native) measuredTileColumns();
    } finally {
      memory.free(address, bytes.length);
    }
    this.#loaded = true;
  }

  #releaseStaged(): void {
    const { memory } = this.#parts;
    for (const { address, size, dtype } of this.#staged) memory.free(address, size * deviceBytes(dtype));
    this.#staged.length = 0;
  }

  /** Writes the addresses of the inputs into the table; gives their buffers, and in `fresh` those that are new. */
  #setInputs(inputs: readonly (WasmBuffer | HostArray)[], fresh: WasmBuffer[]): WasmBuffer[] {
    const { program, memory } = this.#parts;
    const given: WasmBuffer[] = [];
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      const id = program.inputs[i];
      const { dtype, size } = program.buffers[id];
      const buffer = input instanceof WasmBuffer ? input : this.#stage(id, i, input, fresh);
      if (buffer.dtype !== dtype || buffer.size !== size || buffer.address === 0) throw wrongInput(i, buffer, dtype, size);
      given.push(buffer);
      memory.words[(this.#table >>> 2) + id] = buffer.address;
    }
    return given;
  }

  /** The same for the outputs, of which some are inputs that are overwritten. */
  #setOutputs(given: readonly WasmBuffer[], fresh: WasmBuffer[]): WasmBuffer[] {
    const { program, memory } = this.#parts;
    return this.#outputs.map(({ id, input }) => {
      if (input >= 0) {
        given[input].writes++;
        return given[input];
      }
      const { dtype, size } = program.buffers[id];
      const buffer = this.#parts.allocate(dtype, size);
      fresh.push(buffer);
      memory.words[(this.#table >>> 2) + id] = buffer.address;
      return buffer;
    });
  }

  /** Copies a host array; what becomes an output is a buffer like any other. */
  #stage(id: number, index: number, values: HostArray, fresh: WasmBuffer[]): WasmBuffer {
    const { program, memory } = this.#parts;
    const { dtype, size } = program.buffers[id];
    if (values.length !== size) throw wrongInput(index, { dtype, size: values.length, address: -1 }, dtype, size);
    const kept = this.#outputs.some(({ input }) => input === index);
    const buffer = kept
      ? this.#parts.allocate(dtype, size)
      : new WasmBuffer(dtype, size, memory.allocate(size * deviceBytes(dtype)));
    (kept ? fresh : this.#staged).push(buffer);
    memory.write(buffer.address, dtype, values);
    return buffer;
  }

  #setArena(): void {
    const { words, arena } = this.#parts.memory;
    for (const [slot, offset] of this.#layout.offsets) words[(this.#table >>> 2) + slot] = arena.base + offset;
    this.#arenaBase = arena.base;
  }

  /** Fills the tables of kernels that have their own. */
  #copySlots(): void {
    const { words } = this.#parts.memory;
    const table = this.#table >>> 2;
    for (const [to, from] of this.#layout.copies) words[table + to] = words[table + from];
  }

  /** Private scratch memory of the first thread, while the arena is reserved. */
  get #scratch(): number {
    return this.#parts.memory.arena.base + this.#layout.scratch;
  }

  /** Runs the stages; exchanges that have begun proceed between them. */
  #execute(): void {
    const { profile, program } = this.#parts;
    const scratch = this.#scratch;
    const running = new Map<ExchangeKernel, Exchanging>();
    for (let entry = 0; entry < this.#work.length; entry++) {
      const { run, pieces, algorithm, exchange, waitsFor } = this.#work[entry];
      const start = profile ? performance.now() : 0;
      for (const each of waitsFor) {
        running.get(each)!.wait();
        running.delete(each);
      }
      if (exchange) {
        running.set(exchange, this.#start(exchange));
      } else if (pieces > 0n) {
        this.#parts.pool.run(this.#command(entry, scratch));
      } else {
        try {
          run(this.#table, 0, scratch, 0n);
        } catch (error) {
          throw deviceFailure(error);
        }
      }
      for (const each of running.values()) each.poll();
      profile?.(program, entry, algorithm ?? program.kernels[entry].kind, performance.now() - start);
    }
    for (const each of running.values()) each.wait();
  }

  #start({ exchange, operands: [source], target, size, shape: [extent] }: ExchangeKernel): Exchanging {
    const { program, memory } = this.#parts;
    const elements = ({ buffer, offset }: Access, size: number): HostArray => {
      const { dtype } = program.buffers[buffer];
      return memory.view((memory.words[(this.#table >>> 2) + buffer] >>> 0) + offset * deviceBytes(dtype), dtype, size);
    };
    return exchange.start(elements(source, size), elements(target, extent));
  }

  #command(entry: number, scratch: number): Work {
    const { pieces, run } = this.#work[entry];
    return {
      program: this.#number,
      entry,
      table: this.#table,
      scratch,
      scratchSize: this.#layout.scratchSize,
      pieces,
      run,
    };
  }
}

function emit(parts: ExecutableParts, machine?: NativeProgram): ProgramCode {
  const { program, threads, spins, profile } = parts;
  return emitProgram(program, {
    threads,
    spins,
    separate: profile !== undefined,
    tileColumns,
    machine,
  });
}

/** What modules import: the functions of the host are made for the first that needs some. */
function importsOf({ memory }: SharedMemory, native: NativeProgram | undefined): WebAssembly.Imports {
  return {
    env: { memory },
    native: native ? { call: native.call } : {},
    get host() {
      return doubleMath();
    },
  };
}

/** Whether a kernel is a product for which it matters which tile is better; others may be written before it. */
function multipliesMuch(kernel: Kernel): boolean {
  return kernel.kind !== "loop" && kindOf(kernel).sumsProducts === true && kindOf(kernel).flops(kernel) >= 2 * serialMultiplyAdds;
}

/** Which tile is better is measured when it first matters. */
function tileColumns(multiplyAdds: number): TileColumns {
  return multiplyAdds < serialMultiplyAdds ? narrowTile : measuredTileColumns();
}

function wrongInput(
  index: number,
  found: { dtype: DType; size: number; address: number },
  dtype: DType,
  size: number,
): DeviceError {
  const what = found.address === 0 ? "a buffer that was freed" : `${found.dtype}[${found.size}]`;
  return new DeviceError(`Cannot run a program on wasm: input ${index} must be ${dtype}[${size}], but is ${what}`, { index });
}
