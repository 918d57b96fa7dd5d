/**
 * The `webgpu` device: programs as WGSL compute shaders on the runtime's own WebGPU.
 *
 * @module
 */
import { deviceBytes, type DType, dtypes, type HostArray } from "../../dtype.ts";
import { DeviceError, DTypeError } from "../../errors.ts";
import type { Program } from "../../ir/program.ts";
import { type Device, leastHostBudget } from "../../values/device.ts";
import type { Profile } from "../profile.ts";
import { type AdapterOptions, describeAdapter, findAdapter, openDevice } from "./adapter.ts";
import { bytesFor, checkHostInput, decode, WebgpuBuffer } from "./buffer.ts";
import { BufferPool } from "./buffer_pool.ts";
import type { Target } from "./codegen/generate.ts";
import { WebgpuExecutable } from "./executable.ts";
import { Failures } from "./failures.ts";
import { PipelineCache } from "./pipelines.ts";
import { Profiler } from "./profiler.ts";
import { Reader } from "./reader.ts";
import type { Services } from "./services.ts";
import { writeValues } from "./uploads.ts";
import { Workspace } from "./workspace.ts";

export { findAdapter, hasRealAdapter } from "./adapter.ts";
export { WebgpuBuffer } from "./buffer.ts";

/** How to open the device. */
export interface WebgpuOptions extends AdapterOptions {
  /** Which kernels to generate: by default those that suit the adapter. */
  readonly tuning?: "hardware" | "software";
  /** Whether reads may avoid the event loop (default true, if the self-test agrees). */
  readonly immediateReads?: boolean;
  /** Is told the time of every dispatch, which slows runs down. Needs an adapter with timestamps. */
  readonly profile?: Profile;
}

/** Things created since the device was opened: constant in a steady loop. */
export interface CreationCounts {
  readonly buffers: number;
  readonly stagingBuffers: number;
  readonly pipelines: number;
  readonly bindGroups: number;
}

/**
 * Opens a GPU (or, if asked, a software adapter).
 *
 * @throws {DeviceError} If there is no adapter; the message says how to get one.
 */
export async function createWebgpuDevice(options: WebgpuOptions = {}): Promise<WebgpuDevice> {
  const adapter = await findAdapter(options);
  const { device, subgroupSize, enablesSubgroups } = await openDevice(adapter);
  const software = options.tuning ? options.tuning === "software" : adapter.info.isFallbackAdapter;
  const { limits } = device;
  const target: Target = {
    software,
    roundsEachStep: adapter.info.isFallbackAdapter,
    // Real GPUs detect uniform loads themselves.
    subgroupSize: software ? subgroupSize : 0,
    enablesSubgroups,
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxInvocationsPerWorkgroup: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
  };
  return new WebgpuDevice(device, describeAdapter(adapter), target, options);
}

/** Some adapters allow a million buffers, which is not tested. */
const mostBindings = 64;

/** A GPU as a device. Made by {@link createWebgpuDevice}. */
export class WebgpuDevice implements Device<WebgpuBuffer> {
  readonly name = "webgpu";
  /** Shaders have no types of 64 bits. */
  readonly dtypes: readonly DType[] = dtypes.filter((dtype) => deviceBytes(dtype) <= 4);
  readonly maxBuffersPerKernel: number;
  readonly maxInstructions = 500;
  readonly maxFusedParts = 16;
  readonly fuses = true;
  readonly readsFreely = false;
  readonly leastBudget: number;
  readonly #device: GPUDevice;
  readonly #failures: Failures;
  readonly #pool: BufferPool;
  readonly #reader: Reader;
  readonly #pipelines: PipelineCache;
  readonly #services: Services;
  #bindGroups = 0;

