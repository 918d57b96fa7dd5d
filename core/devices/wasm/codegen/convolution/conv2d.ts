/**
 * conv2d and its two gradients: which algorithm computes which problem. Of those that can, it is the one that takes the fewest cycles by
 * its own estimate.
 *
 * @module
 */
import type { ConvKernel, Kernel } from "../../../../ir/kernel.ts";
import { memoryOf } from "../../../../ir/program.ts";
import type { ConvGeometry } from "../../../../ir/windows.ts";
import type { GeneratorContext, KernelGenerator, Phase } from "../context.ts";
import { doubleConvolution, doubleFilterGradient, doubleInputGradient } from "../doubles/convolution.ts";
import { channelLanesConvolution } from "./channel_lanes/convolution.ts";
import { channelLanesCycles, fitsChannelLanes, planChannelLanes } from "./channel_lanes/plan.ts";
import { depthwiseConvolution } from "./depthwise/convolution.ts";
import { depthwiseFilterGradient, planDepthwiseFilters } from "./depthwise/filter_gradient.ts";
import { depthwiseCycles, planDepthwise } from "./depthwise/plan.ts";
import { directConvolution } from "./direct/convolution.ts";
import { directFilterGradient } from "./filter_gradient/filter_gradient.ts";
import { directFilterGradientCycles, planFilterGradient } from "./filter_gradient/plan.ts";
import { imageLanesConvolution } from "./image_lanes/convolution.ts";
import { fitsImageLanes, imageLanesCycles, pixelLanesCycles, planImageLanes } from "./image_lanes/plan.ts";
import { zeros } from "./zeros.ts";
import { pixelFilterGradient } from "./pixel_products/filter_gradient.ts";
import { pixelConvolution } from "./pixel_products/convolution.ts";
import {
  pixelConvolutionCycles,
  pixelConvolutionFits,
  pixelCycles,
  pixelsFit,
  planPixelConvolution,
  planPixels,
} from "./pixel_products/plan.ts";
import { type Convolution, forwardConvolution, inputGradientConvolution, multiplyAdds, ofReadPixels } from "./problem.ts";
import { copyReadPixels, readPixelsCycles } from "./read_pixels.ts";
import { tapFilterGradient } from "./tap_products/filter_gradient.ts";
import { planTaps, tapCycles, tapsFit } from "./tap_products/plan.ts";
import { fitsWinograd, spreadGradientCycles, winogradCycles, winogradFilterGradientCycles } from "./winograd/choice.ts";
import { winogradConvolution } from "./winograd/convolution.ts";
import { tilesOf2, tilesOf4 } from "./winograd/linear_maps.ts";
import { spreadImageGradient, winogradFilterGradient, winogradGradients } from "./winograd/gradients.ts";
import { mayBeSpread } from "./winograd/image_gradient.ts";

/** Names of algorithms. */
const winogradName = "Winograd";
const spreadName = "Winograd, spread";

/** conv2d. */
export const conv2d: KernelGenerator<ConvKernel> = (context, kernel) =>
  convolve(context, kernel, forwardConvolution(kernel), doubleConvolution);

/** The gradient of conv2d with respect to its input. */
export const conv2dInputGrad: KernelGenerator<ConvKernel> = (context, kernel) =>
  convolve(context, kernel, inputGradientConvolution(kernel), doubleInputGradient);

/** The gradient of conv2d with respect to its filters. */
export const conv2dFilterGrad: KernelGenerator<ConvKernel> = (context, kernel) => {
  if (kernel.shape.includes(0)) return [];
  if (isOfNothing(kernel.geometry)) return zeros(context, kernel);
  if (isDouble(context, kernel)) return doubleFilterGradient(context, kernel);
  return leastCycles(context, filterGradientAlgorithms(context, kernel));
};

