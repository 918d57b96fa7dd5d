/**
 * Running sums, as many lines at a time as a vector has lanes.
 *
 * Where the axis is not the last, lanes are neighbours along the last axis: rows are walked one after the other, and the sums are in
 * memory. Along the last axis lanes are different rows, of which blocks are transposed.
 *
 * @module
 */
import type { CumsumKernel } from "../../../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { accessStream, type Stream } from "../elementwise/streams.ts";
import { plus, plusScaled, setMin, setQuotientAndRemainder, slotAddress } from "../emit/addresses.ts";
import { type Blocks, blockStart, evenBlocks } from "../emit/blocks.ts";
import { setAlignedShare, setShare } from "../emit/shares.ts";
import { transpose2, transpose4, zeroBytes } from "../emit/vectors.ts";
import { piecesFor } from "../work.ts";
import { type RunningSum, runningSum } from "./running_sum.ts";

/** Nanoseconds of an element, about. */
const elementNanoseconds = 0.6;

/** Least and most columns that are walked together: whole cache lines, and their sums stay in the first-level cache. */
const [leastColumns, mostColumns] = [64, 512];

/** What is read, what is written, and how. */
interface Sums {
  readonly sum: RunningSum;
  readonly extents: readonly [outer: number, n: number, inner: number];
  /** The number of axes of the domain: of two the last is that of the sums. */
  readonly rank: number;
  readonly source: Walked;
  readonly target: Walked;
  readonly pieces: number;
  /** Calls the epilogue, if there is one, for the rows and columns that `pushRange` pushes. */
  finish(c: FunctionWriter, pushRange: () => void): void;
}

/** Memory that is walked along the axis of the sums. */
interface Walked {
  /** Pushes the address of the first element that is walked. */
  readonly begin: (c: FunctionWriter) => void;
  /** Bytes from one of the outer positions to the next, from one element to the next in the order of the sums, and from column to column. */
  readonly outer: number;
  readonly step: number;
  readonly inner: number;
}

/** Writes running sums as one phase. */
export const cumsum: KernelGenerator<CumsumKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { shape: [outer, n, inner = 1], operands: [operand], reverse } = kernel;
  const { slot, func } = context.epilogue(kernel);
  const source = accessStream(context.program, operand);
  const sum = runningSum(context.program.buffers[operand.buffer].dtype);
  const strides = contiguousStrides(kernel.shape).map((stride) => stride * sum.bytes);
  const walked = ({ base, strides: [outer, step, inner = 0] }: Pick<Stream, "base" | "strides">): Walked => ({
    begin: (c) => {
      base(c);
      if (reverse) plus(c, (n - 1) * step);
    },
    outer,
    step: reverse ? -step : step,
    inner,
  });
  const sums: Sums = {
    sum,
    extents: [outer, n, inner],
    rank: kernel.shape.length,
    source: walked(source),
    target: walked({ base: (c) => slotAddress(c, slot), strides }),
    pieces: piecesFor(context.threads, { nanoseconds: sizeOf(kernel.shape) * elementNanoseconds }),
    finish: (c, pushRange) => {
      if (func === undefined) return;
      slotAddress(c.get(phaseLocals.table), slot);
      pushRange();
      c.call(func);
    },
  };
  return [inner >= sum.lanes ? alongColumns(context, sums) : alongLines(context, sums)];
};

