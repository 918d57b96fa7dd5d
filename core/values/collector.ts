/**
 * Asking for a collection.
 *
 * V8 collects when its own objects have become many, and then partly beside the program, by threads that a busy machine lets wait. Buffers
 * of a device it does not see, and in a loop over large results there is little else.
 *
 * @module
 */
import { deno } from "../runtime.ts";

/**
 * Lets V8 collect now: it refuses an array for which no machine has room, but not before it has collected all it can. Takes 2 to 8 ms
 * for each MB of `heapBytes`. Other engines may refuse at once.
 */
export function collect(): void {
  try {
    new ArrayBuffer(2 ** 48);
  } catch {
    // As expected.
  }
}

/** Bytes of the objects that a collection looks at; 0 where nobody tells. */
export function heapBytes(): number {
  return deno?.memoryUsage().heapUsed ?? 0;
}
