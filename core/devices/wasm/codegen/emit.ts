/**
 * Small pieces of code that several kernel generators write: addresses, a thread's share of the work, partial vectors, sums of
 * lanes, and how a row of many is cut into blocks.
 *
 * @module
 */
import type { Access } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";

/** Bytes of an f32, the element of all vector kernels. */
export const FLOAT = 4;

/** Lanes of a vector of f32. */
export const LANES = 4;

/** Below this many multiply-adds a kernel is one serial phase: about ten microseconds of one core. */
export const SERIAL_MADDS = 250_000;

/** Below this many elements moved a kernel without arithmetic to speak of is one serial phase. */
export const SERIAL_MOVES = 32_768;

/** `value` rounded up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** An extent cut into blocks whose sizes differ by at most one: the first `extra` blocks hold `size + 1`, the others `size`. */
export interface Blocks {
  readonly count: number;
  readonly size: number;
  readonly extra: number;
}

/** Cuts `extent` into as few blocks of at most `most` as possible, as even as possible: 64 by 6 is 9 times 6 and twice 5. */
export function evenBlocks(extent: number, most: number): Blocks {
  const count = Math.max(1, Math.ceil(extent / most));
  return { count, size: Math.floor(extent / count), extra: extent % count };
}

/** The sizes that occur among the blocks, largest first. */
export function blockSizes(blocks: Blocks): number[] {
  const sizes: number[] = [];
  if (blocks.extra > 0) sizes.push(blocks.size + 1);
  if (blocks.extra < blocks.count) sizes.push(blocks.size);
  return sizes;
}

/** Pushes where the block numbered by the i32 on the stack begins. */
export function blockStart(c: FunctionWriter, blocks: Blocks, index: number): FunctionWriter {
  c.get(index).i32(blocks.size).op("i32.mul");
  if (blocks.extra === 0) return c;
  c.get(index).i32(blocks.extra).get(index).i32(blocks.extra).op("i32.lt_s").op("select");
  return c.op("i32.add");
}

/** Pushes the address in slot `slot` of the table of buffer addresses. */
export function slotAddress(c: FunctionWriter, table: number, slot: number): FunctionWriter {
  return c.get(table).mem("i32.load", slot * 4);
}

/** Pushes the address of an operand's first element. */
export function operandAddress(c: FunctionWriter, table: number, access: Access, bytes = FLOAT): FunctionWriter {
  slotAddress(c, table, access.buffer);
  return access.offset === 0 ? c : c.i32(access.offset * bytes).op("i32.add");
}

/** Adds `index * scale` to the i32 on the stack. */
export function plusScaled(c: FunctionWriter, index: number, scale: number): FunctionWriter {
  return scale === 0 ? c : c.get(index).i32(scale).op("i32.mul").op("i32.add");
}

/** Adds a constant to the i32 on the stack. */
export function plus(c: FunctionWriter, value: number): FunctionWriter {
  return value === 0 ? c : c.i32(value).op("i32.add");
}

/** Sets the locals `from` and `to` to part `part` of `parts` of the numbers below `total`. */
export function setShare(
  c: FunctionWriter,
  part: number | undefined,
  parts: number,
  total: number,
  from: number,
  to: number,
): void {
  if (parts === 1 || part === undefined) {
    c.i32(0).set(from).i32(total).set(to);
    return;
  }
  c.get(part).i32(total).op("i32.mul").i32(parts).op("i32.div_u").set(from);
  c.get(part).i32(1).op("i32.add").i32(total).op("i32.mul").i32(parts).op("i32.div_u").set(to);
}

/** Sets `to` to the smaller of local `a` and what `pushB` pushes (twice). */
export function setMin(c: FunctionWriter, to: number, a: number, pushB: () => void): void {
  c.get(a);
  pushB();
  c.get(a);
  pushB();
  c.op("i32.lt_s").op("select").set(to);
}

/** Stores the first `lanes` lanes of `vector` at the address in local `at` plus `offset`; nothing beyond is touched. */
export function storeLanes(c: FunctionWriter, at: number, vector: number, lanes: number, offset: number): void {
  c.get(at).get(vector);
  if (lanes >= 4) c.mem("v128.store", offset);
  else if (lanes === 1) c.memLane("v128.store32_lane", 0, offset);
  else c.memLane("v128.store64_lane", 0, offset);
  if (lanes === 3) c.get(at).get(vector).memLane("v128.store32_lane", 2, offset + 8);
}

/** Pushes a vector whose lane i is the sum of the lanes of `vectors[i]`; with fewer than four the upper lanes are of no use. */
export function pushLaneSums(c: FunctionWriter, vectors: readonly number[]): void {
  const at = (i: number) => vectors[Math.min(i, vectors.length - 1)];
  const pairs = (a: number, b: number) => {
    // [a0 + a2, a1 + a3, b0 + b2, b1 + b3]
    c.get(a).get(b).shuffle32([0, 1, 4, 5]).get(a).get(b).shuffle32([2, 3, 6, 7]).op("f32x4.add");
  };
  const left = c.local("v128");
  const right = c.local("v128");
  pairs(at(0), at(1));
  c.set(left);
  pairs(at(2), at(3));
  c.set(right);
  c.get(left).get(right).shuffle32([0, 2, 4, 6]).get(left).get(right).shuffle32([1, 3, 5, 7]).op("f32x4.add");
  c.release("v128", left).release("v128", right);
}

/** Calls `body` with what repeats `count` times in steps of `unroll`, then with the rest: `body(unrolled steps)`. */
export function unrolled(c: FunctionWriter, counter: number, count: number, unroll: number, body: (steps: number) => void): void {
  const rounds = Math.floor(count / unroll);
  if (rounds === 1) body(unroll);
  else if (rounds > 1) c.for(counter, 0, rounds, 1, () => body(unroll));
  if (count % unroll > 0) body(count % unroll);
}

/** Zeroes `bytes` (a multiple of 16) from the address in local `at`, which is kept. */
export function zeroBytes(c: FunctionWriter, at: number, bytes: number): void {
  if (bytes === 0) return;
  const counter = c.local("i32");
  c.for(counter, 0, bytes, 16, () => c.get(at).get(counter).op("i32.add").f32x4(0).mem("v128.store"));
  c.release("i32", counter);
}
