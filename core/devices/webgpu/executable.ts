/**
 * A program made ready for the GPU: pipelines compiled, intermediate memory assigned, dispatches listed.
 *
 * A run resolves inputs and outputs to buffers, records all dispatches in one compute pass and submits once. In a steady loop it
 * creates nothing: outputs come from the pool, host arrays go to memory the executable owns, and bind groups are remembered by
 * the buffers they bind.
 *
 * @module
 */
import type { DType, HostArray } from "../../dtype.ts";
import { type Kernel, writesOf } from "../../ir/kernel.ts";
import type { Program } from "../../ir/program.ts";
import { type Binding, generateKernel, type KernelCode } from "./codegen/generate.ts";
import { DeviceError, DonatedError, DTypeError, ShapeError } from "../../errors.ts";
import type { Executable } from "../../values/device.ts";
import { bytesFor, checkHostInput, WebgpuBuffer } from "./buffer.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Memory } from "./pool.ts";
import type { Profiler } from "./profiler.ts";
import type { Services } from "./services.ts";
import { type Region, Uploads } from "./uploads.ts";

/** One dispatch with its bind groups. */
interface Step {
  /** Which of the program's kernels it is part of. */
  readonly kernel: number;
  readonly label: string;
  readonly pipeline: Pipeline;
  readonly workgroups: readonly [number, number, number];
  /** Indices into the table of regions: slots and scratch (fixed), then inputs and outputs (per run). */
  readonly bindings: readonly number[];
  readonly groups: Map<string, GPUBindGroup>;
  /** Which of `bindings` change from run to run. */
  readonly varying: readonly number[];
}

/** Steps that are taken many times over. */
interface Repeat {
  readonly count: number;
  readonly steps: readonly (Step | Repeat)[];
}

/** Bind groups remembered per dispatch: enough for outputs that rotate through a few buffers. */
const mostGroups = 16;

/** A compiled program. */
export class WebgpuExecutable implements Executable<WebgpuBuffer> {
  private readonly steps: readonly (Step | Repeat)[];
  /** Fixed regions, then one per program buffer that is an input or output. */
  private readonly regions: Region[];
  private readonly fixed: Memory[];
  private readonly fixedCount: number;
  private readonly uploads: Uploads;
  private readonly donated: ReadonlySet<number>;
  private destroyed = false;

  /**
   * Generates and compiles all shaders.
   *
   * @throws {DTypeError} If a kernel needs a type the device lacks.
   * @throws {DeviceError} If a shader is refused or memory runs out.
   */
  constructor(private readonly program: Program, private readonly services: Services) {
    const codes = program.kernels.map((kernel, index) => this.generate(kernel, index));
    const scratchBytes = Math.max(0, ...codes.map(mostScratch));
    const slots = scratchBytes > 0 ? [...program.slots, scratchBytes] : program.slots;
    this.fixedCount = slots.length;
    this.steps = codes.flatMap((code) => this.stepsOf(code));
    this.donated = donatedInputs(program);
    const kept = program.inputs.map((id, index) => ({ id, index })).filter(({ index }) => !this.donated.has(index));
    this.uploads = new Uploads(services, kept.map(({ id, index }) => ({ index, ...program.buffers[id] })));
    // Last, since nobody would leave the workspace if something failed.
    this.fixed = services.workspace.enter(slots);
    this.regions = this.fixed.map(whole);
  }

  /** See {@link Executable.run}. */
  run(inputs: readonly (WebgpuBuffer | HostArray)[]): WebgpuBuffer[] {
    const { failures, device, pool } = this.services;
    failures.check();
    if (this.destroyed) throw new DeviceError("Cannot run a program on webgpu: it has been destroyed");
    const fresh: WebgpuBuffer[] = [];
    try {
      this.bindInputs(inputs);
      const outputs = this.bindOutputs(inputs, fresh);
      if (this.steps.length > 0) {
        device.queue.submit([this.record()]);
        this.services.profiler?.collect(this.program);
      }
      return outputs;
    } catch (error) {
      for (const buffer of fresh) pool.release(buffer.surrender()!);
      throw error;
    }
  }

