/**
 * Maps: elementwise kernels, pieces of one loop nest.
 *
 * @module
 */
import type { MapKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { type LoopNest, loopNestOf, type LoopRange, writeLoopNest } from "./loop_nest.ts";

/** Columns of one piece are a multiple of this: whole cache lines, whole unrolled blocks. */
const columnGrain = 64;

/** Writes a map as one phase. */
export const map: KernelGenerator<MapKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const nest = loopNestOf(context, kernel, { keepLast: false });
  const pieces = piecesFor(context.threads, nest);
  const func = context.module.func({ params: phaseParams }, (c) => {
    writeLoopNest(c, nest, pieces === 1 ? {} : shareLoops(c, nest, pieces, context.threads));
  });
  return [{ func, pieces }];
};

/** A piece of a loop nest: of its rows if there are enough, else of its columns. */
export function shareLoops(c: FunctionWriter, nest: LoopNest, pieces: number, threads: number): LoopRange {
  const [from, to] = c.locals("i32", 2);
  if (nest.rows >= 8 * threads || nest.columns < columnGrain * threads) {
    setAlignedShare(c, phaseLocals.piece, nest.rows, 1, pieces, from, to);
    return { rows: { from, to } };
  }
  setAlignedShare(c, phaseLocals.piece, nest.columns, columnGrain, pieces, from, to);
  return { columns: { from, to, ragged: nest.columns % nest.emitter.lanes !== 0 } };
}
