/**
 * The places of each row's elements in sorted order: a radix sort, from the lowest byte of the keys to the highest, which keeps
 * the order of equal elements and takes as long for every input. Short rows are sorted by insertion.
 *
 * A record holds a key (an unsigned integer in the order that is wanted) and the place it comes from. Every pass counts how often each
 * digit occurs and moves the records to where they then belong; the last one writes their places. Threads take rows of their own; of
 * few long rows each takes a part, and they add up their counts.
 *
 * @module
 */
import type { ArgsortKernel } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "./context.ts";
import { slotAddress } from "./emit/addresses.ts";
import { setAlignedShare } from "./emit/shares.ts";
import { writeKey } from "./sort_key.ts";
import { accessStream, type Stream } from "./streams.ts";
import { serialNanoseconds } from "./work.ts";

/** Rows up to this length are sorted by insertion. */
const mostInserted = 32;

/** From this length on, threads share a row if there are too few for all. */
const sharedFrom = 16384;

/** Bytes of a count for each value of a byte. */
const countBytes = 4 * 256;

/** Of `phaseParams`: the thread's number and its private memory. */
const [thread, scratch] = [1, 2];

/** Writes an argsort: threads share rows, or the parts of rows. */
export const argsort: KernelGenerator<ArgsortKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const [rows, n] = kernel.shape;
  return context.threads > 1 && rows < 2 * context.threads && n >= sharedFrom
    ? parts(context, kernel)
    : wholeRows(context, kernel);
};

/** Each thread sorts rows of its own, in its private memory. */
function wholeRows(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const [rows, n] = kernel.shape;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(context.program, kernel);
  const short = n <= mostInserted;
  const nanoseconds = rows * n * (short ? n / 4 + 5 : 5 * record.passes);
  const serial = context.threads === 1 || nanoseconds < serialNanoseconds;
  context.privateScratch(short ? n * record.bytes : 2 * n * record.bytes + countBytes);
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [row, from, to, zero, end, counts] = c.locals("i32", 6);
    const sorter = new Sorter(c, kernel, record, epilogue.slot);
    if (serial) c.i32(0).set(from).i32(rows).set(to);
    else setAlignedShare(c, phaseLocals.thread, rows, 1, context.threads, from, to);
    const halves = [scratch, c.local("i32")];
    if (!short) {
      c.get(scratch).i32(n * record.bytes).op("i32.add").set(halves[1]);
      c.get(scratch).i32(2 * n * record.bytes).op("i32.add").set(counts);
    }
    c.i32(n).set(end);
    c.for(row, () => c.get(from), () => c.get(to), 1, () => {
      sorter.seek(row);
      sorter.readKeys(halves[0], zero, end);
      if (short) return sorter.insert(halves[0]);
      for (let pass = 0; pass < record.passes; pass++) {
        const [source, target] = pass % 2 === 0 ? halves : [halves[1], halves[0]];
        clearCounts(c, counts);
        sorter.count(source, zero, end, pass, counts);
        countsToPlaces(c, counts, counts);
        sorter.move(source, zero, end, pass, counts, target);
      }
    });
    finish(c, epilogue, () => c.get(from).get(to).i32(0).i32(n));
  });
  return [{ func, serial }];
}

