/**
 * What lies where in the arena, the memory of a program while it runs.
 *
 * @module
 */
import type { Program } from "../../ir/program.ts";
import type { ProgramCode } from "./codegen/program.ts";

/** Offsets of intermediate and scratch memory from the beginning of the arena. */
export interface ArenaLayout {
  /** By table slot, for the slots whose memory is in the arena. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Table slots that hold what another one does. */
  readonly copies: readonly (readonly [to: number, from: number])[];
  readonly scratch: number;
  readonly scratchSize: number;
  readonly bytes: number;
}

/**
 * Bytes between slots: what may be read behind one, and so many lines of the cache that slots of whole pages, as images often are, do not
 * begin in the same or neighbouring sets of it (13 lines; 11 to 15 gave a step of LeNet 3 to 4 % less time than 1, 17 and more did not).
 */
const spacing = 832;

/** Lays out slots, shared scratch and each thread's private scratch one after the other. */
export function layOut(program: Program, code: ProgramCode, threads: number): ArenaLayout {
  let end = 0;
  const take = (bytes: number): number => {
    const offset = end;
    end += Math.ceil(bytes / 64) * 64 + spacing;
    return offset;
  };
  const slots = program.slots.map(take);
  const shared = take(code.sharedBytes);
  const offsets = new Map([
    ...program.buffers.flatMap(({ location }, id) => location.kind === "slot" ? [[id, slots[location.slot]] as const] : []),
    ...code.slots.flatMap((slot, i) =>
      slot.kind === "shared" ? [[program.buffers.length + i, shared + slot.offset] as const] : []
    ),
  ]);
  const copies = code.slots.flatMap((slot, i) => slot.kind === "copy" ? [[program.buffers.length + i, slot.slot] as const] : []);
  const scratch = end;
  const scratchSize = Math.ceil(code.privateBytes / 64) * 64 + 64;
  return { offsets, copies, scratch, scratchSize, bytes: scratch + scratchSize * threads };
}