  /** See {@link Executable.destroy}. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.services.workspace.leave(this.fixed);
    this.uploads.destroy();
    forEachStep(this.steps, ({ groups }) => groups.clear());
  }

  /** The shaders of a kernel, compiled; `index` is that of the program's kernel it is part of. */
  private generate(kernel: Kernel, index: number): Generated {
    if (kernel.kind === "loop") return { count: kernel.count, inner: kernel.kernels.map((each) => this.generate(each, index)) };
    const code = generateKernel(this.program, kernel, this.services.target);
    return { kernel: index, code, pipelines: code.dispatches.map((dispatch) => this.services.pipelines.get(dispatch)) };
  }

  private stepsOf(generated: Generated): readonly (Step | Repeat)[] {
    if ("inner" in generated) {
      return [{ count: generated.count, steps: generated.inner.flatMap((each) => this.stepsOf(each)) }];
    }
    const { kernel, code, pipelines } = generated;
    return code.dispatches.map(({ bindings, workgroups, label }, i) => {
      const table = bindings.map((binding) => this.regionIndex(binding));
      const varying = table.filter((region) => region >= this.fixedCount);
      return { kernel, label, pipeline: pipelines[i], workgroups, bindings: table, varying, groups: new Map() };
    });
  }

  private regionIndex({ buffer }: Binding): number {
    if (buffer === "scratch") return this.fixedCount - 1;
    const { location } = this.program.buffers[buffer];
    return location.kind === "slot" ? location.slot : this.fixedCount + buffer;
  }

  private bindInputs(inputs: readonly (WebgpuBuffer | HostArray)[]): void {
    const { program } = this;
    if (inputs.length !== program.inputs.length) {
      throw new ShapeError(`Cannot run a program of ${program.inputs.length} inputs with ${inputs.length}`, {
        inputs: inputs.length,
      });
    }
    const donatedMemory = new Set<Memory>();
    for (const index of this.donated) {
      const input = inputs[index];
      const { dtype, size } = program.buffers[program.inputs[index]];
      if (input instanceof WebgpuBuffer) donatedMemory.add(input.memory);
      else checkHostInput(dtype, size, input);
    }
    inputs.forEach((input, index) => {
      if (!(input instanceof WebgpuBuffer)) return;
      const id = program.inputs[index];
      checkInput(program.buffers[id], input, index);
      if (donatedMemory.has(input.memory) && !this.donated.has(index)) {
        throw new DonatedError(`Cannot run a program with input ${index} also donated: its memory is overwritten`, { index });
      }
      this.regions[this.fixedCount + id] = whole(input.memory);
    });
    this.uploads.begin();
    inputs.forEach((input, index) => {
      if (input instanceof WebgpuBuffer || this.donated.has(index)) return;
      this.regions[this.fixedCount + program.inputs[index]] = this.uploads.add(index, input);
    });
    this.uploads.end();
  }

  /** The buffers of the outputs; those that are new also go to `fresh`, one by one. */
  private bindOutputs(inputs: readonly (WebgpuBuffer | HostArray)[], fresh: WebgpuBuffer[]): WebgpuBuffer[] {
    const made = new Map<number, WebgpuBuffer>();
    return this.program.outputs.map((id) => {
      const known = made.get(id);
      if (known) return known;
      const { dtype, size, location } = this.program.buffers[id];
      const donated = location.kind === "input" ? inputs[location.index] : undefined;
      let output: WebgpuBuffer;
      if (donated instanceof WebgpuBuffer) output = donated;
      else {
        output = new WebgpuBuffer(dtype, size, this.services.pool.acquire(bytesFor(dtype, size)));
        fresh.push(output);
        if (donated) this.uploads.write(output.memory, dtype, size, donated);
      }
      this.regions[this.fixedCount + id] = whole(output.memory);
      made.set(id, output);
      return output;
    });
  }

