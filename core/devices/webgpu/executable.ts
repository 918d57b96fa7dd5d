/**
 * A program made ready for the GPU: pipelines compiled, intermediate memory assigned, dispatches listed.
 *
 * A run resolves inputs and outputs to buffers, records all dispatches in one compute pass and submits once. In a steady loop it
 * creates nothing: outputs come from the pool, host arrays go to memory the executable owns, and bind groups are remembered by
 * the buffers they bind.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import type { Program } from "../../ir/program.ts";
import type { Executable } from "../../values/device.ts";
import { Arguments, type Inputs } from "./arguments.ts";
import type { WebgpuBuffer } from "./buffer.ts";
import type { Memory } from "./buffer_pool.ts";
import { Recorder } from "./recorder.ts";
import { type Region, wholeRegion } from "./regions.ts";
import type { Services } from "./services.ts";
import { compileSteps } from "./steps.ts";

/** A compiled program. */
export class WebgpuExecutable implements Executable<WebgpuBuffer> {
  readonly #program: Program;
  readonly #services: Services;
  readonly #recorder: Recorder;
  readonly #arguments: Arguments;
  /** Memory of slots and scratch. */
  readonly #fixed: readonly Memory[];
  /** Fixed regions, then one per program buffer that is an input or output. */
  readonly #regions: Region[];
  readonly #isEmpty: boolean;
  #isDestroyed = false;

  /**
   * Generates and compiles all shaders.
   *
   * @throws {DTypeError} If a kernel needs a type the device lacks.
   * @throws {DeviceError} If a shader is refused or memory runs out.
   */
  constructor(program: Program, services: Services) {
    this.#program = program;
    this.#services = services;
    const { steps, fixedRegions } = compileSteps(program, services);
    this.#isEmpty = steps.length === 0;
    this.#recorder = new Recorder(services, steps);
    this.#arguments = new Arguments(program, services);
    // Last: if something failed after it, the workspace would not be left again.
    this.#fixed = services.workspace.enter(fixedRegions);
    this.#regions = this.#fixed.map(wholeRegion);
  }

  /** See {@link Executable.run}. */
  run(inputs: Inputs): WebgpuBuffer[] {
    const { failures, device, pool, profiler } = this.#services;
    failures.check();
    if (this.#isDestroyed) throw new DeviceError("Cannot run a program on webgpu: it has been destroyed");
    const bind = (buffer: number, region: Region) => this.#regions[this.#fixed.length + buffer] = region;
    const fresh: WebgpuBuffer[] = [];
    try {
      this.#arguments.bindInputs(inputs, bind);
      const outputs = this.#arguments.bindOutputs(inputs, fresh, bind);
      if (!this.#isEmpty) {
        device.queue.submit([this.#recorder.record(this.#regions)]);
        profiler?.collect(this.#program);
      }
      return outputs;
    } catch (error) {
      for (const buffer of fresh) pool.release(buffer.surrender()!);
      throw error;
    }
  }

  /** See {@link Executable.destroy}. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#services.workspace.leave(this.#fixed);
    this.#arguments.destroy();
    this.#recorder.clear();
  }
}
