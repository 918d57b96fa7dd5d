/**
 * Memory for intermediate values, which all programs share: they run one after the other and keep nothing in it between runs. The n-th
 * buffer of a size serves the n-th slot of that size of every program.
 *
 * @module
 */
import { type BufferPool, type Memory, sizeClass } from "./buffer_pool.ts";

/** A buffer of the workspace and how many programs use it. */
interface Shared {
  readonly memory: Memory;
  users: number;
}

/** The intermediate memory of all programs of a device. */
export class Workspace {
  readonly #pool: BufferPool;
  readonly #sizes = new Map<number, Shared[]>();
  /** Bytes of the pool that are here. */
  bytes = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

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
        memories.push(this.#share(bytes, ordinal));
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
      const list = this.#sizes.get(sizeClass(memory.bytes)) ?? [];
      const index = list.findIndex((shared) => shared.memory === memory);
      if (index < 0) continue;
      if (--list[index].users > 0) continue;
      this.#pool.release(memory);
      this.bytes -= memory.bytes;
      list.splice(index, 1);
    }
  }

  #share(bytes: number, ordinal: number): Memory {
    const size = sizeClass(bytes);
    const list = this.#sizes.get(size) ?? [];
    this.#sizes.set(size, list);
    const shared = list[ordinal] ??= { memory: this.#acquire(bytes), users: 0 };
    shared.users++;
    return shared.memory;
  }

  #acquire(bytes: number): Memory {
    const memory = this.#pool.acquire(bytes);
    this.bytes += memory.bytes;
    return memory;
  }
}
