/**
 * conv2d and its two gradients: which algorithm computes which problem. Of those that can, it is the one that takes the fewest cycles by
 * its own estimate.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { GeneratorContext, KernelGenerator, Phase } from "../context.ts";
import { directConvolution } from "./direct/convolution.ts";
import { directFilterGradient } from "./filter_gradient/filter_gradient.ts";
import { directFilterGradientCycles, planFilterGradient } from "./filter_gradient/plan.ts";
import { fitsImageLanes, imageLanesCycles, pixelLanesCycles } from "./image_lanes/choice.ts";
import { imageLanesConvolution } from "./image_lanes/convolution.ts";
import { filterGradientSums, forwardSums, inputGradientSums, plainConvolution, type PlainSums } from "./plain.ts";
import { type Convolution, forwardConvolution, inputGradientConvolution, multiplyAdds } from "./problem.ts";
import { tapFilterGradient } from "./tap_products/filter_gradient.ts";
import { planTaps, tapCycles, tapsFit } from "./tap_products/plan.ts";
import { fitsWinograd, winogradCycles, winogradFilterGradientCycles } from "./winograd/choice.ts";
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
  const madds = g.n * g.o * g.oh * g.ow * (g.c / g.groups) * g.kh * g.kw;
  const tiles = context.tiles(madds, g.c / g.groups);
  const taps = planTaps(g, tiles);
  const { threads } = context;
  const algorithms: Algorithm[] = [{
    name: "sums along rows",
    cycles: directFilterGradientCycles(planFilterGradient(kernel, 1)) / threads,
    write: () => directFilterGradient(context, kernel),
  }];
  if (tapsFit(taps, madds)) {
    algorithms.push({
      name: "products by tap",
      cycles: tapCycles(taps) / threads,
      write: () => tapFilterGradient(context, kernel, taps),
    });
  }
  if (fitsWinograd(threads, g, madds)) {
    algorithms.push({
      name: "Winograd",
      cycles: winogradFilterGradientCycles(g, threads, tiles),
      write: () => winogradFilterGradient(context, kernel),
    });
  }
  return leastCycles(context, algorithms);
};

/** A way to compute a kernel, and the cycles it takes on the busiest thread: an estimate, from measurements. */
interface Algorithm {
  readonly name: string;
  readonly cycles: number;
  readonly write: () => readonly Phase[];
}

/** Writes the phases of the algorithm that takes the fewest cycles. */
function leastCycles(context: GeneratorContext, algorithms: readonly Algorithm[]): readonly Phase[] {
  const cycles = algorithms.map((each) => each.cycles);
  const best = cycles.indexOf(Math.min(...cycles));
  return algorithms[context.choose(algorithms.map(({ name }) => name), best)].write();
}

function convolve(context: GeneratorContext, kernel: ConvKernel, conv: Convolution, sums: PlainSums): readonly Phase[] {
  if (kernel.shape.includes(0)) return [];
  if (needsPlainLoops(context, kernel)) return plainConvolution(context, kernel, sums);
  const { threads } = context;
  const tiles = context.tiles(multiplyAdds(conv), conv.outChannels);
  const algorithms: Algorithm[] = [{
    name: "pixels in lanes",
    cycles: pixelLanesCycles(conv, tiles) / threads,
    write: () => directConvolution(context, kernel, conv),
  }];
  if (fitsImageLanes(conv)) {
    algorithms.push({
      name: "images in lanes",
      cycles: imageLanesCycles(conv) / threads,
      write: () => imageLanesConvolution(context, kernel, conv),
    });
  }
  if (fitsWinograd(threads, kernel.geometry, multiplyAdds(conv))) {
    const { location } = context.program.buffers[conv.filters.buffer];
    algorithms.push({
      name: "Winograd",
      cycles: winogradCycles(conv, threads, tiles, location.kind === "input" && location.lasting === true),
      write: () => winogradConvolution(context, kernel, conv),
    });
  }
  return leastCycles(context, algorithms);
}

/** Whether something is empty, so that sums are of nothing, or has 64 bits. */
function needsPlainLoops({ program }: GeneratorContext, { geometry, operands: [first] }: ConvKernel): boolean {
  const { n, c, h, w, o, oh, ow, kh, kw } = geometry;
  return [n, c, h, w, o, oh, ow, kh, kw].includes(0) || program.buffers[first.buffer].dtype === "f64";
}
