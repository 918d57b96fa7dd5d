/**
 * Maximum pooling, and the elements of another tensor at the indices of the maxima.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { u32 } from "../shader/shader.ts";
import { generateOverOutputs } from "./over_outputs.ts";
import { argmaxFold, maximumFold, noIndex } from "./window_folds.ts";

/** The shader of maximum pooling. */
export function generateMaxPool2d(context: KernelContext<PoolKernel>): KernelCode {
  return generateOverOutputs(context, maximumFold, (_, { value }) => value);
}

/** The shader that gathers at the maxima; an empty window gives 0. */
export function generateMaxPool2dGather(context: KernelContext<PoolKernel>): KernelCode {
  const { buffer, offset } = context.kernel.operands[1];
  return generateOverOutputs(context, argmaxFold, (shader, { index }, { plane }) => {
    const isEmpty = `${index} == ${noIndex}`;
    const at = shader.define(`${plane} + select(${index}, 0u, ${isEmpty}) + ${u32(offset)}`, "a");
    return shader.define(`select(${shader.load(buffer, at)}, 0.0, ${isEmpty})`);
  });
}
