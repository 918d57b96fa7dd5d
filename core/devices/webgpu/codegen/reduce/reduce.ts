/**
 * Reductions over a window.
 *
 * There are three ways, chosen by shape and adapter:
 * - serial: one invocation per output goes through its window;
 * - split: several invocations per output go through shares of the window, a second dispatch combines their results;
 * - tree: one workgroup per output (or per share of a window) combines the results of its invocations in workgroup memory.
 *
 * Everything runs in a fixed order, without atomics, so that runs repeat. Long sums are sums of short sums: rounding grows with
 * the depth of the nest, not with the length of the window.
 *
 * @module
 */
import type { ReduceKernel } from "../../../../ir/kernel.ts";
import { type MergedReduce, mergeReduce } from "../../../../ir/merged_axes.ts";
import { sizeOf } from "../../../../shape.ts";
import { type Dispatch, type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { decompose } from "../shader/coordinates.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { declareAccumulators, resultOf } from "./accumulators.ts";
import { candidateWriter } from "./candidates.ts";
import { accumulateOver } from "./loops.ts";
import { combinePartials, partialBytes, storePartial } from "./partials.ts";
import { planReduce, type SplitPlan } from "./plan.ts";
import { dispatchTree } from "./tree.ts";

/** The shaders of a reduction. */
export function generateReduce(context: KernelContext<ReduceKernel>): KernelCode {
  const kernel = mergeReduce(context.kernel);
  const plan = planReduce(kernel, context.target);
  if (plan.kind === "serial") return singleDispatch(dispatchSerial(context, kernel));
  const first = plan.kind === "tree" ? dispatchTree(context, kernel, plan) : dispatchSplit(context, kernel, plan);
  if (plan.splits === 1) return singleDispatch(first);
  return {
    dispatches: [first, combinePartials(context, kernel, plan.splits)],
    scratchBytes: partialBytes(kernel, plan.splits),
  };
}

function dispatchSerial(context: KernelContext<ReduceKernel>, kernel: MergedReduce): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const shader = new Shader(context, "reduce", independentWorkgroup(context.target, outputs));
  const { id, workgroups } = invocationIndex(shader, outputs);
  const point = decompose(shader, id, kernel.shape);
  const accumulators = declareAccumulators(shader, kernel);
  const candidates = candidateWriter(shader, kernel, point);
  accumulateOver(shader, accumulators, kernel.window, (coordinates) => candidates(coordinates));
  writeEpilogue(shader, kernel, point, 1, (slot) => resultOf(accumulators[slot]));
  return shader.dispatch(workgroups);
}

function dispatchSplit(context: KernelContext<ReduceKernel>, kernel: MergedReduce, { axis, splits }: SplitPlan): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const total = outputs * splits;
  const shader = new Shader(context, "reduce parts", independentWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocationIndex(shader, total);
  const [split, output] = decompose(shader, id, [splits, outputs]);
  const point = decompose(shader, output, kernel.shape);
  const accumulators = declareAccumulators(shader, kernel);
  const candidates = candidateWriter(shader, kernel, point);
  const extent = kernel.window[axis];
  const extents = kernel.window.with(axis, Math.ceil(extent / splits));
  accumulateOver(shader, accumulators, extents, (coordinates) => {
    const at = shader.define(`${coordinates[axis]} * ${splits}u + ${split}`, "i");
    const inside = extent % splits === 0 ? undefined : `${at} < ${extent}u`;
    const clamped = inside ? shader.define(`min(${at}, ${extent - 1}u)`) : at;
    return candidates(coordinates.with(axis, clamped), inside);
  });
  storePartial(shader, accumulators, { outputs, splits, split, output });
  return shader.dispatch(workgroups);
}