/** All threads sort every row together: two phases per pass, since nobody knows where to move before all have counted. */
function parts(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const { module, threads, program } = context;
  const [rows, n] = kernel.shape;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(program, kernel);
  const halves = [0, 1].map(() => context.sharedScratch(rows * n * record.bytes));
  const allCounts = context.sharedScratch(rows * threads * countBytes);
  context.privateScratch(countBytes);

  /** A phase of a pass that does something with this thread's part of each row. */
  const phase = (pass: number, body: (part: PartOfRow) => void): Phase => {
    const func = module.func({ params: phaseParams }, (c) => {
      const [row, from, to] = c.locals("i32", 3);
      const [source, target, counts] = c.locals("i32", 3);
      const sorter = new Sorter(c, kernel, record, epilogue.slot);
      setAlignedShare(c, phaseLocals.thread, n, 1, threads, from, to);
      c.for(row, 0, rows, 1, () => {
        sorter.seek(row);
        const locate = (local: number, slot: number, bytes: number) => {
          slotAddress(c, slot);
          c.get(row).i32(bytes).op("i32.mul").op("i32.add").set(local);
        };
        locate(counts, allCounts, threads * countBytes);
        locate(source, halves[pass % 2], n * record.bytes);
        locate(target, halves[1 - pass % 2], n * record.bytes);
        body({ c, sorter, from, to, source, target, counts });
      });
    });
    return { func, serial: false };
  };

  const phases: Phase[] = [];
  for (let pass = 0; pass < record.passes; pass++) {
    phases.push(phase(pass, ({ c, sorter, from, to, source, counts }) => {
      if (pass === 0) sorter.readKeys(source, from, to);
      c.get(counts).get(thread).i32(countBytes).op("i32.mul").op("i32.add").set(counts);
      clearCounts(c, counts);
      sorter.count(source, from, to, pass, counts);
    }));
    phases.push(phase(pass, ({ c, sorter, from, to, source, target, counts }) => {
      countsToPlaces(c, counts, scratch, { part: thread, parts: threads });
      sorter.move(source, from, to, pass, scratch, target);
    }));
  }
  if (epilogue.func === undefined) return phases;
  const func = module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    setAlignedShare(c, phaseLocals.thread, n, 16, threads, from, to);
    finish(c, epilogue, () => c.i32(0).i32(rows).get(from).get(to));
  });
  return [...phases, { func, serial: false }];
}

/** What a phase of `parts` works on: locals. */
interface PartOfRow {
  readonly c: FunctionWriter;
  readonly sorter: Sorter;
  readonly from: number;
  readonly to: number;
  /** The row's records before and after the pass. */
  readonly source: number;
  readonly target: number;
  /** The row's counts, those of one thread after the other. */
  readonly counts: number;
}

/** Calls the epilogue, if there is one, for rows and columns that `pushBox` pushes. */
function finish(c: FunctionWriter, { slot, func }: Epilogue, pushBox: () => void): void {
  if (func === undefined) return;
  c.get(0);
  slotAddress(c, slot);
  pushBox();
  c.call(func);
}

/** How records lie in memory. */
interface RecordLayout {
  readonly stream: Stream;
  /** Of a record: a key, which comes first, and a place. */
  readonly bytes: 8 | 16;
  /** Bytes of a key: the place follows, and there are so many passes. */
  readonly passes: 4 | 8;
}

function recordOf(program: Program, { operands: [source] }: ArgsortKernel): RecordLayout {
  const stream = accessStream(program, source);
  return stream.dtype === "f64" ? { stream, bytes: 16, passes: 8 } : { stream, bytes: 8, passes: 4 };
}

/** All counts become 0. */
function clearCounts(c: FunctionWriter, counts: number): void {
  const offset = c.local("i32");
  c.for(offset, 0, countBytes, 16, () => c.get(counts).get(offset).op("i32.add").i32x4(0).mem("v128.store"));
  c.release("i32", offset);
}

/**
 * From how often each digit occurs to where the first record of each belongs; of several parts, whose counts follow each other, where
 * the first one of this `part` (a local) does.
 */
