/**
 * A program made ready for the GPU: pipelines compiled, intermediate memory assigned, dispatches listed.
 *
 * A run resolves inputs and outputs to buffers, then records and submits all dispatches. In a steady loop it creates nothing: outputs
 * come from the pool, host arrays go to memory the executable owns, and bind groups are remembered by the buffers they bind.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { hostArray } from "../../dtype.ts";
import type { Program } from "../../ir/program.ts";
import type { Executable } from "../../values/device.ts";
import { Arguments, type Inputs } from "./arguments.ts";
import { bytesFor, decode, type WebgpuBuffer } from "./buffer.ts";
import type { Memory } from "./buffer_pool.ts";
import { Recorder } from "./recorder.ts";
import { type Region, wholeRegion } from "./regions.ts";
import type { Services } from "./services.ts";
import { compileSteps, type ExchangeStep, type StageSteps } from "./steps.ts";
import { writeValues } from "./uploads.ts";

/** A compiled program. */
export class WebgpuExecutable implements Executable<WebgpuBuffer> {
  readonly #program: Program;
  readonly #services: Services;
  readonly #stages: readonly (Pick<StageSteps, "exchange" | "waitsFor"> & { readonly recorder: Recorder | undefined })[];
  readonly #arguments: Arguments;
  /** Memory of slots and scratch. */
  readonly #fixed: readonly Memory[];
  /** Fixed regions, then one per program buffer that is an input or output. */
  readonly #regions: Region[];
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
    const { stages, fixedRegions } = compileSteps(program, services);
    this.#stages = stages.map(({ steps, ...stage }) => {
      return { ...stage, recorder: steps.length > 0 ? new Recorder(services, steps) : undefined };
    });
    this.#arguments = new Arguments(program, services);
    // Last: if something failed after it, the workspace would not be left again.
    this.#fixed = services.workspace.enter(fixedRegions);
    this.#regions = this.#fixed.map(wholeRegion);
  }

  /** See {@link Executable.run}. */
  run(inputs: Inputs): WebgpuBuffer[] {
    const { failures, pool } = this.#services;
    failures.check();
    if (this.#isDestroyed) throw new DeviceError("Cannot run a program on webgpu: it has been destroyed");
    const bind = (buffer: number, region: Region) => this.#regions[this.#fixed.length + buffer] = region;
    const fresh: WebgpuBuffer[] = [];
    try {
      this.#arguments.bindInputs(inputs, bind);
      const outputs = this.#arguments.bindOutputs(inputs, fresh, bind);
      this.#execute();
      return outputs;
    } catch (error) {
      for (const buffer of fresh) pool.release(buffer.surrender()!);
      throw error;
    }
  }

  /** Submits the stages; the host exchanges values, which it reads and writes, while the GPU goes on. */
  #execute(): void {
    const { profiler } = this.#services;
    const running = new Map<ExchangeStep, () => void>();
    for (const { recorder, exchange, waitsFor } of this.#stages) {
      for (const each of waitsFor) {
        running.get(each)!();
        running.delete(each);
      }
      if (exchange) running.set(exchange, this.#start(exchange));
      if (!recorder) continue;
      recorder.submit(this.#regions);
      profiler?.collect(this.#program);
    }
    for (const finish of running.values()) finish();
  }

  /** Begins an exchange when the GPU has computed what is sent; the result waits for its end, and brings what came to the GPU. */
  #start({ exchange, from, to }: ExchangeStep): () => void {
    const { device, reader } = this.#services;
    const source = this.#regions[from.region];
    const bytes = reader.readNow(source.memory.gpu, bytesFor(from.dtype, from.size), source.offset + from.byteOffset);
    if (!bytes) {
      throw new DeviceError(`Cannot do ${exchange.label} on webgpu: this GPU can be read only by waiting; use the wasm device`, {
        device: "webgpu",
      });
    }
    const values = hostArray(to.dtype, to.size);
    const exchanging = exchange.start(decode(from.dtype, from.size, bytes), values);
    return () => {
      exchanging.wait();
      const { memory, offset } = this.#regions[to.region];
      writeValues(device, memory, to.dtype, values, offset + to.byteOffset);
    };
  }

  /** See {@link Executable.destroy}. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#services.workspace.leave(this.#fixed);
    this.#arguments.destroy();
    for (const { recorder } of this.#stages) recorder?.clear();
  }
}
