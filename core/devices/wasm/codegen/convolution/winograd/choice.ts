/**
 * When Winograd's convolution is the better one.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { GeneratorContext } from "../../context.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { serialMultiplyAdds } from "../../work.ts";
import { componentCount, filterSize, gradientTiling, groupCount, tileSize } from "./tiling.ts";

/** Bytes that the threads' sums of filter gradients may take. */
const maxSumBytes = 128 * 1024 * 1024;

/** Cycles of a transform per channel and tile, of that of a filter, of a multiply-add, and of adding to a sum, from measurements. */
const cycles = { image: 18, output: 14, filter: 14, multiplyAdd: 1 / 8, sum: 0.5 };

/** Whether Winograd's convolution is possible, and what it computes, of that many multiply-adds, worth several phases. */
export function fitsWinograd({ threads }: GeneratorContext, g: ConvGeometry, multiplyAdds: number): boolean {
  if (componentCount * g.c * g.o * floatBytes * threads > maxSumBytes) return false;
  return multiplyAdds > serialMultiplyAdds && g.kh === filterSize && g.kw === filterSize && g.groups === 1 &&
    g.c % vectorLanes === 0 && g.o % vectorLanes === 0 && [...g.stride, ...g.dilation].every((value) => value === 1);
}

/** The cycles that it takes on one thread for results of `height` by `width`. */
export function winogradCycles(g: ConvGeometry, height: number, width: number): number {
  const tiles = g.n * Math.ceil(height / tileSize) * Math.ceil(width / tileSize);
  const products = g.c * g.o;
  const tileCycles = componentCount * products * cycles.multiplyAdd * 1.1 + g.c * cycles.image + g.o * cycles.output;
  return tiles * tileCycles + products * cycles.filter;
}

/** The cycles of the filters' gradient: the sums are added to for each group of tiles. */
export function winogradFilterGradientCycles(g: ConvGeometry): number {
  return winogradCycles(g, g.oh, g.ow) + groupCount(gradientTiling(g, 1)) * componentCount * g.c * g.o * cycles.sum;
}

/** Whether it is possible, and clearly less work than the direct sum. */
export function prefersWinograd(context: GeneratorContext, g: ConvGeometry, height: number, width: number): boolean {
  const direct = g.n * height * width * filterSize * filterSize * g.c * g.o;
  return fitsWinograd(context, g, direct) && winogradCycles(g, height, width) < 0.85 * direct * cycles.multiplyAdd;
}
