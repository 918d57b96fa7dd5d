/**
 * How an extent is cut into blocks of nearly equal size.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

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

/**
 * Writes `body` for the size of the block whose number is in a local: 0 for the larger size, or the only one, and 1 for the
 * smaller.
 */
export function byBlockSize(c: FunctionWriter, blocks: Blocks, index: number, body: (size: 0 | 1) => void): void {
  if (blocks.extra === 0) return body(0);
  c.get(index).i32(blocks.extra).op("i32.lt_s").if(() => body(0), () => body(1));
}
