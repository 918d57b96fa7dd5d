/**
 * The inputs and outputs of a program: which memory each of them is in a run.
 *
 * @module
 */
import type { HostArray } from "../../dtype.ts";
import { DonatedError, DTypeError, ShapeError } from "../../errors.ts";
import { writesOf } from "../../ir/kernel.ts";
import type { BufferSpec, Program } from "../../ir/program.ts";
import { bytesFor, checkHostInput, WebgpuBuffer } from "./buffer.ts";
import type { Memory } from "./buffer_pool.ts";
import { type Region, wholeRegion } from "./regions.ts";
import type { Services } from "./services.ts";
import { Uploads } from "./uploads.ts";

/** What a program is run with. */
export type Inputs = readonly (WebgpuBuffer | HostArray)[];

/** Resolves the inputs and outputs of one program to regions. */
export class Arguments {
  readonly #program: Program;
  readonly #services: Services;
  /** The inputs that a kernel overwrites. */
  readonly #donated: ReadonlySet<number>;
  readonly #uploads: Uploads;

  constructor(program: Program, services: Services) {
    this.#program = program;
    this.#services = services;
    this.#donated = donatedInputs(program);
    const kept = program.inputs.map((id, index) => ({ id, index })).filter(({ index }) => !this.#donated.has(index));
    this.#uploads = new Uploads(services, kept.map(({ id, index }) => ({ index, ...program.buffers[id] })));
  }

  /**
   * Checks the inputs, uploads host arrays, and calls `bind` with the region of every input that is not donated.
   *
   * @throws {ShapeError | DTypeError | DonatedError} If they are not what the program takes.
   */
  bindInputs(inputs: Inputs, bind: (buffer: number, region: Region) => void): void {
    const program = this.#program;
    this.#check(inputs);
    this.#uploads.begin();
    inputs.forEach((input, index) => {
      const id = program.inputs[index];
      if (input instanceof WebgpuBuffer) bind(id, wholeRegion(input.memory));
      else if (!this.#donated.has(index)) bind(id, this.#uploads.add(index, input));
    });
    this.#uploads.end();
  }

  /**
   * Finds memory for the outputs, and calls `bind` with their regions. Buffers that are new also go to `fresh`, one by one, so that they
   * can be released if something fails later.
   */
  bindOutputs(inputs: Inputs, fresh: WebgpuBuffer[], bind: (buffer: number, region: Region) => void): WebgpuBuffer[] {
    const made = new Map<number, WebgpuBuffer>();
    return this.#program.outputs.map((id) => {
      const known = made.get(id);
      if (known) return known;
      const output = this.#outputOf(this.#program.buffers[id], inputs, fresh);
      bind(id, wholeRegion(output.memory));
      made.set(id, output);
      return output;
    });
  }

  /** Gives the memory of uploads back. */
  destroy(): void {
    this.#uploads.destroy();
  }

  /** A donated buffer is the output that overwrites it; a donated host array is copied to where it will be overwritten. */
  #outputOf({ dtype, size, location }: BufferSpec, inputs: Inputs, fresh: WebgpuBuffer[]): WebgpuBuffer {
    const donated = location.kind === "input" ? inputs[location.index] : undefined;
    if (donated instanceof WebgpuBuffer) return donated;
    const output = new WebgpuBuffer(dtype, size, this.#services.pool.acquire(bytesFor(dtype, size)));
    fresh.push(output);
    if (donated) this.#uploads.write(output.memory, dtype, size, donated);
    return output;
  }

  #check(inputs: Inputs): void {
    const program = this.#program;
    if (inputs.length !== program.inputs.length) {
      throw new ShapeError(`Cannot run a program of ${program.inputs.length} inputs with ${inputs.length}`, {
        inputs: inputs.length,
      });
    }
    const donatedMemory = new Set<Memory>();
    for (const index of this.#donated) {
      const input = inputs[index];
      const { dtype, size } = program.buffers[program.inputs[index]];
      if (input instanceof WebgpuBuffer) donatedMemory.add(input.memory);
      else checkHostInput(dtype, size, input);
    }
    inputs.forEach((input, index) => {
      if (!(input instanceof WebgpuBuffer)) return;
      checkBuffer(input, program.buffers[program.inputs[index]], index);
      if (donatedMemory.has(input.memory) && !this.#donated.has(index)) {
        throw new DonatedError(`Cannot run a program with input ${index} also donated: its memory is overwritten`, { index });
      }
    });
  }
}

/** The inputs that the program overwrites. */
function donatedInputs(program: Program): Set<number> {
  const ids = [...program.outputs, ...program.kernels.flatMap((kernel) => [...writesOf(kernel)])];
  const donated = new Set<number>();
  for (const id of ids) {
    const { location } = program.buffers[id];
    if (location.kind === "input") donated.add(location.index);
  }
  return donated;
}

function checkBuffer({ dtype, size }: WebgpuBuffer, spec: BufferSpec, index: number): void {
  if (dtype !== spec.dtype) {
    throw new DTypeError(`Cannot run a program with ${dtype} for input ${index}: it takes ${spec.dtype}`, { index });
  }
  if (size !== spec.size) {
    throw new ShapeError(`Cannot run a program with ${size} elements for input ${index}: it takes ${spec.size}`, { index });
  }
}
