/**
 * Parts of device buffers.
 *
 * @module
 */
import type { Memory } from "./buffer_pool.ts";

/** A part of a buffer, as bind groups see it. */
export interface Region {
  readonly memory: Memory;
  readonly offset: number;
  readonly size: number;
}

/** All of a buffer. */
export function wholeRegion(memory: Memory): Region {
  return { memory, offset: 0, size: memory.bytes };
}
