/**
 * Sorting the records of a row by the bytes of their keys: the loops over records, and the counts of digits.
 *
 * @module
 */
import type { ArgsortKernel } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type Epilogue, phaseLocals } from "../context.ts";
import { accessStream, type Stream } from "../elementwise/streams.ts";
import { slotAddress } from "../emit/addresses.ts";
import { writeKey } from "./key.ts";

/** Bytes of a count for each value of a byte. */
export const countBytes = 4 * 256;

/** The layout of records in memory. */
export interface RecordLayout {
  readonly stream: Stream;
  /** Of a record: a key, which comes first, and an index. */
  readonly bytes: 8 | 16;
  /** Bytes of a key, which the index follows, and number of passes. */
  readonly passes: 4 | 8;
}

/** The records of an argsort. */
export function recordOf(program: Program, { operands: [source] }: ArgsortKernel): RecordLayout {
  const stream = accessStream(program, source);
  return stream.dtype === "f64" ? { stream, bytes: 16, passes: 8 } : { stream, bytes: 8, passes: 4 };
}

/** All counts become 0. */
export function clearCounts(c: FunctionWriter, counts: number): void {
  const offset = c.local("i32");
  c.for(offset, 0, countBytes, 16, () => c.get(counts).get(offset).op("i32.add").i32x4(0).mem("v128.store"));
  c.release("i32", offset);
}

/**
 * From how often each digit occurs to the index that its first record gets; of several parts, whose counts follow each other, the
 * index of the first one of this `part` (a local).
 */
export function countsToOffsets(
  c: FunctionWriter,
  counts: number,
  offsets: number,
  { part, parts }: { readonly part?: number; readonly parts: number } = { parts: 1 },
): void {
  const [sum, digit, other, at, count] = c.locals("i32", 5);
  const keep = () => c.get(offsets).get(digit).op("i32.add").get(sum).mem("i32.store");
  c.i32(0).set(sum);
  c.for(digit, 0, countBytes, 4, () => {
    c.get(counts).get(digit).op("i32.add").set(at);
    c.for(other, 0, parts, 1, () => {
      c.get(at).mem("i32.load").set(count);
      if (part === undefined) keep();
      else c.get(other).get(part).op("i32.eq").if(keep);
      c.get(sum).get(count).op("i32.add").set(sum);
      c.increment(at, countBytes);
    });
  });
  c.release("i32", sum, digit, other, at, count);
}

/** Writes the loops over the records of a row. Arguments are locals; `from` and `to` count elements. */
export class RecordSorter {
  readonly #c: FunctionWriter;
  readonly #kernel: ArgsortKernel;
  readonly #record: RecordLayout;
  readonly #slot: number;
  /** Locals: the addresses of the row's first element and its first result. */
  readonly values: number;
  readonly #result: number;
  readonly #i: number;
  readonly #at: number;
  readonly #held: number;

  constructor(c: FunctionWriter, kernel: ArgsortKernel, record: RecordLayout, slot: number) {
    this.#c = c;
    this.#kernel = kernel;
    this.#record = record;
    this.#slot = slot;
    [this.values, this.#result, this.#i, this.#at] = c.locals("i32", 4);
    this.#held = c.local("v128");
  }

  /** Goes to a row. */
  seek(row: number): void {
    const c = this.#c;
    const { stream } = this.#record;
    stream.base(c);
    c.get(row).i32(stream.strides[0]).op("i32.mul").op("i32.add").set(this.values);
    slotAddress(c, this.#slot);
    c.get(row).i32(4 * this.#kernel.shape[1]).op("i32.mul").op("i32.add").set(this.#result);
  }

  /** Makes records of elements. */
  readKeys(records: number, from: number, to: number): void {
    const c = this.#c;
    const { stream, passes } = this.#record;
    const value = c.local("i32");
    c.get(this.values).get(from).i32(stream.strides[1]).op("i32.mul").op("i32.add").set(value);
    this.#eachRecord(records, from, to, () => {
      writeKey(c, stream.dtype, value, this.#at, this.#kernel.descending);
      c.get(this.#at).get(this.#i).mem("i32.store", passes);
      c.increment(value, stream.strides[1]);
    });
    c.release("i32", value);
  }

  /** Counts the digits of a pass. */
  count(records: number, from: number, to: number, pass: number, counts: number): void {
    const c = this.#c;
    const count = c.local("i32");
    this.#eachRecord(records, from, to, () => {
      this.#pushCount(pass, counts);
      c.tee(count).get(count).mem("i32.load").i32(1).op("i32.add").mem("i32.store");
    });
    c.release("i32", count);
  }

  /** Moves records to where their digits belong: to `target`, or if it is the `last` pass their indices to the result. */
  move(records: number, from: number, to: number, pass: number, offsets: number, target: number, last: boolean): void {
    const c = this.#c;
    const { bytes, passes } = this.#record;
    const [counter, index] = c.locals("i32", 2);
    this.#eachRecord(records, from, to, () => {
      this.#pushCount(pass, offsets);
      c.tee(counter).get(counter).mem("i32.load").tee(index).i32(1).op("i32.add").mem("i32.store");
      const write = () => {
        c.get(last ? this.#result : target).get(index).i32(last ? 4 : bytes).op("i32.mul").op("i32.add");
        if (last) c.get(this.#at).mem("i32.load", passes).mem("i32.store");
        else this.#copy(() => c.get(this.#at));
      };
      const { shape: [, count], n } = this.#kernel;
      if (last && count < n) c.get(index).i32(count).op("i32.lt_u").if(write);
      else write();
    });
    c.release("i32", counter).release("i32", index);
  }

  /** Sorts few records, as many as local `n` says, by insertion. */
  order(records: number, n: number): void {
    const c = this.#c;
    const [from, first] = c.locals("i32", 2);
    c.i32(1).set(first);
    this.#eachRecord(records, first, n, () => {
      c.get(this.#at).set(from);
      this.#settle(records, from, from);
    });
    c.release("i32", from, first);
  }