/** Lanes are columns; a piece is some blocks of them. */
function alongColumns({ module, privateScratch }: GeneratorContext, sums: Sums): Phase {
  const { sum, extents: [outer, n, inner], source, target, pieces, finish } = sums;
  const wanted = Math.ceil(inner / Math.ceil(pieces / outer));
  const blocks = evenBlocks(inner, Math.min(Math.max(wanted, leastColumns), mostColumns));
  const groupBytes = 16 * sum.parts;
  privateScratch(groupBytes * Math.ceil(mostColumns / sum.lanes));
  const func = module.func({ params: phaseParams }, (c) => {
    const { piece, scratch } = phaseLocals;
    const [unit, from, to, o, block, first, bytes, last, read, written, group, at, kept] = c.locals("i32", 13);
    const x = c.local("v128");
    const parts = c.locals("v128", sum.parts);
    setShare(c, piece, pieces, outer * blocks.count, from, to);
    c.forRange(unit, from, to, () => {
      setQuotientAndRemainder(c, unit, blocks.count, o, block);
      setBlock(c, blocks, block, first, bytes);
      c.get(bytes).i32(sum.bytes).op("i32.mul").tee(bytes).i32(16).op("i32.sub").set(last);
      for (const [{ begin, outer, inner }, local] of [[source, read], [target, written]] as const) {
        begin(c);
        plusScaled(plusScaled(c, o, outer), first, inner).set(local);
      }
      zeroBytes(c, scratch, groupBytes * Math.ceil((blocks.size + 1) / sum.lanes));
      c.repeat(n, () => {
        c.get(scratch).set(kept);
        c.for(group, 0, () => c.get(bytes), 16, () => {
          // The last vector overlaps the one before, if it must; each has its own sums.
          setMin(c, at, group, () => c.get(last));
          pushElements(c, sum, source.inner, read, at);
          c.set(x);
          parts.forEach((part, i) => c.get(kept).mem("v128.load", 16 * i).set(part));
          sum.add(c, x, parts);
          parts.forEach((part, i) => c.get(kept).get(part).mem("v128.store", 16 * i));
          c.get(written).get(at).op("i32.add").get(x).mem("v128.store");
          c.increment(kept, groupBytes);
        });
        c.increment(read, source.step).increment(written, target.step);
      });
      finish(c, () => {
        c.get(o).i32(n).op("i32.mul").get(o).i32(n).op("i32.mul").i32(n).op("i32.add");
        c.get(first).get(first).get(bytes).i32(sum.bytes).op("i32.div_u").op("i32.add");
      });
    });
  });
  return { func, pieces };
}

/** Sets locals to the first column of a block, and to how many there are. */
function setBlock(c: FunctionWriter, blocks: Blocks, block: number, first: number, count: number): void {
  blockStart(c, blocks, block).set(first);
  c.withLocals("i32", 1, (next) => {
    c.get(block).i32(1).op("i32.add").set(next);
    blockStart(c, blocks, next).get(first).op("i32.sub").set(count);
  });
}

/** Pushes the elements that are `stride` bytes apart from number `at / bytes` on. */
function pushElements(c: FunctionWriter, { bytes, lanes }: RunningSum, stride: number, base: number, at: number): void {
  if (stride === bytes) {
    c.get(base).get(at).op("i32.add").mem("v128.load");
    return;
  }
  c.withLocals("i32", 1, (address) => {
    c.get(at).i32(Math.log2(bytes)).op("i32.shr_u").i32(stride).op("i32.mul").get(base).op("i32.add").set(address);
    pushLanes(c, bytes, lanes, (lane) => plus(c.get(address), lane * stride));
  });
}

/** Pushes a vector of the elements at some addresses. */
function pushLanes(c: FunctionWriter, bytes: number, lanes: number, pushAddress: (lane: number) => void): void {
  c.withLocals("v128", 1, (vector) => {
    pushAddress(0);
    c.mem(bytes === 4 ? "v128.load32_zero" : "v128.load64_zero").set(vector);
    for (let lane = 1; lane < lanes; lane++) {
      pushAddress(lane);
      c.get(vector).memLane(bytes === 4 ? "v128.load32_lane" : "v128.load64_lane", lane).set(vector);
    }
    c.get(vector);
  });
}

