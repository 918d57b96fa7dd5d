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
import { type BlockEpilogue, type Epilogue, epilogueParams, type GeneratorContext, type PlaneEpilogue } from "../context.ts";
import { loopNestOf, writeLoopNest } from "./loop_nest.ts";
import type { Stream } from "./streams.ts";

/** The context that has epilogues, too. */
export function withEpilogues(
  base: Omit<GeneratorContext, "epilogue" | "planeEpilogue" | "blockEpilogue">,
): GeneratorContext {
  const written = new Map<SimpleKernel, Epilogue>();
  const context: GeneratorContext = {
    ...base,
    epilogue: (kernel) => {
      const epilogue = written.get(kernel) ?? writeEpilogue(context, kernel);
      written.set(kernel, epilogue);
      return epilogue;
    },
    planeEpilogue: (kernel) => writePlaneEpilogue(context, kernel),
    blockEpilogue: (kernel, row) => writeBlockEpilogue(context, kernel, row),
  };
  return context;
}

/** Writes the epilogue of a kernel; see `GeneratorContext.epilogue`. */
function writeEpilogue(context: GeneratorContext, kernel: SimpleKernel): Epilogue {
  const [dtype] = resultTypes(kernel, context.program.buffers);
  const buffer = bufferOfResult(context.program, kernel, dtype);
  const slot = buffer ?? context.sharedScratch(sizeOf(kernel.shape) * deviceBytes(dtype));
  if (buffer !== undefined && isResult(kernel)) return { slot, func: undefined };
  return { slot, func: writeStores(context, kernel, dtype, contiguousStrides(kernel.shape)) };
}

/** Writes the epilogue of a kernel whose results are planes of images; see `GeneratorContext.planeEpilogue`. */
function writePlaneEpilogue(context: GeneratorContext, kernel: SimpleKernel): PlaneEpilogue {
  const [dtype] = resultTypes(kernel, context.program.buffers);
  const strides = planeStrides(kernel);
  const slot = bufferOfResult(context.program, kernel, dtype, strides);
  const [imageStep] = slot === undefined ? contiguousStrides(kernel.shape) : strides;
  if (slot === undefined || sameShape(strides, contiguousStrides(kernel.shape))) {
    return { ...context.epilogue(kernel), imageStep };
  }
  return { slot, func: isResult(kernel) ? undefined : writeStores(context, kernel, dtype, strides), imageStep };
}

/** Whether the planes of a kernel's result can be where the first store that reads it will be. */
export function placesResult(program: Program, kernel: SimpleKernel): boolean {
  const [dtype] = resultTypes(kernel, program.buffers);
  return bufferOfResult(program, kernel, dtype, planeStrides(kernel)) !== undefined;
}

/** The strides of a result's planes if its images are as far apart as those of the first store that reads it. */
function planeStrides({ shape, stores }: SimpleKernel): readonly number[] {
  const [whole, ...rest] = contiguousStrides(shape);
  return [stores.find(({ value }) => readsResult(value))?.strides[0] ?? whole, ...rest];
}

/** Writes the epilogue of a kernel that computes block by block; see `GeneratorContext.blockEpilogue`. */
function writeBlockEpilogue(context: GeneratorContext, kernel: SimpleKernel, row: number): BlockEpilogue {
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

/** Whether the result is all that is stored. */
function isResult({ stores: [only, ...others] }: SimpleKernel): boolean {
  return others.length === 0 && only.value.kind === "result";
}

/** The buffer of the first store that reads the result, if the result can be there before it, with these strides. */
function bufferOfResult(
  program: Program,
  kernel: SimpleKernel,
  dtype: DType,
  strides: readonly number[] = contiguousStrides(kernel.shape),
): number | undefined {
  const first = kernel.stores.find(({ value }) => readsResult(value));
  if (first === undefined || program.buffers[first.buffer].dtype !== dtype || first.offset !== 0) return undefined;
  if (!sameShape(withoutOnes(first.strides, kernel.shape), withoutOnes(strides, kernel.shape))) {
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