function filterGradientAlgorithms(context: GeneratorContext, kernel: ConvKernel): readonly Algorithm[] {
  const { geometry: g } = kernel;
  const madds = g.n * g.o * g.oh * g.ow * (g.c / g.groups) * g.kh * g.kw;
  const tiles = context.tiles(madds, g.c / g.groups);
  const taps = planTaps(g, tiles);
  const { threads } = context;
  const algorithms: Algorithm[] = [{
    name: "sums along rows",
    cycles: directFilterGradientCycles(planFilterGradient(kernel, 1, context.tiles(madds, Infinity))) / threads,
    write: () => directFilterGradient(context, kernel),
  }];
  const planes = planDepthwiseFilters(kernel, threads);
  if (planes) {
    algorithms.push({
      name: "planes",
      cycles: depthwiseCycles(planes) / threads,
      write: () => depthwiseFilterGradient(context, kernel, planes),
    });
  }
  const single = planPixels(g, tiles);
  if (pixelsFit(single, threads, madds)) {
    algorithms.push({
      name: "products of pixels",
      cycles: pixelCycles(single) / threads,
      write: () => pixelFilterGradient(context, kernel, single),
    });
  }
  if (tapsFit(taps, madds)) {
    algorithms.push({
      name: "products by tap",
      cycles: tapCycles(taps) / threads,
      write: () => tapFilterGradient(context, kernel, taps),
    });
  }
  if (fitsWinograd(threads, g, madds)) {
    algorithms.push({
      name: winogradName,
      cycles: winogradFilterGradientCycles(g, threads, tiles),
      write: () => winogradFilterGradient(context, kernel),
    });
  }
  return algorithms;
}

/** A way to compute a kernel, and the cycles it takes on the busiest thread: an estimate, from measurements. */
interface Algorithm {
  readonly name: string;
  readonly cycles: number;
  readonly write: () => readonly Phase[];
}

/** Writes the phases of the algorithm that takes the fewest cycles. */
function leastCycles(context: GeneratorContext, algorithms: readonly Algorithm[]): readonly Phase[] {
  const best = algorithms.indexOf(fastest(algorithms));
  return algorithms[context.choose(algorithms.map(({ name }) => name), best)].write();
}

function fastest(algorithms: readonly Algorithm[]): Algorithm {
  return algorithms.reduce((best, each) => each.cycles < best.cycles ? each : best);
}

function convolve(
  context: GeneratorContext,
  kernel: ConvKernel,
  conv: Convolution,
  writeDouble: (context: GeneratorContext, kernel: ConvKernel) => readonly Phase[],
): readonly Phase[] {
  if (kernel.shape.includes(0)) return [];
  if (isOfNothing(kernel.geometry)) return zeros(context, kernel);
  if (isDouble(context, kernel)) return writeDouble(context, kernel);
  const algorithms = algorithmsFor(context, kernel, conv);
  const read = ofReadPixels(conv);
  if (read) {
    const cycles = readPixelsCycles(conv, context.threads);
    const ofRead = algorithmsFor(context, kernel, read).map((algorithm, i): Algorithm => ({
      name: `${algorithm.name}, of the pixels that are read`,
      cycles: algorithm.cycles + cycles,
      write: () => {
        const { phase, slot } = copyReadPixels(context, conv);
        const copied = { ...read, source: { ...read.source, buffer: slot, offset: 0 } };
        return [phase, ...algorithmsFor(context, kernel, copied)[i].write()];
      },
    }));
    algorithms.push(...ofRead);
  }
  return leastCycles(context, algorithms);
}

