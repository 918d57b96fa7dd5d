/**
 * Maps: elementwise kernels, pieces of one loop nest.
 *
 * @module
 */
import type { MapKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { setMin, slotAddress } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { type LoopNest, loopNestOf, type LoopRange, writeLoopNest } from "./loop_nest.ts";

/** Columns of one piece are a multiple of this: whole cache lines, whole unrolled blocks. */
const columnGrain = 64;

/** Writes a map as one phase. */
export const map: KernelGenerator<MapKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const nest = loopNestOf(context, kernel, { columns: "any" });
  const pieces = piecesFor(context.threads, nest);
  const func = context.module.func({ params: phaseParams }, (c) => {
    writeLoopNest(c, nest, pieces === 1 ? {} : shareLoops(c, nest, pieces, context.threads));
  });
  return [{ func, pieces }];
};

/** A map along one axis for any length. */
export interface MapOfLengths {
  readonly func: number;
  /** How many pieces there are for a length, and the length of each but the last ones. */
  pieces(length: number): { readonly count: number; readonly each: number };
}

/** Writes a map along one axis of at least a block of columns. Its length and that of a piece stand in two slots of its table. */
export function mapOfLengths(context: GeneratorContext, kernel: MapKernel, slots: LengthSlots): MapOfLengths {
  const nest = loopNestOf(context, kernel, { columns: "any" });
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to, length] = c.locals("i32", 3);
    slotAddress(c, slots.length).set(length);
    slotAddress(c.get(phaseLocals.piece), slots.each).op("i32.mul").set(from);
    setMin(c, from, from, () => c.get(length));
    slotAddress(c.get(from), slots.each).op("i32.add").set(to);
    setMin(c, to, to, () => c.get(length));
    writeLoopNest(c, nest, { columns: { from, to, ragged: true } });
  });
  const pieces = (length: number) => {
    const count = piecesFor(context.threads, { nanoseconds: nest.nanoseconds / nest.columns * length });
    return { count, each: Math.ceil(Math.ceil(length / columnGrain) / count) * columnGrain };
  };
  return { func, pieces };
}

/** Where such a map finds its length and that of a piece. */
export interface LengthSlots {
  readonly length: number;
  readonly each: number;
}

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
