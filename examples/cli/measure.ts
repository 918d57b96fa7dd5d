/**
 * Measures of a run.
 *
 * @module
 */

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Keeps an eye on the memory of the process. */
export interface MemoryWatch {
  /** Looks at it now. */
  look(): void;
  /** The most bytes that were resident at one time, as far as it was looked at. */
  readonly peak: number;
}

/** From now on the most resident memory, as far as it was looked at. */
export function watchMemory(): MemoryWatch {
  let peak = Deno.memoryUsage().rss;
  return {
    look: () => {
      peak = Math.max(peak, Deno.memoryUsage().rss);
    },
    get peak() {
      return peak;
    },
  };
}
