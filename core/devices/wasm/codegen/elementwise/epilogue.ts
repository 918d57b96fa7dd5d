/**
 * Epilogues: what follows the result of a kernel that is not a map. The result is written where the first store that reads it
 * will be if it can, and the stores are then computed in place, block by block while it is in the cache. (They are computed in
 * order, each value once per point: a store before that one would overwrite a result that is still to be read.)
 *
 * @module
 */
import { deviceBytes, type DType } from "../../../../dtype.ts";
import { type Expr, visit } from "../../../../ir/expr.ts";
import { operandsOf, resultTypes, type SimpleKernel } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import { contiguousStrides, sameShape, sizeOf } from "../../../../shape.ts";
import { type BlockEpilogue, type Epilogue, epilogueParams, type GeneratorContext } from "../context.ts";
import { loopNestOf, writeLoopNest } from "./loop_nest.ts";
import type { Stream } from "./streams.ts";

/** Writes the epilogue of a kernel; see `GeneratorContext.epilogue`. */
export function writeEpilogue(context: GeneratorContext, kernel: SimpleKernel): Epilogue {
  const [dtype] = resultTypes(kernel, context.program.buffers);
  const buffer = bufferOfResult(context.program, kernel, dtype);
  const slot = buffer ?? context.sharedScratch(sizeOf(kernel.shape) * deviceBytes(dtype));
  const [only, ...others] = kernel.stores;
  if (buffer !== undefined && others.length === 0 && only.value.kind === "result") return { slot, func: undefined };
  return { slot, func: writeStores(context, kernel, dtype, contiguousStrides(kernel.shape)) };
}

/** Writes the epilogue of a kernel that computes block by block; see `GeneratorContext.blockEpilogue`. */
export function writeBlockEpilogue(context: GeneratorContext, kernel: SimpleKernel, row: number): BlockEpilogue {
  const [dtype] = resultTypes(kernel, context.program.buffers);
  if (bufferOfResult(context.program, kernel, dtype) !== undefined) return context.epilogue(kernel);
  const strides = [...contiguousStrides(kernel.shape.slice(0, -1)).map((stride) => stride * row), 1];
  return { slot: undefined, func: writeStores(context, kernel, dtype, strides) };
}

/** Rows of at least as many columns are long enough by themselves. */
const longRow = 128;

/** The function of `epilogueParams` that turns a block of results with these strides into the stores. */
function writeStores(context: GeneratorContext, kernel: SimpleKernel, dtype: DType, strides: readonly number[]): number {
  const result: Stream = {
    dtype,
    strides: strides.map((stride) => stride * deviceBytes(dtype)),
    base: (c) => c.get(1),
  };
  const nest = loopNestOf(context, kernel, { columns: "last", result: () => result });
  const width = nest.columns;
  const merged = width < longRow ? loopNestOf(context, kernel, { columns: "merged", result: () => result }) : nest;
  return context.module.func({ params: epilogueParams }, (c) => {
    const byRows = () => writeLoopNest(c, nest, { rows: { from: 2, to: 3 }, columns: { from: 4, to: 5, ragged: true } });
    const together = merged.columns / width;
    if (together === 1 || width === 0) return byRows();
    // Whole rows that lie one behind the other are one long row, or as many as there are planes.
    const all = merged.rows === 1;
    c.get(4).op("i32.eqz").get(5).i32(width).op("i32.eq").op("i32.and");
    if (!all) { for (const row of [2, 3]) c.get(row).i32(together).op("i32.rem_u").op("i32.eqz").op("i32.and"); }
    c.if(() => {
      const [from, to] = c.locals("i32", 2);
      for (const [row, local] of [[2, from], [3, to]]) {
        if (all) c.get(row).i32(width).op("i32.mul").set(local);
        else c.get(row).i32(together).op("i32.div_u").set(local);
      }
      const ragged = width % nest.emitter.lanes !== 0;
      writeLoopNest(c, merged, all ? { columns: { from, to, ragged } } : { rows: { from, to } });
    }, byRows);
  });
}

/** The buffer of the first store that reads the result, if the result can be there before it. */
function bufferOfResult(program: Program, kernel: SimpleKernel, dtype: DType): number | undefined {
  const first = kernel.stores.find(({ value }) => readsResult(value));
  if (first === undefined || program.buffers[first.buffer].dtype !== dtype || first.offset !== 0) return undefined;
  if (!sameShape(withoutOnes(first.strides, kernel.shape), withoutOnes(contiguousStrides(kernel.shape), kernel.shape))) {
    return undefined;
  }
  const isRead = [...operandsOf(kernel), ...kernel.loads].some(({ buffer }) => buffer === first.buffer);
  return isRead ? undefined : first.buffer;
}

function readsResult(value: Expr): boolean {
  let found = false;
  visit([value], (e) => found ||= e.kind === "result");
  return found;
}

/** The strides that matter. */
function withoutOnes(strides: readonly number[], shape: readonly number[]): number[] {
  return strides.filter((_, axis) => shape[axis] !== 1);
}
