/**
 * Recording the steps of a program as commands of the GPU, with the bind groups they need, and submitting them.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";
import type { Region } from "./regions.ts";
import type { Services } from "./services.ts";
import { type CopyStep, type DispatchStep, forEachStep, runSteps, type Steps } from "./steps.ts";

/** Bind groups remembered per step: enough for outputs that rotate through a few buffers. */
const mostGroups = 16;

/** As many dispatches are submitted at once: the GPU computes them while the next are being recorded. */
const mostSubmitted = 64;

/** Records the same steps for one run after another. Bind groups are remembered by the regions they bind. */
export class Recorder {
  readonly #services: Services;
  readonly #steps: Steps;
  readonly #groups = new Map<DispatchStep, Map<string, GPUBindGroup>>();

  constructor(services: Services, steps: Steps) {
    this.#services = services;
    this.#steps = steps;
    forEachStep(steps, (step) => {
      if (!("copy" in step)) this.#groups.set(step, new Map());
    });
  }

  /** Submits a run on regions. */
  submit(regions: readonly Region[]): void {
    const { profiler } = this.#services;
    if (profiler) this.#submitTimed(profiler, regions);
    else this.#submitParts(regions);
  }

  /** Forgets all bind groups. */
  clear(): void {
    for (const groups of this.#groups.values()) groups.clear();
  }

  /** One pass for the dispatches up to the next copy, or the end of a part. */
  #submitParts(regions: readonly Region[]): void {
    const { device } = this.#services;
    // All groups before anything is submitted: nothing that can fail comes after it.
    const groups = new Map<DispatchStep, GPUBindGroup>();
    forEachStep(this.#steps, (step) => {
      if (!("copy" in step)) groups.set(step, this.#groupOf(step, regions));
    });
    let encoder = device.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    let current: Pipeline | undefined;
    let recorded = 0;
    const endPass = () => {
      pass?.end();
      pass = current = undefined;
    };
    runSteps(this.#steps, (step) => {
      if (recorded === mostSubmitted) {
        endPass();
        device.queue.submit([encoder.finish()]);
        encoder = device.createCommandEncoder();
        recorded = 0;
      }
      recorded++;
      if ("copy" in step) {
        endPass();
        return recordCopy(encoder, step, regions);
      }
      pass ??= encoder.beginComputePass();
      if (step.pipeline !== current) pass.setPipeline(step.pipeline.gpu);
      current = step.pipeline;
      pass.setBindGroup(0, groups.get(step)!);
      pass.dispatchWorkgroups(...step.workgroups);
    });
    endPass();
    device.queue.submit([encoder.finish()]);
  }

  /** A pass for each dispatch; copies have none whose time could be taken. */
  #submitTimed(profiler: Profiler, regions: readonly Region[]): void {
    const { device } = this.#services;
    const encoder = device.createCommandEncoder();
    profiler.begin();
    runSteps(this.#steps, (step) => {
      if ("copy" in step) return recordCopy(encoder, step, regions);
      const pass = profiler.pass(encoder, step);
      pass.setPipeline(step.pipeline.gpu);
      pass.setBindGroup(0, this.#groupOf(step, regions));
      pass.dispatchWorkgroups(...step.workgroups);
      pass.end();
    });
    profiler.end(encoder);
    device.queue.submit([encoder.finish()]);
  }

  #groupOf(step: DispatchStep, regions: readonly Region[]): GPUBindGroup {
    const { refusal } = step.pipeline;
    if (refusal !== undefined) {
      throw new DeviceError(`Cannot run a ${step.label} shader on webgpu: it did not compile: ${refusal}`, { error: refusal });
    }
    const groups = this.#groups.get(step)!;
    let key = "";
    for (const index of step.varying) {
      const { memory, offset } = regions[index];
      key += `${memory.id}+${offset} `;
    }
    const known = groups.get(key);
    if (known) return known;
    const group = this.#services.device.createBindGroup({
      layout: step.pipeline.layout,
      entries: step.bindings.map((index, binding) => {
        const { memory, offset, size } = regions[index];
        return { binding, resource: { buffer: memory.gpu, offset, size } };
      }),
    });
    this.#services.countBindGroup();
    if (groups.size >= mostGroups) groups.delete(groups.keys().next().value!);
    groups.set(key, group);
    return group;
  }
}

function recordCopy(encoder: GPUCommandEncoder, { copy }: CopyStep, regions: readonly Region[]): void {
  const from = regions[copy.from];
  const to = regions[copy.to];
  const target = to.offset + copy.toByte;
  encoder.copyBufferToBuffer(from.memory.gpu, from.offset + copy.fromByte, to.memory.gpu, target, copy.bytes);
}
