/**
 * Where the time of a run goes: a compute pass per dispatch, with the GPU's own clock read before and after.
 *
 * A pass per dispatch costs more than one for all, so runs are slower while they are profiled.
 *
 * @module
 */
import type { Program } from "../../ir/program.ts";
import type { Profile } from "../profile.ts";
import type { Reader } from "./reader.ts";

const mostDispatches = 2048;

/** What a dispatch belongs to. */
interface Timed {
  readonly kernel: number;
  readonly label: string;
}

/** Times every dispatch. Needs the feature "timestamp-query". */
export class Profiler {
  readonly #reader: Reader;
  readonly #profile: Profile;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  #timed: Timed[] = [];

  constructor(device: GPUDevice, reader: Reader, profile: Profile) {
    this.#reader = reader;
    this.#profile = profile;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * mostDispatches });
    this.#resolved = device.createBuffer({
      size: 16 * mostDispatches,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /** Before the first pass of a run. */
  begin(): void {
    this.#timed = [];
  }

  /** A pass for one dispatch; after `mostDispatches` of a run they are no longer timed. */
  pass(encoder: GPUCommandEncoder, { kernel, label }: Timed): GPUComputePassEncoder {
    if (this.#timed.length >= mostDispatches) return encoder.beginComputePass();
    const first = 2 * this.#timed.length;
    this.#timed.push({ kernel, label });
    return encoder.beginComputePass({
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 },
    });
  }

  /** After the last pass of a run. */
  end(encoder: GPUCommandEncoder): void {
    if (this.#timed.length > 0) encoder.resolveQuerySet(this.#queries, 0, 2 * this.#timed.length, this.#resolved, 0);
  }

  /** After the submission: waits for it and reports the times, unless they cannot be read. The run itself has succeeded by then. */
  collect(program: Program): void {
    const timed = this.#timed;
    const bytes = timed.length > 0 ? this.#read(16 * timed.length) : undefined;
    if (!bytes) return;
    const stamps = new BigUint64Array(bytes.buffer, 0, 2 * timed.length);
    timed.forEach(({ kernel, label }, i) =>
      this.#profile(program, kernel, label, Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6)
    );
  }

  #read(bytes: number): Uint8Array<ArrayBuffer> | undefined {
    try {
      return this.#reader.readNow(this.#resolved, bytes);
    } catch {
      return undefined;
    }
  }
}
