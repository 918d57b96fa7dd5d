/**
 * Pipelines by shader text, and the layouts they share.
 *
 * Nothing below deduplicates them and a discrete GPU's driver takes tens of milliseconds for one, so equal text is compiled once.
 *
 * @module
 */
import { debug } from "../../env.ts";
import { DeviceError } from "../../errors.ts";
import type { Dispatch } from "./codegen/generate.ts";
import type { Failures } from "./failures.ts";

/** A compiled shader. */
export interface Pipeline {
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** The driver's words if it has refused the shader after it was handed out. */
  refusal?: string;
}

const mostPipelines = 4096;

/** The pipelines of one device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #failures: Failures;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  #compiled = 0;

  constructor(device: GPUDevice, failures: Failures) {
    this.#device = device;
    this.#failures = failures;
  }

  /** How many shaders were ever compiled. */
  get pipelinesCreated(): number {
    return this.#compiled;
  }

  /**
   * The pipeline of a dispatch, compiled if its text is new.
   *
   * @throws {DeviceError} If the driver refuses the shader: the message holds its words and the text.
   */
  get(dispatch: Dispatch): Pipeline {
    const known = this.#pipelines.get(dispatch.code);
    // Taken out and put back: the least recently wanted comes first.
    if (known) this.#pipelines.delete(dispatch.code);
    const pipeline = known ?? this.#compile(dispatch);
    this.#pipelines.set(dispatch.code, pipeline);
    if (this.#pipelines.size > mostPipelines) this.#pipelines.delete(this.#pipelines.keys().next().value!);
    return pipeline;
  }

  #compile({ code, label, bindings }: Dispatch): Pipeline {
    if (debug.has("source")) console.error(`${label}\n${numbered(code)}`);
    const layout = this.#layout(bindings.map(({ access }) => access));
    const make = () => {
      const module = this.#device.createShaderModule({ code, label });
      return this.#device.createComputePipeline({ label, layout: layout.pipeline, compute: { module, entryPoint: "main" } });
    };
    const { made, error } = this.#failures.guard("validation", make, (_, refusal) => {
      pipeline.refusal = refusal;
      this.#pipelines.delete(code);
    });
    if (error !== undefined) {
      throw new DeviceError(`Cannot compile a ${label} shader for webgpu: ${error}\n${numbered(code)}`, { label, code, error });
    }
    this.#compiled++;
    const pipeline: Pipeline = { gpu: made, layout: layout.group };
    return pipeline;
  }

  #layout(accesses: readonly ("read" | "read_write")[]): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = accesses.join();
    let found = this.#layouts.get(key);
    if (!found) {
      const group = this.#device.createBindGroupLayout({
        entries: accesses.map((access, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: access === "read" ? "read-only-storage" as const : "storage" as const },
        })),
      });
      found = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, found);
    }
    return found;
  }
}

function numbered(code: string): string {
  return code.split("\n").map((line, i) => `${String(i + 1).padStart(4)} ${line}`).join("\n");
}
