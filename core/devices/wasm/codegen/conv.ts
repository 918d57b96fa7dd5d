/**
 * Convolutions: which kernel computes which.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import type { KernelGenerator } from "./context.ts";
import { convBatch, prefersBatch } from "./conv_batch.ts";
import { convDirect } from "./conv_direct.ts";
import { convFilterGrad } from "./conv_filter.ts";
import { convPlain } from "./conv_plain.ts";
import { convWinograd, filterGradWinograd, prefersWinograd } from "./winograd.ts";

/** conv2d and its gradients with respect to input and filters. */
export const conv: KernelGenerator<ConvKernel> = (context, kernel) => {
  const { n, c, h, w, o, oh, ow, kh, kw } = kernel.geometry;
  if (kernel.shape.some((extent) => extent === 0)) return [];
  const empty = [n, c, h, w, o, oh, ow, kh, kw].some((extent) => extent === 0);
  if (empty || context.program.buffers[kernel.operands[0].buffer].dtype === "f64") return convPlain(context, kernel);
  if (kernel.kind === "conv2dFilterGrad") {
    return (prefersWinograd(context, kernel) ? filterGradWinograd : convFilterGrad)(context, kernel);
  }
  if (prefersWinograd(context, kernel)) return convWinograd(context, kernel);
  return (prefersBatch(kernel) ? convBatch : convDirect)(context, kernel);
};
