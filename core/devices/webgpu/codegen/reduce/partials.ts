/**
 * PartialResult results of reductions in scratch memory, and the dispatch that combines them.
 *
 * Scratch holds, word by word of an accumulator and split by split, all outputs.
 *
 * @module
 */
import type { ReduceKernel } from "../../../../ir/kernel.ts";
import type { MergedReduce } from "../../../../ir/merged_axes.ts";
import { isArgReduction } from "../../../../ir/reductions.ts";
import { sizeOf } from "../../../../shape.ts";
import type { Dispatch, KernelContext } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { type Accumulator, type Candidate, declareAccumulators, resultOf } from "./accumulators.ts";
import { accumulateOver } from "./loops.ts";

/** Which partial result of how many. */
export interface PartialResult {
  readonly outputs: number;
  readonly splits: number;
  readonly split: Coordinate;
  readonly output: Coordinate;
}

/** The scratch memory that partial results take. */
export function partialBytes({ shape, reductions }: MergedReduce, splits: number): number {
  const words = reductions.reduce((sum, { op }) => sum + (isArgReduction(op) ? 2 : 1), 0);
  return 4 * words * splits * sizeOf(shape);
}

function wordAddress(word: number, { outputs, splits, split, output }: PartialResult): string {
  return address(word * splits * outputs, [outputs, 1], [split, output]);
}

/** Writes the accumulators to scratch memory. */
export function storePartial(shader: Shader, accumulators: readonly Accumulator[], partial: PartialResult): void {
  let word = 0;
  for (const { value, index, type } of accumulators) {
    const bits = type === "bool" ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`;
    shader.store("scratch", wordAddress(word++, partial), bits);
    if (index) shader.store("scratch", wordAddress(word++, partial), `bitcast<u32>(${index})`);
  }
}

function loadPartial(shader: Shader, accumulators: readonly Accumulator[], partial: PartialResult): Candidate[] {
  let word = 0;
  const read = () => shader.load("scratch", wordAddress(word++, partial));
  return accumulators.map(({ type, index }) => {
    const value = shader.define(type === "bool" ? `${read()} != 0u` : `bitcast<${type}>(${read()})`);
    return index ? { value, index: shader.define(`bitcast<i32>(${read()})`) } : { value };
  });
}

/** The second dispatch: one invocation per output combines its partial results. */
export function combinePartials(context: KernelContext<ReduceKernel>, kernel: MergedReduce, splits: number): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const shader = new Shader(context, "reduce combine", independentWorkgroup(context.target, outputs), "u32");
  const { id: output, workgroups } = invocationIndex(shader, outputs);
  const point = decompose(shader, output, kernel.shape);
  const accumulators = declareAccumulators(shader, kernel);
  accumulateOver(shader, accumulators, [splits], ([split]) => {
    return loadPartial(shader, accumulators, { outputs, splits, split, output });
  });
  writeEpilogue(shader, kernel, point, 1, (slot) => resultOf(accumulators[slot]));
  return shader.dispatch(workgroups);
}
