/**
 * Running programs by interpreting their kernels one after the other.
 *
 * @module
 */
import type { DType, HostArray } from "../../dtype.ts";
import { DeviceError } from "../../errors.ts";
import { checkProgram } from "../../ir/check.ts";
import { writesOf } from "../../ir/kernel.ts";
import type { BufferSpec, Program } from "../../ir/program.ts";
import type { Executable } from "../../values/device.ts";
import { contentsOf, fromHost, type ReferenceBuffer, unwritten } from "./buffer.ts";
import type { Memory } from "./evaluate.ts";
import { runKernel } from "./kernels.ts";

type Inputs = readonly (ReferenceBuffer | HostArray)[];

/** A program that is interpreted. */
export class ReferenceExecutable implements Executable<ReferenceBuffer> {
  readonly #program: Program;
  readonly #hold: (dtype: DType, memory: Memory) => ReferenceBuffer;
  /** The program buffers that kernels write. */
  readonly #written: ReadonlySet<number>;

  /**
   * Checks the program.
   *
   * @param hold Makes a buffer of memory that an output leaves.
   * @throws {DeviceError} If the program is not well formed.
   */
  constructor(program: Program, hold: (dtype: DType, memory: Memory) => ReferenceBuffer) {
    checkProgram(program);
    this.#program = program;
    this.#hold = hold;
    this.#written = new Set(program.kernels.flatMap((kernel) => [...writesOf(kernel)]));
  }

  /** See {@link Executable.run}. */
  run(inputs: Inputs): ReferenceBuffer[] {
    const { kernels, outputs, buffers } = this.#program;
    const memories = buffers.map((spec, id) => this.#memoryOf(spec, id, inputs));
    for (const kernel of kernels) runKernel(kernel, memories);
    for (const id of this.#written) {
      const input = this.#inputBuffer(id, inputs);
      if (input) input.memory = memories[id];
    }
    const made = new Map<number, ReferenceBuffer>();
    for (const id of outputs) {
      if (!made.has(id)) made.set(id, this.#inputBuffer(id, inputs) ?? this.#hold(buffers[id].dtype, memories[id]));
    }
    return outputs.map((id) => made.get(id)!);
  }

  /** See {@link Executable.destroy}. */
  destroy(): void {}

  /** The memory of a program buffer in a run. */
  #memoryOf(spec: BufferSpec, id: number, inputs: Inputs): Memory {
    const { location, dtype, size } = spec;
    if (location.kind !== "input") return unwritten(dtype, size);
    const input = inputs[location.index];
    checkInput(input, spec, location.index);
    if (ArrayBuffer.isView(input)) return fromHost(dtype, input);
    // What is to be overwritten is so only if the whole run succeeds.
    return this.#written.has(id) ? contentsOf(input).slice() : contentsOf(input);
  }

  /** The device buffer that a program buffer was given as, if it was. */
  #inputBuffer(id: number, inputs: Inputs): ReferenceBuffer | undefined {
    const { location } = this.#program.buffers[id];
    const input = location.kind === "input" ? inputs[location.index] : undefined;
    return ArrayBuffer.isView(input) ? undefined : input;
  }
}

/** Checks that an input is what the program was compiled for. */
function checkInput(input: ReferenceBuffer | HostArray, spec: BufferSpec, index: number): void {
  const size = ArrayBuffer.isView(input) ? input.length : input.size;
  const dtype = ArrayBuffer.isView(input) ? spec.dtype : input.dtype;
  if (size !== spec.size || dtype !== spec.dtype) {
    throw new DeviceError(`Cannot run with ${size} ${dtype} as input ${index}: the program takes ${spec.size} ${spec.dtype}`, {
      input: index,
    });
  }
}
