/**
 * The reference device: programs interpreted by plain loops, slow and right. It is what other devices are tested against.
 *
 * Floats are computed and kept in double precision, those of narrower types too (they round when they are downloaded), so that a
 * difference from another device is that device's error. Every buffer has memory of its own: a mistake in the
 * plan that lets two intermediates share a slot shows up on the other devices and not here. Memory no kernel has written reads as NaN.
 *
 * @module
 */
import type { BufferSpec, Program } from "../../ir/program.ts";
import { writesOf } from "../../ir/kernel.ts";
import {
  checkHostArray,
  deviceBytes,
  type DType,
  dtypes,
  fromHostArray,
  type HostArray,
  hostArray,
  tangentType,
  toHostArray,
} from "../../dtype.ts";
import { DeviceError, DonatedError } from "../../errors.ts";
import type { Device, DeviceBuffer, Executable } from "../../values/device.ts";
import { checkProgram } from "../../ir/check.ts";
import type { Memory } from "./evaluate.ts";
import { runKernel } from "./kernels.ts";

/** A buffer of the reference device. */
export interface ReferenceBuffer extends DeviceBuffer {
  /** The elements; undefined once freed. */
  memory: Memory | undefined;
}

/** Memory for elements that nothing has written yet. */
function unwritten(dtype: DType, size: number): Memory {
  return tangentType(dtype) ? new Float64Array(size).fill(NaN) : hostArray(dtype, size) as Memory;
}

/** Host values as the device holds them. */
function fromHost(dtype: DType, values: HostArray): Memory {
  checkHostArray(dtype, values);
  return tangentType(dtype) ? Float64Array.from(fromHostArray(dtype, values)) : toHostArray(dtype, values) as Memory;
}

function contentsOf(buffer: ReferenceBuffer): Memory {
  if (buffer.memory) return buffer.memory;
  throw new DonatedError(`Cannot use a buffer of ${buffer.size} ${buffer.dtype}: it was freed`, {
    dtype: buffer.dtype,
    size: buffer.size,
  });
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

/** Makes the reference device. */
export function createReferenceDevice(): Device<ReferenceBuffer> {
  let bytesInUse = 0;

  const hold = (dtype: DType, memory: Memory): ReferenceBuffer => {
    bytesInUse += memory.length * deviceBytes(dtype);
    return { dtype, size: memory.length, memory };
  };
  const upload = (dtype: DType, values: HostArray) => hold(dtype, fromHost(dtype, values));
  const free = (buffer: ReferenceBuffer) => {
    if (!buffer.memory) return;
    bytesInUse -= buffer.size * deviceBytes(buffer.dtype);
    buffer.memory = undefined;
  };
  const downloadNow = (buffer: ReferenceBuffer) => toHostArray(buffer.dtype, contentsOf(buffer));

  const run = (
    program: Program,
    written: ReadonlySet<number>,
    inputs: readonly (ReferenceBuffer | HostArray)[],
  ): ReferenceBuffer[] => {
    const memories = program.buffers.map((spec, id) => {
      const { location, dtype, size } = spec;
      if (location.kind !== "input") return unwritten(dtype, size);
      const input = inputs[location.index];
      checkInput(input, spec, location.index);
      if (ArrayBuffer.isView(input)) return fromHost(dtype, input);
      // What is to be overwritten is so only if the whole run succeeds.
      return written.has(id) ? contentsOf(input).slice() : contentsOf(input);
    });
    for (const kernel of program.kernels) runKernel(kernel, memories);
    const given = (id: number): ReferenceBuffer | undefined => {
      const { location } = program.buffers[id];
      const input = location.kind === "input" ? inputs[location.index] : undefined;
      return ArrayBuffer.isView(input) ? undefined : input;
    };
    for (const id of written) {
      const input = given(id);
      if (input) input.memory = memories[id];
    }
    const made = new Map<number, ReferenceBuffer>();
    for (const id of program.outputs) if (!made.has(id)) made.set(id, given(id) ?? hold(program.buffers[id].dtype, memories[id]));
    return program.outputs.map((id) => made.get(id)!);
  };

  const compile = (program: Program): Executable<ReferenceBuffer> => {
    checkProgram(program);
    const written = new Set(program.kernels.flatMap((kernel) => [...writesOf(kernel)]));
    // Plain numbers go only to devices that read freely.
    return { run: (inputs) => run(program, written, inputs as readonly (ReferenceBuffer | HostArray)[]), destroy: () => {} };
  };

  return {
    name: "reference",
    description: "plain TypeScript in double precision",
    dtypes,
    maxBuffersPerKernel: Infinity,
    fuses: false,
    // Reading would round them.
    readsFreely: false,
    compile,
    upload,
    download: (buffer) => Promise.resolve().then(() => downloadNow(buffer)),
    downloadNow,
    free,
    get bytesInUse() {
      return bytesInUse;
    },
  };
}