  constructor(device: GPUDevice, readonly description: string, target: Target, options: WebgpuOptions) {
    this.#device = device;
    // A card has gigabytes of its own, and reading from it waits for all that it has to do.
    this.leastBudget = options.software ? leastHostBudget : 2 ** 30;
    // One is kept for scratch memory.
    this.maxBuffersPerKernel = Math.min(device.limits.maxStorageBuffersPerShaderStage, mostBindings) - 1;
    this.#failures = new Failures(device);
    this.#pool = new BufferPool(device, this.#failures, this.leastBudget);
    this.#pipelines = new PipelineCache(device, this.#failures);
    this.#reader = new Reader(device);
    if (options.immediateReads ?? true) this.#reader.selfTest();
    const profile = device.features.has("timestamp-query") ? options.profile : undefined;
    this.#services = {
      device,
      target,
      pool: this.#pool,
      workspace: new Workspace(this.#pool),
      pipelines: this.#pipelines,
      failures: this.#failures,
      reader: this.#reader,
      profiler: profile && new Profiler(device, this.#reader, profile),
      countBindGroup: () => this.#bindGroups++,
    };
  }

  /** See {@link Device.bytesInUse}. */
  get bytesInUse(): number {
    return this.#pool.bytesInUse - this.#services.workspace.bytes;
  }

  /** See {@link Device.isLost}. */
  get isLost(): boolean {
    return this.#failures.isLost;
  }

  /** What has been created so far. */
  get created(): CreationCounts {
    return {
      buffers: this.#pool.buffersCreated,
      stagingBuffers: this.#reader.buffersCreated,
      pipelines: this.#pipelines.pipelinesCreated,
      bindGroups: this.#bindGroups,
    };
  }

  /** See {@link Device.compile}. */
  compile(program: Program): WebgpuExecutable {
    this.#failures.check();
    return new WebgpuExecutable(program, this.#services);
  }

  /** See {@link Device.upload}. */
  upload(dtype: DType, values: HostArray): WebgpuBuffer {
    this.#failures.check();
    if (!this.dtypes.includes(dtype)) {
      throw new DTypeError(`Cannot hold ${dtype} on webgpu: it has ${this.dtypes.join(", ")}`, { dtype, device: this.name });
    }
    checkHostInput(dtype, values.length, values);
    const buffer = new WebgpuBuffer(dtype, values.length, this.#pool.acquire(bytesFor(dtype, values.length)));
    try {
      writeValues(this.#device, buffer.memory, dtype, values);
    } catch (error) {
      this.free(buffer);
      throw error;
    }
    return buffer;
  }

  /** See {@link Device.download}. */
  async download(buffer: WebgpuBuffer): Promise<HostArray> {
    const now = this.downloadNow(buffer);
    if (now) {
      await this.#reader.settle();
      return now;
    }
    const { gpu } = buffer.memory;
    try {
      return this.#decoded(buffer, await this.#reader.read(gpu, bytesFor(buffer.dtype, buffer.size)));
    } catch (cause) {
      if (cause instanceof DeviceError) throw cause;
      // A failure reported before is the likelier cause.
      this.#failures.check();
      const { dtype, size } = buffer;
      throw new DeviceError(`Cannot read a buffer of ${size} ${dtype} on webgpu: ${cause}`, { dtype, size }, { cause });
    }
  }

  /** See {@link Device.downloadNow}. */
  downloadNow(buffer: WebgpuBuffer): HostArray | undefined {
    this.#failures.check();
    const bytes = this.#reader.readNow(buffer.memory.gpu, bytesFor(buffer.dtype, buffer.size));
    return bytes && this.#decoded(buffer, bytes);
  }

  /** See {@link Device.copy}. */
  copy({ dtype, size, memory }: WebgpuBuffer): WebgpuBuffer {
    this.#failures.check();
    const bytes = bytesFor(dtype, size);
    const copy = new WebgpuBuffer(dtype, size, this.#pool.acquire(bytes));
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(memory.gpu, 0, copy.memory.gpu, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
    return copy;
  }

  /** See {@link Device.free}. */
  free(buffer: WebgpuBuffer): void {
    const memory = buffer.surrender();
    if (memory) this.#pool.release(memory);
  }

  /** Closes the GPU; nothing of this device may be used afterwards. */
  destroy(): void {
    this.#failures.close();
    this.#reader.destroy();
    this.#device.destroy();
  }

  #decoded({ dtype, size }: WebgpuBuffer, bytes: Uint8Array<ArrayBuffer>): HostArray {
    this.#failures.check();
    return decode(dtype, size, bytes);
  }
}
