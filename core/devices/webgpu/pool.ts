/**
 * Device memory: a pool of buffers for values, and a workspace that programs share.
 *
 * V8's collector does not see GPU memory, and a bind group belongs to certain buffers, so buffers are reused rather than dropped:
 * those given back last go out first, which makes the steps of a training loop meet the same buffers again. What lies idle
 * beyond a budget is destroyed. Work on a queue is done in order, so that a buffer may go to its next user while an earlier
 * submission still reads it.
 *
 * @module
 */
import { DeviceError, OutOfMemoryError } from "../../errors.ts";
import type { Failures } from "./failures.ts";

/** One GPU buffer. `id` is never used twice. */
export interface Memory {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
}

const minimumIdleBudget = 256 * 2 ** 20;
/** Sizes are rounded up to eighths of a power of two, so that nearly equal ones can share; always a multiple of 256. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

/** Buffers by size, idle or in use. */
export class BufferPool {
  private readonly idle = new Map<number, { memory: Memory; since: number }[]>();
  private created = 0;
  private releases = 0;
  private bytesIdle = 0;
  /** Bytes of the buffers that are out. */
  bytesInUse = 0;

  constructor(private readonly device: GPUDevice, private readonly failures: Failures) {}

  /** How many buffers were ever made: constant in a steady loop. */
  get buffersCreated(): number {
    return this.created;
  }

  /**
   * A buffer of at least `bytes`; its content is arbitrary.
   *
   * @throws {DeviceError} If it is larger than the adapter allows.
   * @throws {OutOfMemoryError} If memory has run out.
   */
  acquire(bytes: number): Memory {
    const size = sizeClass(bytes);
    const found = this.idle.get(size)?.pop()?.memory;
    if (found) this.bytesIdle -= size;
    const memory = found ?? this.create(bytes, size);
    this.bytesInUse += memory.bytes;
    return memory;
  }

  /** Takes a buffer back; work already submitted may still use it. */
  release(memory: Memory): void {
    const list = this.idle.get(memory.bytes) ?? [];
    this.idle.set(memory.bytes, list);
    list.push({ memory, since: this.releases++ });
    this.bytesIdle += memory.bytes;
    this.bytesInUse -= memory.bytes;
    const budget = Math.max(minimumIdleBudget, this.bytesInUse);
    while (this.bytesIdle > budget) this.destroyOldest();
  }

  /** Destroys all idle buffers. */
  trim(): void {
    while (this.bytesIdle > 0) this.destroyOldest();
  }

  private create(bytes: number, size: number): Memory {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    // Near the limit the exact size may still fit.
    const fitted = size <= most ? size : Math.ceil(bytes / 16) * 16;
    if (fitted > most) {
      throw new DeviceError(`Cannot make a buffer of ${bytes} bytes on webgpu: this adapter allows ${most} bytes`, {
        bytes,
        most,
      });
    }
    const make = () =>
      this.device.createBuffer({
        size: fitted,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
    return { gpu: this.createChecked(fitted, make), id: this.created++, bytes: fitted };
  }

  /** When memory has run out, what lies idle is given up before the second try. */
  private createChecked(bytes: number, make: () => GPUBuffer): GPUBuffer {
    const first = this.failures.guard("out-of-memory", make);
    if (first.error === undefined) return first.made;
    this.trim();
    const second = this.failures.guard("out-of-memory", make);
    if (second.error === undefined) return second.made;
    throw new OutOfMemoryError(
      `Cannot make a buffer of ${bytes} bytes on webgpu: out of memory with ${this.bytesInUse} bytes in use (${second.error})`,
      { bytes, bytesInUse: this.bytesInUse },
    );
  }

  private destroyOldest(): void {
    let oldest: { memory: Memory; since: number }[] | undefined;
    for (const list of this.idle.values()) {
      if (list.length > 0 && (!oldest || list[0].since < oldest[0].since)) oldest = list;
    }
    const entry = oldest?.shift();
    if (!entry) {
      this.bytesIdle = 0;
      return;
    }
    this.bytesIdle -= entry.memory.bytes;
    entry.memory.gpu.destroy();
  }
}

/** A buffer of the workspace and how many programs use it. */
interface Shared {
  readonly memory: Memory;
  users: number;
}

/**
 * Intermediate memory. Programs run one after the other and keep nothing in it between runs, so that all of them share the same
 * buffers: the n-th buffer of a size serves the n-th slot of that size of every program.
 */
export class Workspace {
  private readonly sizes = new Map<number, Shared[]>();

  constructor(private readonly pool: BufferPool) {}

  /**
   * One buffer per slot, all distinct. Give them back with `leave`.
   *
   * @throws {OutOfMemoryError} If memory has run out.
   */
  enter(slots: readonly number[]): Memory[] {
    const taken = new Map<number, number>();
    const memories: Memory[] = [];
    try {
      for (const bytes of slots) {
        const size = sizeClass(bytes);
        const ordinal = taken.get(size) ?? 0;
        taken.set(size, ordinal + 1);
        memories.push(this.share(bytes, ordinal));
      }
    } catch (error) {
      this.leave(memories);
      throw error;
    }
    return memories;
  }

  /** Ends the use that `enter` began. */
  leave(memories: readonly Memory[]): void {
    for (const memory of memories) {
      const list = this.sizes.get(sizeClass(memory.bytes)) ?? [];
      const index = list.findIndex((shared) => shared.memory === memory);
      if (index < 0) continue;
      if (--list[index].users > 0) continue;
      this.pool.release(memory);
      list.splice(index, 1);
    }
  }

  private share(bytes: number, ordinal: number): Memory {
    const size = sizeClass(bytes);
    const list = this.sizes.get(size) ?? [];
    this.sizes.set(size, list);
    const shared = list[ordinal] ??= { memory: this.pool.acquire(bytes), users: 0 };
    shared.users++;
    return shared.memory;
  }
}
