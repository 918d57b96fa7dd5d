/**
 * The first few indices of each row's elements in sorted order, without sorting the row: the best so far are kept, and what is not before
 * the last of them is passed over, sixteen elements at a time.
 *
 * A few are kept in order, and each that joins them is moved to its place. More are joined by as many again before all are sorted and
 * the best are kept, so that a row that comes in the worst order takes about as long as sorting it. Elements join in the order of
 * the row, and equal ones are passed over: the first come first. Of few long rows threads take parts, and the best of the parts are
 * sorted.
 *
 * @module
 */
import type { ArgsortKernel } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { slotAddress } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { writeKey } from "./key.ts";
import { countBytes, finish, type RecordLayout, recordOf, RecordSorter, sortRecords } from "./records.ts";

/** Up to this many are kept in order. */
const maxOrdered = 16;

/** Rows that are this many times as long as what is wanted of them are not sorted: where few are kept in order, and where more are. */
const leastRatio = { few: 16, more: 48 } as const;

/** From this length on, threads share a row if there are too few for all. */
const sharedFrom = 16384;

/** Elements that are passed over together. */
const blockElements = 16;

/** Whether choosing takes less than sorting. */
export function isChoice({ shape: [, count], n }: ArgsortKernel): boolean {
  return n >= (count <= maxOrdered ? leastRatio.few : leastRatio.more) * count;
}

/** Room for records: those that are kept, and those that may join them before all are sorted. */
function capacityFor(count: number): number {
  return count <= maxOrdered ? count : 2 * count + 64;
}

/** Bytes of private memory for choosing: the records twice and their digits' counts; of few the records and one more. */
function scratchFor(count: number, { bytes }: RecordLayout): number {
  return count <= maxOrdered ? (count + 1) * bytes : 2 * capacityFor(count) * bytes + countBytes;
}

/** Writes the choice: threads share rows, or the parts of rows. */
export function chooseRows(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const { shape: [rows, count], n } = kernel;
  const parts = context.threads > 1 && rows < 2 * context.threads && n >= sharedFrom &&
      n >= leastRatio.few * count * context.threads
    ? context.threads
    : 1;
  return parts === 1 ? chooseWhole(context, kernel) : chooseOfParts(context, kernel, parts);
}

/** Each thread has rows of its own. */
function chooseWhole(context: GeneratorContext, kernel: ArgsortKernel): readonly Phase[] {
  const { shape: [rows, count], n } = kernel;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(context.program, kernel);
  context.privateScratch(scratchFor(count, record));
  const pieces = piecesFor(context.threads, { nanoseconds: rows * (n + 60 * count) });
  const func = context.module.func({ params: phaseParams }, (c) => {
    const { scratch, piece } = phaseLocals;
    const [row, from, to, zero, end] = c.locals("i32", 5);
    const sorter = new RecordSorter(c, kernel, record, epilogue.slot);
    setAlignedShare(c, piece, rows, 1, pieces, from, to);
    c.i32(n).set(end);
    c.forRange(row, from, to, () => {
      sorter.seek(row);
      choose(c, kernel, record, sorter, scratch, zero, end);
      sorter.writeIndices(scratch);
    });
    finish(c, epilogue, () => c.get(from).get(to).i32(0).i32(count));
  });
  return [{ func, pieces }];
}

/** Threads choose from parts of every row, then from what was chosen. */
function chooseOfParts(context: GeneratorContext, kernel: ArgsortKernel, parts: number): readonly Phase[] {
  const { shape: [rows, count], n } = kernel;
  const { scratch, piece } = phaseLocals;
  const epilogue = context.epilogue(kernel);
  const record = recordOf(context.program, kernel);
  const chosen = context.sharedScratch(rows * parts * count * record.bytes);
  context.privateScratch(Math.max(scratchFor(count, record), parts * count * record.bytes + countBytes));
  const address = (c: FunctionWriter, pushPart: () => void, local: number) => {
    slotAddress(c, chosen);
    pushPart();
    c.i32(count * record.bytes).op("i32.mul").op("i32.add").set(local);
  };
  const ofParts = context.module.func({ params: phaseParams }, (c) => {
    const [row, part, from, to, target] = c.locals("i32", 5);
    const sorter = new RecordSorter(c, kernel, record, epilogue.slot);
    c.get(piece).i32(parts).op("i32.div_u").set(row);
    c.get(piece).i32(parts).op("i32.rem_u").set(part);
    setAlignedShare(c, part, n, 1, parts, from, to);
    sorter.seek(row);
    choose(c, kernel, record, sorter, scratch, from, to);
    address(c, () => c.get(piece), target);
    c.get(target).get(scratch).i32(count * record.bytes).copy();
  });
  const ofChosen = context.module.func({ params: phaseParams }, (c) => {
    const [records, counts, zero, end, next] = c.locals("i32", 5);
    const sorter = new RecordSorter(c, kernel, record, epilogue.slot);
    c.i32(parts * count).set(end);
    address(c, () => c.get(piece).i32(parts).op("i32.mul"), records);
    sorter.seek(piece);
    if (count <= maxOrdered) sorter.order(records, end);
    else {
      c.get(scratch).i32(parts * count * record.bytes).op("i32.add").set(counts);
      sortRecords(c, sorter, record, [records, scratch], [zero, end], counts, "records");
    }
    sorter.writeIndices(records);
    c.get(piece).i32(1).op("i32.add").set(next);
    finish(c, epilogue, () => c.get(piece).get(next).i32(0).i32(count));
  });
  return [{ func: ofParts, pieces: rows * parts }, { func: ofChosen, pieces: rows }];
}