  /** Moves the record at `from` to its place among `count` records that are in order; the last of those is lost. */
  settle(records: number, from: number, count: number): void {
    const c = this.#c;
    const hole = c.local("i32");
    c.get(records).i32((count - 1) * this.#record.bytes).op("i32.add").set(hole);
    this.#settle(records, from, hole);
    c.release("i32", hole);
  }

  /** The record at `from` moves before those below `end`, which is overwritten, that are larger. Arguments may be one local. */
  #settle(records: number, from: number, end: number): void {
    const c = this.#c;
    const { bytes, passes } = this.#record;
    const type = passes === 8 ? "i64" as const : "i32" as const;
    const [hole, key] = [c.local("i32"), c.local(type)];
    const before = () => c.get(hole).i32(bytes).op("i32.sub");
    c.get(from).mem(`${type}.load`).set(key);
    c.get(from);
    this.#load();
    c.set(this.#held).get(end).set(hole);
    c.block(() => {
      c.loop(() => {
        c.get(hole).get(records).op("i32.eq").brIf(1);
        before();
        c.mem(`${type}.load`).get(key).op(`${type}.gt_u`).op("i32.eqz").brIf(1);
        c.get(hole);
        this.#copy(before);
        before();
        c.set(hole).br(0);
      });
    });
    c.get(hole).get(this.#held);
    this.#store();
    c.release("i32", hole).release(type, key);
  }

  /** Writes the indices of the first records, as many as are wanted, to the result. */
  writeIndices(records: number): void {
    const c = this.#c;
    const [zero, count] = c.locals("i32", 2);
    c.i32(0).set(zero).i32(this.#kernel.shape[1]).set(count);
    this.#eachRecord(records, zero, count, () => {
      c.get(this.#result).get(this.#i).i32(2).op("i32.shl").op("i32.add");
      c.get(this.#at).mem("i32.load", this.#record.passes).mem("i32.store");
    });
    c.release("i32", zero, count);
  }

  /** Runs `body` for records, whose address is in `#at`. */
  #eachRecord(records: number, from: number, to: number, body: () => void): void {
    const c = this.#c;
    const { bytes } = this.#record;
    c.get(records).get(from).i32(bytes).op("i32.mul").op("i32.add").set(this.#at);
    c.forRange(this.#i, from, to, () => {
      body();
      c.increment(this.#at, bytes);
    });
  }

  /** Pushes the address of the count, in a table, of the digit of the current record. Memory is little-endian. */
  #pushCount(pass: number, table: number): void {
    this.#c.get(this.#at).mem("i32.load8_u", pass).i32(2).op("i32.shl").get(table).op("i32.add");
  }

  #load(): void {
    this.#c.mem(this.#record.bytes === 8 ? "v128.load64_zero" : "v128.load");
  }

  #store(): void {
    if (this.#record.bytes === 8) this.#c.memLane("v128.store64_lane", 0);
    else this.#c.mem("v128.store");
  }

  /** Copies a record to the address on the stack. */
  #copy(pushFrom: () => void): void {
    pushFrom();
    this.#load();
    this.#store();
  }
}

/**
 * All passes over some records, between two halves of memory. The passes are even: the records end in the first half, unless the last one
 * writes their `indices`.
 */
export function sortRecords(
  c: FunctionWriter,
  sorter: RecordSorter,
  { passes }: RecordLayout,
  halves: readonly [number, number],
  [from, to]: readonly [number, number],
  counts: number,
  into: "indices" | "records",
): void {
  for (let pass = 0; pass < passes; pass++) {
    const [source, target] = [halves[pass % 2], halves[1 - pass % 2]];
    clearCounts(c, counts);
    sorter.count(source, from, to, pass, counts);
    countsToOffsets(c, counts, counts);
    sorter.move(source, from, to, pass, counts, target, into === "indices" && pass === passes - 1);
  }
}

/** Calls the epilogue, if there is one, for the rows and columns that `pushRange` pushes. */
export function finish(c: FunctionWriter, { slot, func }: Epilogue, pushRange: () => void): void {
  if (func === undefined) return;
  c.get(phaseLocals.table);
  slotAddress(c, slot);
  pushRange();
  c.call(func);
}