/** Lanes are lines; a piece is some of the outer positions. */
function alongLines({ module }: GeneratorContext, sums: Sums): Phase {
  const { sum, extents: [outer, n, inner], rank, pieces, finish } = sums;
  const { lanes } = sum;
  const func = module.func({ params: phaseParams }, (c) => {
    const [from, to, line, end, count] = c.locals("i32", 5);
    const [read, written] = [c.locals("i32", lanes), c.locals("i32", lanes)];
    const [xs, parts] = [c.locals("v128", lanes), c.locals("v128", sum.parts)];
    setAlignedShare(c, phaseLocals.piece, outer, inner === 1 ? lanes : 1, pieces, from, to);
    c.get(to).i32(inner).op("i32.mul").set(end);
    c.for(line, () => c.get(from).i32(inner).op("i32.mul"), () => c.get(end), lanes, () => {
      setLines(c, sums, line, end, read, written);
      for (const part of parts) c.i32x4(0).set(part);
      if (n >= lanes) c.for(count, 0, Math.floor(n / lanes), 1, () => sumSteps(c, sums, read, written, xs, parts));
      if (n % lanes > 0) c.repeat(n % lanes, () => sumSteps(c, sums, read, written, xs.slice(0, 1), parts));
    });
    finish(c, () => {
      if (rank === 2) c.get(from).get(to).i32(0).i32(n);
      else c.get(from).i32(n).op("i32.mul").get(to).i32(n).op("i32.mul").i32(0).i32(inner);
    });
  });
  return { func, pieces };
}

/** Sums of as many steps of lines as there are vectors, and on to the next. Where elements of a line are neighbours, whole vectors move. */
function sumSteps(
  c: FunctionWriter,
  { sum, source, target }: Sums,
  read: readonly number[],
  written: readonly number[],
  vectors: readonly number[],
  parts: readonly number[],
): void {
  const { bytes, lanes } = sum;
  const transpose = lanes === 4 ? transpose4 : transpose2;
  const isRun = ({ step }: Walked) => vectors.length === lanes && Math.abs(step) === bytes;
  const inMemory = ({ step }: Walked) => step > 0 ? vectors : vectors.toReversed();
  const lowest = ({ step }: Walked, local: number) => plus(c.get(local), step > 0 ? 0 : (lanes - 1) * step);
  if (isRun(source)) {
    const rows = inMemory(source);
    read.forEach((local, lane) => lowest(source, local).mem("v128.load").set(rows[lane]));
    transpose(c, rows);
  } else {
    vectors.forEach((vector, k) => {
      pushLanes(c, bytes, lanes, (lane) => plus(c.get(read[lane]), k * source.step));
      c.set(vector);
    });
  }
  for (const vector of vectors) sum.add(c, vector, parts);
  if (isRun(target)) {
    const rows = inMemory(target);
    transpose(c, rows);
    written.forEach((local, lane) => lowest(target, local).get(rows[lane]).mem("v128.store"));
  } else {
    vectors.forEach((vector, k) =>
      written.forEach((local, lane) => {
        plus(c.get(local), k * target.step).get(vector);
        c.memLane(bytes === 4 ? "v128.store32_lane" : "v128.store64_lane", lane);
      })
    );
  }
  for (const local of read) c.increment(local, vectors.length * source.step);
  for (const local of written) c.increment(local, vectors.length * target.step);
}

/** Sets locals to where as many lines begin, from number `line` on; behind the end to the last line again. */
function setLines(
  c: FunctionWriter,
  { extents: [, , inner], source, target }: Sums,
  line: number,
  end: number,
  read: readonly number[],
  written: readonly number[],
): void {
  c.withLocals("i32", 3, (number, o, i) => {
    read.forEach((_, lane) => {
      c.get(line).i32(lane).op("i32.add").set(number);
      setMin(c, number, number, () => c.get(end).i32(1).op("i32.sub"));
      setQuotientAndRemainder(c, number, inner, o, i);
      for (const [{ begin, outer, inner }, locals] of [[source, read], [target, written]] as const) {
        begin(c);
        plusScaled(plusScaled(c, o, outer), i, inner).set(locals[lane]);
      }
    });
  });
}
