/**
 * Staging buffers, through which device memory is read.
 *
 * They are primed: each has been mapped once when it was created, which the immediate read of `reader.ts` depends on.
 *
 * @module
 */
import { sizeClass } from "./buffer_pool.ts";

/** A primed buffer that can be mapped. */
export interface Staging {
  readonly gpu: GPUBuffer;
  readonly bytes: number;
}

/** What is kept for later reads. */
const mostBuffers = 8;
const mostBytes = 64 * 2 ** 20;

/** Staging buffers that are not in use, the last used first. */
export class StagingPool {
  readonly #device: GPUDevice;
  readonly #idle: Staging[] = [];
  #created = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** How many buffers were ever made. */
  get buffersCreated(): number {
    return this.#created;
  }

  /** A buffer of at least `bytes`. One that is not released must be destroyed. */
  acquire(bytes: number): Staging {
    const size = sizeClass(bytes);
    const index = this.#idle.findIndex((staging) => staging.bytes === size);
    if (index >= 0) return this.#idle.splice(index, 1)[0];
    const gpu = this.#device.createBuffer({
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      mappedAtCreation: true,
    });
    gpu.unmap();
    this.#created++;
    return { gpu, bytes: size };
  }

  /** Takes a buffer back, unmapped. */
  release(staging: Staging): void {
    this.#idle.unshift(staging);
    let total = this.#idle.reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.#idle.length > mostBuffers || (this.#idle.length > 1 && total > mostBytes)) {
      const dropped = this.#idle.pop()!;
      total -= dropped.bytes;
      dropped.gpu.destroy();
    }
  }

  /** Destroys the buffers that are not in use. */
  destroy(): void {
    for (const { gpu } of this.#idle.splice(0)) gpu.destroy();
  }
}
