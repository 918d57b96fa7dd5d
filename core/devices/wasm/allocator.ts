/**
 * Hands out blocks of a growing address space: sizes rounded up to classes, freed blocks kept per class, merged with their
 * neighbours only when nothing fits. Allocating what was freed before takes a map look-up. An allocation that fails changes
 * nothing.
 *
 * @module
 */

/** Alignment of every block, and the bytes behind each that may be read. */
const alignment = 64;

/** A run of free bytes. */
interface Run {
  readonly start: number;
  readonly size: number;
}

/** Where blocks come from. */
export interface Space {
  readonly start: number;
  /** Makes addresses below `end` usable; says whether it could. */
  ensure(end: number): boolean;
}

/** Size of the block that serves a request: four classes per power of two, at least 128 bytes. */
export function blockSize(bytes: number): number {
  const needed = Math.max(bytes + alignment, 2 * alignment);
  const step = Math.max(alignment, 2 ** (Math.floor(Math.log2(needed)) - 2));
  return Math.ceil(needed / step) * step;
}

/** Allocates from a space. Addresses are bytes. */
export class Allocator {
  readonly #space: Space;
  /** Everything from here on has never been handed out. */
  #top: number;
  readonly #bins = new Map<number, number[]>();
  #binned = 0;
  /** Merged free runs by address, none adjacent to another. */
  #runs: Run[] = [];

  constructor(space: Space) {
    this.#space = space;
    this.#top = space.start;
  }

  /** Bytes of the blocks that are handed out. */
  get bytesInUse(): number {
    const free = this.#runs.reduce((sum, { size }) => sum + size, this.#binned);
    return this.#top - this.#space.start - free;
  }

  /** The address of a block of `blockSize(bytes)` bytes; undefined if there is no room for it. */
  allocate(bytes: number): number | undefined {
    const size = blockSize(bytes);
    const bin = this.#bins.get(size);
    if (bin !== undefined && bin.length > 0) {
      this.#binned -= size;
      return bin.pop()!;
    }
    const found = this.#fromRuns(size) ?? (this.#worthMerging(size) ? this.#merge().#fromRuns(size) : undefined);
    if (found !== undefined) return found;
    // Where nothing is left, merging is worth it for any block.
    return this.#fromTop(size) ?? (this.#binned > 0 ? this.#merge().#fromRuns(size) ?? this.#fromTop(size) : undefined);
  }

  /** Takes back the block at an address that was asked for with `bytes`. */
  free(address: number, bytes: number): void {
    const size = blockSize(bytes);
    this.#binned += size;
    const bin = this.#bins.get(size);
    if (bin) bin.push(address);
    else this.#bins.set(size, [address]);
  }

  #worthMerging(size: number): boolean {
    return this.#binned >= size && this.#binned * 4 >= this.#top - this.#space.start;
  }

  #fromRuns(size: number): number | undefined {
    let best = -1;
    this.#runs.forEach((run, i) => {
      if (run.size >= size && (best < 0 || run.size < this.#runs[best].size)) best = i;
    });
    if (best < 0) return undefined;
    const { start, size: available } = this.#runs[best];
    if (available === size) this.#runs.splice(best, 1);
    else this.#runs[best] = { start: start + size, size: available - size };
    return start;
  }

  #fromTop(size: number): number | undefined {
    const address = this.#top;
    if (!this.#space.ensure(address + size)) return undefined;
    this.#top = address + size;
    return address;
  }

  /** Empties the bins into the runs; a run at the end becomes fresh space again. */
  #merge(): this {
    const all = [...this.#runs];
    for (const [size, bin] of this.#bins) for (const start of bin) all.push({ start, size });
    this.#bins.clear();
    this.#binned = 0;
    all.sort((a, b) => a.start - b.start);
    const merged: Run[] = [];
    for (const run of all) {
      const last = merged.at(-1);
      if (last && last.start + last.size === run.start) {
        merged[merged.length - 1] = { start: last.start, size: last.size + run.size };
      } else merged.push(run);
    }
    const last = merged.at(-1);
    if (last && last.start + last.size === this.#top) {
      this.#top = last.start;
      merged.pop();
    }
    this.#runs = merged;
    return this;
  }
}
