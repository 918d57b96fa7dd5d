/**
 * A pool of device buffers.
 *
 * V8's collector does not see GPU memory, and a bind group belongs to certain buffers, so buffers are reused rather than dropped:
 * those given back last go out first, which makes the steps of a training loop meet the same buffers again. What lies idle
 * beyond a budget is destroyed. Work on a queue is done in order, so that a buffer may go to its next user while an earlier
 * submission still reads it.
 *
 * @module
 */
import { OutOfMemoryError } from "../../errors.ts";
import type { Failures } from "./failures.ts";

/** One GPU buffer. `id` is never used twice. */
export interface Memory {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
}

/** What may lie idle on any adapter. */
const leastIdle = 256 * 2 ** 20;

/** Sizes are rounded up to eighths of a power of two, so that nearly equal ones can share; always a multiple of 256. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

/** An idle buffer; `since` counts releases. */
interface Idle {
  readonly memory: Memory;
  readonly since: number;
}

/** Buffers by size, idle or in use. */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #failures: Failures;
  readonly #leastIdle: number;
  readonly #idle = new Map<number, Idle[]>();
  /** Buffers for which there turned out to be no memory when they were in use: they are not kept. */
  readonly #unusable = new WeakSet<GPUBuffer>();
  #created = 0;
  #releases = 0;
  #bytesIdle = 0;
  /** Bytes of the buffers that are out. */
  bytesInUse = 0;

  /** @param mostUnreachable Bytes that a collection may give back at once: a loop that needs them again finds them all. */
  constructor(device: GPUDevice, failures: Failures, mostUnreachable: number) {
    this.#device = device;
    this.#failures = failures;
    this.#leastIdle = Math.max(leastIdle, mostUnreachable);
  }

  /** How many buffers were ever made: constant in a steady loop. */
  get buffersCreated(): number {
    return this.#created;
  }

  /**
   * A buffer of at least `bytes`; its content is arbitrary.
   *
   * @throws {OutOfMemoryError} If it is larger than the adapter allows, or memory has run out.
   */
  acquire(bytes: number): Memory {
    const size = sizeClass(bytes);
    const found = this.#idle.get(size)?.pop()?.memory;
    if (found) this.#bytesIdle -= size;
    const memory = found ?? this.#create(bytes, size);
    this.bytesInUse += memory.bytes;
    return memory;
  }

  /** Takes a buffer back; work already submitted may still use it. */
  release(memory: Memory): void {
    this.bytesInUse -= memory.bytes;
    if (this.#unusable.has(memory.gpu)) return;
    const list = this.#idle.get(memory.bytes) ?? [];
    this.#idle.set(memory.bytes, list);
    list.push({ memory, since: this.#releases++ });
    this.#bytesIdle += memory.bytes;
    const budget = Math.max(this.#leastIdle, this.bytesInUse);
    while (this.#bytesIdle > budget) this.#destroyOldest();
  }

  /** Destroys all idle buffers. */
  trim(): void {
    while (this.#bytesIdle > 0) this.#destroyOldest();
  }

  #create(bytes: number, size: number): Memory {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#device.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    // Near the limit the exact size may still fit.
    const fitted = size <= most ? size : Math.ceil(bytes / 16) * 16;
    if (fitted > most) {
      throw new OutOfMemoryError(`Cannot make a buffer of ${bytes} bytes on webgpu: this adapter allows ${most} bytes`, {
        bytes,
        bytesInUse: this.bytesInUse,
        limit: most,
      });
    }
    const make = () =>
      this.#device.createBuffer({
        size: fitted,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
    return { gpu: this.#createChecked(fitted, make), id: this.#created++, bytes: fitted };
  }

  /** When memory has run out, what lies idle is given up before the second try. */
  #createChecked(bytes: number, make: () => GPUBuffer): GPUBuffer {
    const discard = (gpu: GPUBuffer) => this.#discard(gpu);
    const first = this.#failures.guard("out-of-memory", make, discard);
    if (first.error === undefined) return first.made;
    this.trim();
    const second = this.#failures.guard("out-of-memory", make, discard);
    if (second.error === undefined) return second.made;
    throw new OutOfMemoryError(
      `Cannot make a buffer of ${bytes} bytes on webgpu: out of memory with ${this.bytesInUse} bytes in use (${second.error})`,
      { bytes, bytesInUse: this.bytesInUse },
    );
  }

  /** Lets a buffer without memory serve no further use. */
  #discard(gpu: GPUBuffer): void {
    this.#unusable.add(gpu);
    for (const list of this.#idle.values()) {
      const index = list.findIndex(({ memory }) => memory.gpu === gpu);
      if (index >= 0) this.#bytesIdle -= list.splice(index, 1)[0].memory.bytes;
    }
  }

  #destroyOldest(): void {
    let oldest: Idle[] | undefined;
    for (const list of this.#idle.values()) {
      if (list.length > 0 && (!oldest || list[0].since < oldest[0].since)) oldest = list;
    }
    const entry = oldest?.shift();
    if (!entry) {
      this.#bytesIdle = 0;
      return;
    }
    this.#bytesIdle -= entry.memory.bytes;
    entry.memory.gpu.destroy();
  }
}
