/**
 * Measures of a run.
 *
 * @module
 */

/** The median of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Samples the memory of the process. */
export interface MemoryWatch {
  /** Takes a sample. */
  sample(): void;
  /** The largest resident size in bytes of all samples. */
  readonly peak: number;
}

/** Starts to sample the resident memory. */
export function watchMemory(): MemoryWatch {
  let peak = Deno.memoryUsage().rss;
  return {
    sample: () => {
      peak = Math.max(peak, Deno.memoryUsage().rss);
    },
    get peak() {
      return peak;
    },
  };
}