  private record(): GPUCommandBuffer {
    const { device, profiler } = this.services;
    const encoder = device.createCommandEncoder();
    if (profiler) return this.recordTimed(encoder, profiler);
    const pass = encoder.beginComputePass();
    let current: Pipeline | undefined;
    const groups = new Map<Step, GPUBindGroup>();
    forEachStep(this.steps, (step) => groups.set(step, this.group(step)));
    takeAll(this.steps, (step) => {
      if (step.pipeline !== current) pass.setPipeline(step.pipeline.gpu);
      current = step.pipeline;
      pass.setBindGroup(0, groups.get(step)!);
      pass.dispatchWorkgroups(...step.workgroups);
    });
    pass.end();
    return encoder.finish();
  }

  private recordTimed(encoder: GPUCommandEncoder, profiler: Profiler): GPUCommandBuffer {
    profiler.begin();
    takeAll(this.steps, (step) => {
      const pass = profiler.pass(encoder, step);
      pass.setPipeline(step.pipeline.gpu);
      pass.setBindGroup(0, this.group(step));
      pass.dispatchWorkgroups(...step.workgroups);
      pass.end();
    });
    profiler.end(encoder);
    return encoder.finish();
  }

  private group({ pipeline, bindings, varying, groups }: Step): GPUBindGroup {
    let key = "";
    for (const index of varying) {
      const { memory, offset } = this.regions[index];
      key += `${memory.id}+${offset} `;
    }
    const known = groups.get(key);
    if (known) return known;
    const group = this.services.device.createBindGroup({
      layout: pipeline.layout,
      entries: bindings.map((index, binding) => {
        const { memory, offset, size } = this.regions[index];
        return { binding, resource: { buffer: memory.gpu, offset, size } };
      }),
    });
    this.services.countBindGroup();
    if (groups.size >= mostGroups) groups.delete(groups.keys().next().value!);
    groups.set(key, group);
    return group;
  }
}

/** Shaders of a kernel, or of the kernels of a loop. */
type Generated =
  | { readonly kernel: number; readonly code: KernelCode; readonly pipelines: readonly Pipeline[] }
  | { readonly count: number; readonly inner: readonly Generated[] };

function mostScratch(generated: Generated): number {
  return "inner" in generated ? Math.max(0, ...generated.inner.map(mostScratch)) : generated.code.scratchBytes;
}

/** Visits each step once, however often it is taken. */
function forEachStep(steps: readonly (Step | Repeat)[], visit: (step: Step) => void): void {
  for (const step of steps) {
    if ("steps" in step) forEachStep(step.steps, visit);
    else visit(step);
  }
}

/** Takes each step as often as loops say. */
function takeAll(steps: readonly (Step | Repeat)[], take: (step: Step) => void): void {
  for (const step of steps) {
    if ("steps" in step) { for (let round = 0; round < step.count; round++) takeAll(step.steps, take); }
    else take(step);
  }
}

function whole(memory: Memory): Region {
  return { memory, offset: 0, size: memory.bytes };
}

/** The inputs that a kernel overwrites. */
function donatedInputs(program: Program): Set<number> {
  const ids = [...program.outputs, ...program.kernels.flatMap((kernel) => [...writesOf(kernel)])];
  const donated = new Set<number>();
  for (const id of ids) {
    const { location } = program.buffers[id];
    if (location.kind === "input") donated.add(location.index);
  }
  return donated;
}

function checkInput(spec: { dtype: DType; size: number }, input: WebgpuBuffer, index: number): void {
  if (input.dtype !== spec.dtype) {
    throw new DTypeError(`Cannot run a program with ${input.dtype} for input ${index}: it takes ${spec.dtype}`, { index });
  }
  if (input.size !== spec.size) {
    throw new ShapeError(`Cannot run a program with ${input.size} elements for input ${index}: it takes ${spec.size}`, { index });
  }
}