function countsToPlaces(
  c: FunctionWriter,
  counts: number,
  places: number,
  { part, parts }: { readonly part?: number; readonly parts: number } = { parts: 1 },
): void {
  const [sum, digit, other, at, count] = c.locals("i32", 5);
  const keep = () => c.get(places).get(digit).op("i32.add").get(sum).mem("i32.store");
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
class Sorter {
  readonly #c: FunctionWriter;
  readonly #kernel: ArgsortKernel;
  readonly #record: RecordLayout;
  readonly #slot: number;
  /** Addresses of the row's first element and its first result. */
  readonly #values: number;
  readonly #result: number;
  readonly #i: number;
  readonly #at: number;
  readonly #held: number;

  constructor(c: FunctionWriter, kernel: ArgsortKernel, record: RecordLayout, slot: number) {
    this.#c = c;
    this.#kernel = kernel;
    this.#record = record;
    this.#slot = slot;
    [this.#values, this.#result, this.#i, this.#at] = c.locals("i32", 4);
    this.#held = c.local("v128");
  }

  /** Goes to a row. */
  seek(row: number): void {
    const c = this.#c;
    const { stream } = this.#record;
    stream.base(c);
    c.get(row).i32(stream.strides[0]).op("i32.mul").op("i32.add").set(this.#values);
    slotAddress(c, this.#slot);
    c.get(row).i32(4 * this.#kernel.shape[1]).op("i32.mul").op("i32.add").set(this.#result);
  }

  /** Makes records of elements. */
  readKeys(records: number, from: number, to: number): void {
    const c = this.#c;
    const { stream, passes } = this.#record;
    const value = c.local("i32");
    c.get(this.#values).get(from).i32(stream.strides[1]).op("i32.mul").op("i32.add").set(value);
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
      this.#digitAt(pass, counts);
      c.tee(count).get(count).mem("i32.load").i32(1).op("i32.add").mem("i32.store");
    });
    c.release("i32", count);
  }

  /** Moves records to where their digits belong: to `target`, or in the last pass their places to the result. */
  move(records: number, from: number, to: number, pass: number, places: number, target: number): void {
    const c = this.#c;
    const { bytes, passes } = this.#record;
    const last = pass === passes - 1;
    const [counter, place] = c.locals("i32", 2);
    this.#eachRecord(records, from, to, () => {
      this.#digitAt(pass, places);
      c.tee(counter).get(counter).mem("i32.load").tee(place).i32(1).op("i32.add").mem("i32.store");
      c.get(last ? this.#result : target).get(place).i32(last ? 4 : bytes).op("i32.mul").op("i32.add");
      if (last) c.get(this.#at).mem("i32.load", passes).mem("i32.store");
      else this.#copy(() => c.get(this.#at));
    });
    c.release("i32", counter).release("i32", place);
  }

  /** Sorts few records: each goes back past those that are larger. Writes their places to the result. */
  insert(records: number): void {
    const c = this.#c;
    const { bytes, passes } = this.#record;
    const [n, hole, type] = [c.local("i32"), c.local("i32"), passes === 8 ? "i64" as const : "i32" as const];
    const [first, key] = [c.local("i32"), c.local(type)];
    const before = () => c.get(hole).i32(bytes).op("i32.sub");
    c.i32(this.#kernel.shape[1]).set(n).i32(1).set(first);
    this.#eachRecord(records, first, n, () => {
      c.get(this.#at).tee(hole).mem(`${type}.load`).set(key);
      c.get(this.#at);
      this.#load();
      c.set(this.#held);
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
    });
    c.i32(0).set(first);
    this.#eachRecord(records, first, n, () => {
      c.get(this.#result).get(this.#i).i32(2).op("i32.shl").op("i32.add");
      c.get(this.#at).mem("i32.load", passes).mem("i32.store");
    });
    c.release("i32", n).release("i32", hole).release("i32", first).release(type, key);
  }

  /** Runs `body` for records, whose address is in `#at`. */
  #eachRecord(records: number, from: number, to: number, body: () => void): void {
    const c = this.#c;
    const { bytes } = this.#record;
    c.get(records).get(from).i32(bytes).op("i32.mul").op("i32.add").set(this.#at);
    c.for(this.#i, () => c.get(from), () => c.get(to), 1, () => {
      body();
      c.increment(this.#at, bytes);
    });
  }

  /** Pushes the address of the count, in a table, of the digit of the record at hand. Memory is little-endian. */
  #digitAt(pass: number, table: number): void {
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
