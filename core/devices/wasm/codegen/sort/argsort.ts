/**
 * The indices of each row's elements in sorted order: a radix sort, from the lowest byte of the keys to the highest, which keeps
 * the order of equal elements and takes as long for every input. Short rows are sorted by insertion; where only a few of many indices
 * are wanted, they are chosen (`select.ts`).
 *
 * A record holds a key (an unsigned integer in the order that is wanted) and the index it comes from. Every pass counts how often
 * each digit occurs and moves the records to where they then belong; the last one writes their indices. Threads take rows of
 * their own; of few long rows each takes a part, and they add up their counts.
 *
 * @module
 */
import type { ArgsortKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { slotAddress } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import {
  clearCounts,
  countBytes,
  countsToOffsets,
  finish,
  type RecordLayout,
  recordOf,
  RecordSorter,
  sortRecords,
} from "./records.ts";
import { chooseRows, isChoice } from "./select.ts";

/** Rows up to this length are sorted by insertion. */
const maxInserted = 32;

/** From this length on, threads share a row if there are too few for all. */
const sharedFrom = 16384;

/** Writes an argsort: threads share rows, or the parts of rows. */
export const argsort: KernelGenerator<ArgsortKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { shape: [rows], n } = kernel;
  if (isChoice(kernel)) return chooseRows(context, kernel);
  return context.threads > 1 && rows < 2 * context.threads && n >= sharedFrom
    ? sortParts(context, kernel)
    : sortRows(context, kernel);
};

/** Each thread sorts rows of its own, in its private memory. */
function sortRows(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const { shape: [rows, count], n } = kernel;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(context.program, kernel);
  const short = n <= maxInserted;
  const nanoseconds = rows * n * (short ? n / 4 + 5 : 5 * record.passes);
  const pieces = piecesFor(context.threads, { nanoseconds });
  context.privateScratch(short ? n * record.bytes : 2 * n * record.bytes + countBytes);
  const func = context.module.func({ params: phaseParams }, (c) => {
    const { scratch, piece } = phaseLocals;
    const [row, from, to, zero, end, counts] = c.locals("i32", 6);
    const sorter = new RecordSorter(c, kernel, record, epilogue.slot);
    setAlignedShare(c, piece, rows, 1, pieces, from, to);
    const halves = [scratch, c.local("i32")] as const;
    if (!short) {
      c.get(scratch).i32(n * record.bytes).op("i32.add").set(halves[1]);
      c.get(scratch).i32(2 * n * record.bytes).op("i32.add").set(counts);
    }
    c.i32(n).set(end);
    c.forRange(row, from, to, () => {
      sorter.seek(row);
      sorter.readKeys(scratch, zero, end);
      if (short) sorter.order(scratch, end);
      else sortRecords(c, sorter, record, halves, [zero, end], counts, "indices");
      if (short) sorter.writeIndices(scratch);
    });
    finish(c, epilogue, () => c.get(from).get(to).i32(0).i32(count));
  });
  return [{ func, pieces }];
}

/** All threads sort every row together: two phases per pass, since where records move is known when all have counted. */
function sortParts(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const { module, threads, program } = context;
  const { piece, scratch } = phaseLocals;
  const { shape: [rows, count], n } = kernel;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(program, kernel);
  const halves = [0, 1].map(() => context.sharedScratch(rows * n * record.bytes));
  const counts = context.sharedScratch(rows * threads * countBytes);
  context.privateScratch(countBytes);
  const phase = (pass: number, body: (part: PartOfRow) => void): Phase => {
    const slots = { source: halves[pass % 2], target: halves[1 - pass % 2], counts };
    return { func: eachRow(context, kernel, record, epilogue.slot, slots, body), pieces: threads };
  };

  const phases: Phase[] = [];
  for (let pass = 0; pass < record.passes; pass++) {
    phases.push(phase(pass, ({ c, sorter, from, to, source, counts }) => {
      if (pass === 0) sorter.readKeys(source, from, to);
      c.get(counts).get(piece).i32(countBytes).op("i32.mul").op("i32.add").set(counts);
      clearCounts(c, counts);
      sorter.count(source, from, to, pass, counts);
    }));
    phases.push(phase(pass, ({ c, sorter, from, to, source, target, counts }) => {
      countsToOffsets(c, counts, scratch, { part: piece, parts: threads });
      sorter.move(source, from, to, pass, scratch, target, pass === record.passes - 1);
    }));
  }
  if (epilogue.func === undefined) return phases;
  const func = module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    setAlignedShare(c, piece, count, 16, threads, from, to);
    finish(c, epilogue, () => c.i32(0).i32(rows).get(from).get(to));
  });
  return [...phases, { func, pieces: threads }];
}

/** What a phase of `sortParts` works on: locals. */
interface PartOfRow {
  readonly c: FunctionWriter;
  readonly sorter: RecordSorter;
  readonly from: number;
  readonly to: number;
  /** The row's records before and after the pass. */
  readonly source: number;
  readonly target: number;
  /** The row's counts, those of one thread after the other. */
  readonly counts: number;
}

/** Writes a phase that does something with the thread's part of each row, whose memory is at the addresses in some slots. */
function eachRow(
  { module, threads }: GeneratorContext,
  kernel: ArgsortKernel,
  record: RecordLayout,
  resultSlot: number,
  slots: { readonly source: number; readonly target: number; readonly counts: number },
  body: (part: PartOfRow) => void,
): number {
  const { shape: [rows], n } = kernel;
  return module.func({ params: phaseParams }, (c) => {
    const [row, from, to, source, target, counts] = c.locals("i32", 6);
    const sorter = new RecordSorter(c, kernel, record, resultSlot);
    setAlignedShare(c, phaseLocals.piece, n, 1, threads, from, to);
    c.for(row, 0, rows, 1, () => {
      sorter.seek(row);
      const setAddress = (local: number, slot: number, bytes: number) => {
        slotAddress(c, slot);
        c.get(row).i32(bytes).op("i32.mul").op("i32.add").set(local);
      };
      setAddress(counts, slots.counts, threads * countBytes);
      setAddress(source, slots.source, n * record.bytes);
      setAddress(target, slots.target, n * record.bytes);
      body({ c, sorter, from, to, source, target, counts });
    });
  });
}
