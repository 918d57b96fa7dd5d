/**
 * Where the time of a run goes: a compute pass per dispatch, with the GPU's own clock read before and after.
 *
 * Passes per dispatch cost more than one for all, so this is for finding out, not for working.
 *
 * @module
 */
import type { Reader } from "./reader.ts";

/** Times of all dispatches with one label. */
export interface Timing {
  readonly label: string;
  readonly count: number;
  readonly milliseconds: number;
}

const mostDispatches = 2048;

/** Collects times by label. Needs the feature "timestamp-query". */
export class Profiler {
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private readonly times = new Map<string, { count: number; nanoseconds: number }>();
  private labels: string[] = [];

  /** `prints`: whether every run is printed to the error stream. */
  constructor(device: GPUDevice, private readonly reader: Reader, private readonly prints: boolean) {
    this.queries = device.createQuerySet({ type: "timestamp", count: 2 * mostDispatches });
    this.resolved = device.createBuffer({
      size: 16 * mostDispatches,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /** A pass for one dispatch; after `mostDispatches` of a run they are no longer timed. */
  pass(encoder: GPUCommandEncoder, label: string): GPUComputePassEncoder {
    if (this.labels.length >= mostDispatches) return encoder.beginComputePass();
    const first = 2 * this.labels.length;
    this.labels.push(label);
    const { queries: querySet } = this;
    return encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 },
    });
  }

  /** After the last pass of a run. */
  end(encoder: GPUCommandEncoder): void {
    if (this.labels.length > 0) encoder.resolveQuerySet(this.queries, 0, 2 * this.labels.length, this.resolved, 0);
  }

  /** After the submission: waits for it and adds the times up. */
  collect(): void {
    const labels = this.labels;
    this.labels = [];
    const bytes = labels.length > 0 ? this.reader.readNow(this.resolved, 16 * labels.length) : undefined;
    if (!bytes) return;
    const stamps = new BigUint64Array(bytes.buffer, 0, 2 * labels.length);
    const elapsed = labels.map((_, i) => Number(stamps[2 * i + 1] - stamps[2 * i]));
    if (this.prints) {
      console.error(labels.map((label, i) => `${(elapsed[i] / 1e6).toFixed(3).padStart(9)} ms  ${label}`).join("\n"));
    }
    labels.forEach((label, i) => {
      const entry = this.times.get(label) ?? { count: 0, nanoseconds: 0 };
      entry.count++;
      entry.nanoseconds += elapsed[i];
      this.times.set(label, entry);
    });
  }

  /** What has been collected since the last call, the longest first. */
  take(): Timing[] {
    const timings = [...this.times].map(([label, { count, nanoseconds }]) => ({ label, count, milliseconds: nanoseconds / 1e6 }));
    this.times.clear();
    return timings.sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
