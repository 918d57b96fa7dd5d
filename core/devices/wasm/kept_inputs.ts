/**
 * What a program has made of nothing but an input and can use again: the transformed filters of a convolution.
 *
 * It is kept from the second run in a row that has the same values, so that values which change at every run, as those of a training loop
 * do, take no memory beyond the run.
 *
 * @module
 */
import type { WasmBuffer } from "./buffer.ts";
import type { Derived } from "./codegen/program.ts";
import type { KeptBlock, SharedMemory } from "./memory.ts";

interface Kept extends Derived {
  /** Where it is kept, if it is; its address is 0 if it had to go. */
  block: KeptBlock | undefined;
  /** The input of the latest run and how often its values had been overwritten; what was made of them is in the block if `made`. */
  input: WasmBuffer | undefined;
  writes: number;
  made: boolean;
}

/** All that one program may keep. A run calls `prepare`, `point` and `done`, in this order. */
export class KeptInputs {
  readonly #memory: SharedMemory;
  readonly #all: readonly Kept[];
  readonly #enlarge: ((address: number, bytes: number) => void) | undefined;

  /** @param enlarge Asks for large pages for what is kept, which is much, is read as a whole at every run, and outlives many. */
  constructor(memory: SharedMemory, derived: readonly Derived[], enlarge?: (address: number, bytes: number) => void) {
    this.#memory = memory;
    this.#enlarge = enlarge;
    this.#all = derived.map((each) => ({ ...each, block: undefined, input: undefined, writes: 0, made: false }));
  }

  /** Finds out what can be used again by a run with these inputs; takes memory, and gives some back. */
  prepare(inputs: readonly WasmBuffer[]): void {
    for (const kept of this.#all) {
      const input = inputs[kept.index];
      const same = kept.input === input && kept.writes === input.writes;
      if (!same) this.#free(kept);
      else if (!kept.block?.address) {
        kept.block = this.#memory.kept.allocate(kept.bytes);
        if (kept.block) this.#enlarge?.(kept.block.address, kept.bytes);
        kept.made = false;
      }
      // Should the run fail, then nothing was made.
      kept.input = undefined;
      kept.writes = input.writes;
    }
  }

  /** Writes into a table where it is kept, or its place in the arena, and whether it must be made. */
  point(words: Int32Array, table: number, arenaAddress: (slot: number) => number): void {
    for (const { block, made, slot, stale } of this.#all) {
      words[table + slot] = block?.address || arenaAddress(slot);
      words[table + stale] = block?.address && made ? 0 : 1;
    }
  }

  /** The run with these inputs has ended. */
  done(inputs: readonly WasmBuffer[]): void {
    for (const kept of this.#all) {
      kept.input = inputs[kept.index];
      kept.made = true;
    }
  }

  destroy(): void {
    for (const kept of this.#all) this.#free(kept);
  }

  #free(kept: Kept): void {
    if (kept.block) this.#memory.kept.free(kept.block);
    kept.block = undefined;
  }
}