/** Leaves the records of the first elements in order at `records`, out of those from `from` to `to` of the row. Arguments are locals. */
function choose(
  c: FunctionWriter,
  kernel: ArgsortKernel,
  record: RecordLayout,
  sorter: RecordSorter,
  records: number,
  from: number,
  to: number,
): void {
  const { stream } = record;
  const isBlocked = stream.dtype !== "f64" && stream.strides[1] === 4;
  /** The value that the last of the kept keys is of, in all lanes. */
  const limits = c.local("v128");
  const [at, value, stop] = c.locals("i32", 3);
  const kept = keepRecords(c, kernel, record, sorter, records, isBlocked ? limits : undefined);
  kept.begin(from, at);
  c.get(sorter.values).get(at).i32(stream.strides[1]).op("i32.mul").op("i32.add").set(value);
  c.block(() => {
    c.loop(() => {
      c.get(at).get(to).op("i32.ge_s").brIf(1);
      c.get(at).i32(blockElements).op("i32.add").set(stop);
      c.get(stop).get(to).op("i32.gt_s").if(() => c.get(to).set(stop));
      c.block(() => {
        if (isBlocked) {
          c.get(stop).get(at).op("i32.sub").i32(blockElements).op("i32.eq").if(() => {
            pushAllPassed(c, stream.dtype, value, limits, kernel.descending);
            c.if(() => {
              c.increment(value, 4 * blockElements).get(stop).set(at).br(2);
            });
          });
        }
        c.loop(() => {
          kept.offer(value, at);
          c.increment(value, stream.strides[1]).increment(at, 1).get(at).get(stop).op("i32.lt_s").brIf(0);
        });
      });
      c.br(0);
    });
  });
  kept.end();
  c.release("v128", limits).release("i32", at, value, stop);
}

/** What keeps the first of the records that it is offered; `limits` is set to the value that the last of them is of. */
function keepRecords(
  c: FunctionWriter,
  { shape: [, count], descending }: ArgsortKernel,
  record: RecordLayout,
  sorter: RecordSorter,
  records: number,
  limits: number | undefined,
) {
  const { stream, bytes, passes } = record;
  const [ordered, capacity] = [count <= maxOrdered, capacityFor(count)];
  const type = passes === 8 ? "i64" as const : "i32" as const;
  const pushRecord = (index: number) => c.get(records).i32(index * bytes).op("i32.add");
  /** The last key that is kept. */
  const limit = c.local(type);
  const [free, held, zero, other, counts] = c.locals("i32", 5);
  const setLimit = () => {
    const last = (count - 1) * bytes;
    c.get(records).mem(`${type}.load`, last).set(limit);
    if (limits === undefined) return;
    c.get(sorter.values).get(records).mem("i32.load", last + passes).i32(2).op("i32.shl").op("i32.add");
    c.mem("v128.load32_splat").set(limits);
  };
  /** Sorts what is there, of which the first are kept. */
  const sortAll = () => {
    c.get(free).get(records).op("i32.sub").i32(bytes).op("i32.div_u").set(held);
    sortRecords(c, sorter, record, [records, other], [zero, held], counts, "records");
    pushRecord(count).set(free);
  };
  return {
    /** Takes the first elements as they come; `at` then is the next. */
    begin: (from: number, at: number) => {
      c.i32(0).set(zero);
      if (!ordered) pushRecord(capacity).tee(other).i32(capacity * bytes).op("i32.add").set(counts);
      c.get(from).i32(capacity).op("i32.add").set(at);
      c.get(records).get(from).i32(bytes).op("i32.mul").op("i32.sub").set(free);
      sorter.readKeys(free, from, at);
      pushRecord(capacity).set(free);
      if (ordered) {
        c.i32(count).set(held);
        sorter.order(records, held);
      } else sortAll();
      setLimit();
    },
    /** Offers the element whose address is `value` and whose index is `at`: it joins in its place, or behind the others. */
    offer: (value: number, at: number) => {
      writeKey(c, stream.dtype, value, free, descending);
      c.get(limit).get(free).mem(`${type}.load`).op(`${type}.gt_u`).if(() => {
        c.get(free).get(at).mem("i32.store", passes);
        if (ordered) {
          sorter.settle(records, free, count);
          return setLimit();
        }
        c.increment(free, bytes).get(free).get(records).op("i32.sub").i32(capacity * bytes).op("i32.ge_u").if(() => {
          sortAll();
          setLimit();
        });
      });
    },
    end: () => {
      if (!ordered) sortAll();
      c.release(type, limit).release("i32", free, held, zero, other, counts);
    },
  };
}

/** Pushes whether none of a block of elements comes before the last that is kept. What is compared with NaN is not passed over. */
function pushAllPassed(
  c: FunctionWriter,
  dtype: RecordLayout["stream"]["dtype"],
  value: number,
  limits: number,
  descending: boolean,
): void {
  const compare = dtype === "f32"
    ? descending ? "f32x4.le" : "f32x4.ge"
    : dtype === "i32"
    ? descending ? "i32x4.le_s" : "i32x4.ge_s"
    : descending
    ? "i32x4.le_u"
    : "i32x4.ge_u";
  for (let i = 0; i < blockElements / 4; i++) {
    c.get(value).mem("v128.load", 16 * i).get(limits).op(compare);
    if (i > 0) c.op("v128.and");
  }
  c.op("i32x4.all_true");
}
