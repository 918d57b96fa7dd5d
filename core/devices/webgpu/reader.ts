/**
 * Reading device memory back without paying for the event loop.
 *
 * An awaited `mapAsync` polls the GPU and then sleeps 10 ms in Deno. On a staging buffer that has been mapped before (it is primed), the
 * poll inside `mapAsync` has finished the mapping by the time the call returns, so that `getMappedRange` works at once. This is how
 * Deno behaves rather than what the standard promises, and on a buffer never mapped before it aborts the process: hence priming,
 * a self-test at start-up, and the awaited read where that fails.
 *
 * Each such read leaves a promise that only the event loop can settle, and a loop of such reads never returns to it: now and then one
 * read waits for it.
 *
 * @module
 */
import { countRead, openReads, untilReadsAre } from "./open_reads.ts";
import { type Staging, StagingPool } from "./staging_pool.ts";

/** As many open promises of immediate reads make `settle` wait, until this few are left: they take about a kilobyte each. */
const mostOpen = 1024;
const leastOpen = 256;

/** Copies device memory to the host. */
export class Reader {
  readonly #device: GPUDevice;
  readonly #staging: StagingPool;
  #immediate = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#staging = new StagingPool(device);
  }

  /** Whether `readNow` works. */
  get canReadNow(): boolean {
    return this.#immediate;
  }

  /** How many staging buffers were ever made. */
  get buffersCreated(): number {
    return this.#staging.buffersCreated;
  }

  /** Tries the immediate read on known bytes, several times, and sets `canReadNow`. */
  selfTest(): void {
    const source = this.#device.createBuffer({ size: 256, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    this.#immediate = true;
    for (let round = 1; round <= 3 && this.#immediate; round++) {
      const written = Uint8Array.from({ length: 256 }, (_, i) => (i * 7 + round) & 255);
      this.#device.queue.writeBuffer(source, 0, written);
      const read = this.readNow(source, 256);
      this.#immediate = read !== undefined && read.every((byte, i) => byte === written[i]);
    }
    source.destroy();
  }

  /** `bytes` of a buffer from `offset` on, after all that was submitted before; undefined if that needs the event loop. */
  readNow(source: GPUBuffer, bytes: number, offset = 0): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#immediate) return undefined;
    const staging = this.#copy(source, bytes, offset);
    try {
      const mapped = staging.gpu.mapAsync(GPUMapMode.READ, 0, mappedBytes(bytes));
      countRead(mapped);
      const range = rangeOf(staging.gpu, bytes);
      if (range) return this.#take(staging, range, bytes);
    } catch (error) {
      staging.gpu.destroy();
      throw error;
    }
    // The mapping was not there yet: not tried again. The event loop may still map the buffer, so it is not used again either.
    this.#immediate = false;
    staging.gpu.destroy();
    return undefined;
  }

  /** Waits until the event loop has settled most promises of immediate reads, if they are many. */
  async settle(): Promise<void> {
    if (openReads() >= mostOpen) await untilReadsAre(leastOpen);
  }

  /** The same by way of the event loop. */
  async read(source: GPUBuffer, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const staging = this.#copy(source, bytes, 0);
    try {
      await staging.gpu.mapAsync(GPUMapMode.READ, 0, mappedBytes(bytes));
      return this.#take(staging, staging.gpu.getMappedRange(0, mappedBytes(bytes)), bytes);
    } catch (error) {
      staging.gpu.destroy();
      throw error;
    }
  }

  /** Destroys the staging buffers. */
  destroy(): void {
    this.#staging.destroy();
  }

  /** A staging buffer with a copy of `bytes` from `offset` on. */
  #copy(source: GPUBuffer, bytes: number, offset: number): Staging {
    const staging = this.#staging.acquire(mappedBytes(bytes));
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(source, offset, staging.gpu, 0, Math.min(mappedBytes(bytes), source.size - offset));
      this.#device.queue.submit([encoder.finish()]);
    } catch (error) {
      staging.gpu.destroy();
      throw error;
    }
    return staging;
  }

  /** Copies out of a mapped staging buffer and keeps the buffer for later. */
  #take(staging: Staging, range: ArrayBuffer, bytes: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(range.slice(0, bytes));
    staging.gpu.unmap();
    this.#staging.release(staging);
    return copy;
  }
}

/** Mappings are of whole pairs of words. */
function mappedBytes(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** The bytes of a buffer that is mapped already. */
function rangeOf(gpu: GPUBuffer, bytes: number): ArrayBuffer | undefined {
  try {
    return gpu.getMappedRange(0, mappedBytes(bytes));
  } catch {
    return undefined;
  }
}
