/**
 * conv2d and its two gradients: which algorithm computes which problem.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { GeneratorContext, KernelGenerator, Phase } from "../context.ts";
import { directConvolution } from "./direct/convolution.ts";
import { directFilterGradient } from "./filter_gradient/filter_gradient.ts";
import { prefersImageLanes } from "./image_lanes/choice.ts";
import { imageLanesConvolution } from "./image_lanes/convolution.ts";
import { filterGradientSums, forwardSums, inputGradientSums, plainConvolution, type PlainSums } from "./plain.ts";
import { type Convolution, forwardConvolution, inputGradientConvolution } from "./problem.ts";
import { prefersWinograd } from "./winograd/choice.ts";
import { winogradConvolution } from "./winograd/convolution.ts";
import { winogradFilterGradient } from "./winograd/filter_gradient.ts";

/** conv2d. */
export const conv2d: KernelGenerator<ConvKernel> = (context, kernel) =>
  convolve(context, kernel, forwardConvolution(kernel), forwardSums(kernel.geometry));

/** The gradient of conv2d with respect to its input. */
export const conv2dInputGrad: KernelGenerator<ConvKernel> = (context, kernel) =>
  convolve(context, kernel, inputGradientConvolution(kernel), inputGradientSums(kernel.geometry));

/** The gradient of conv2d with respect to its filters. */
export const conv2dFilterGrad: KernelGenerator<ConvKernel> = (context, kernel) => {
  if (kernel.shape.includes(0)) return [];
  const { geometry: g } = kernel;
  if (needsPlainLoops(context, kernel)) return plainConvolution(context, kernel, filterGradientSums(g));
  return (prefersWinograd(context, g, g.oh, g.ow) ? winogradFilterGradient : directFilterGradient)(context, kernel);
};

function convolve(context: GeneratorContext, kernel: ConvKernel, conv: Convolution, sums: PlainSums): readonly Phase[] {
  if (kernel.shape.includes(0)) return [];
  if (needsPlainLoops(context, kernel)) return plainConvolution(context, kernel, sums);
  if (prefersWinograd(context, kernel.geometry, conv.outHeight, conv.outWidth)) return winogradConvolution(context, kernel, conv);
  return (prefersImageLanes(conv) ? imageLanesConvolution : directConvolution)(context, kernel, conv);
}

/** Whether something is empty, so that sums are of nothing, or has 64 bits. */
function needsPlainLoops({ program }: GeneratorContext, { geometry, operands: [first] }: ConvKernel): boolean {
  const { n, c, h, w, o, oh, ow, kh, kw } = geometry;
  return [n, c, h, w, o, oh, ow, kh, kw].includes(0) || program.buffers[first.buffer].dtype === "f64";
}