/** The ways to compute a convolution of f32 for a kernel. */
function algorithmsFor(context: GeneratorContext, kernel: ConvKernel, conv: Convolution): Algorithm[] {
  const { threads } = context;
  const tiles = context.tiles(multiplyAdds(conv), conv.outChannels);
  const algorithms: Algorithm[] = [{
    name: "pixels in lanes",
    cycles: pixelLanesCycles(conv, tiles) / threads,
    write: () => directConvolution(context, kernel, conv),
  }];
  const planes = planDepthwise(kernel);
  if (planes) {
    algorithms.push({
      name: "planes",
      cycles: depthwiseCycles(planes) / threads,
      write: () => depthwiseConvolution(context, kernel, planes),
    });
  }
  const imageLanes = planImageLanes(conv, tiles, threads);
  if (fitsImageLanes(imageLanes)) {
    algorithms.push({
      name: "images in lanes",
      cycles: imageLanesCycles(imageLanes) / threads,
      write: () => imageLanesConvolution(context, kernel, imageLanes),
    });
  }
  const { location } = context.program.buffers[conv.filters.buffer];
  const lasting = location.kind === "input" && location.lasting === true;
  const channelLanes = planChannelLanes(conv, tiles, threads);
  if (fitsChannelLanes(channelLanes, multiplyAdds(conv))) {
    algorithms.push({
      name: "channels in lanes",
      cycles: channelLanesCycles(channelLanes, threads, lasting),
      write: () => channelLanesConvolution(context, kernel, channelLanes),
    });
  }
  const pixels = planPixelConvolution(conv, context.tiles(multiplyAdds(conv), conv.outWidth), threads);
  if (pixelConvolutionFits(pixels)) {
    algorithms.push({
      name: "products of pixels",
      cycles: pixelConvolutionCycles(pixels) / threads,
      write: () => pixelConvolution(context, kernel, pixels),
    });
  }
  if (fitsWinograd(threads, kernel.geometry, multiplyAdds(conv))) {
    for (const [name, form] of [[winogradName, tilesOf4], ["Winograd, tiles of 2 by 2", tilesOf2]] as const) {
      algorithms.push({
        name,
        cycles: winogradCycles(form, conv, threads, tiles, lasting),
        write: () => winogradConvolution(context, kernel, form, conv),
      });
    }
    if (kernel.kind === "conv2dInputGrad" && mayBeSpread(kernel.geometry, threads)) {
      algorithms.push({
        name: spreadName,
        cycles: spreadGradientCycles(kernel.geometry, threads, tiles),
        write: () => spreadImageGradient(context, kernel),
      });
    }
  }
  return algorithms;
}

/** Two kernels, and what writes them as one. */
interface GradientsTogether {
  readonly kernels: readonly [images: ConvKernel, filters: ConvKernel];
  readonly write: (context: GeneratorContext, kernels: GradientsTogether["kernels"]) => readonly Phase[];
}

/**
 * The gradients of a convolution with respect to its images and to its filters as one, if both are computed from the tiles of the same gradient
 * (`winograd/gradient_tiles.ts`) and the second reads nothing that the first stores.
 */
export function gradientsTogether(
  context: GeneratorContext,
  first: Kernel,
  second: Kernel,
): GradientsTogether | undefined {
  if (first.kind !== "conv2dInputGrad" || second.kind !== "conv2dFilterGrad") return undefined;
  const { geometry: g } = first;
  const { threads, program } = context;
  const sameGradient = JSON.stringify(first.operands[0]) === JSON.stringify(second.operands[1]);
  if (!sameGradient || JSON.stringify(g) !== JSON.stringify(second.geometry)) return undefined;
  if (isOfNothing(g) || isDouble(context, first) || !mayBeSpread(g, threads)) return undefined;
  const stored = new Set(first.stores.map(({ buffer }) => memoryOf(program, buffer)));
  if ([...second.operands, ...second.loads].some(({ buffer }) => stored.has(memoryOf(program, buffer)))) return undefined;
  const images = fastest(algorithmsFor(context, first, inputGradientConvolution(first)));
  const filters = fastest(filterGradientAlgorithms(context, second));
  if (images.name !== spreadName || filters.name !== winogradName) return undefined;
  return { kernels: [first, second], write: (context, [first, second]) => winogradGradients(context, first, second) };
}

/** Whether an axis is empty, so that sums are of nothing. */
function isOfNothing({ n, c, h, w, o, oh, ow, kh, kw }: ConvGeometry): boolean {
  return [n, c, h, w, o, oh, ow, kh, kw].includes(0);
}

function isDouble({ program }: GeneratorContext, { operands: [first] }: ConvKernel): boolean {
  return program.buffers[first.buffer].dtype === "f64";
}
