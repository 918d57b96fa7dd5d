/**
 * When Winograd's convolution is possible, and what it takes.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { maxTileRows } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";
import type { Convolution } from "../problem.ts";
import { componentCount, convolutionTiling, filterSize, gradientTiling, type Tiling } from "./tiling.ts";

/** Bytes that the threads' sums of filter gradients may take. */
const maxSumBytes = 128 * 1024 * 1024;

/** Bytes of transformed filters that stay in the second-level cache. */
const cachedBytes = 1024 * 1024;

/**
 * Cycles, from measurements: of a transform per channel and tile; of that of a filter, and more where filters do not stay in the cache; of
 * a multiply-add; of adding to a sum.
 */
const cycles = { image: 18, output: 14, filter: 30, farFilter: 18, multiplyAdd: 1.1 / 8, sum: 0.5 };

/** Whether Winograd's convolution is possible, and what it computes, of that many multiply-adds, worth several phases. */
export function fitsWinograd(threads: number, g: ConvGeometry, multiplyAdds: number): boolean {
  if (componentCount * g.c * g.o * floatBytes * threads > maxSumBytes) return false;
  return multiplyAdds > serialMultiplyAdds && g.kh === filterSize && g.kw === filterSize && g.groups === 1 &&
    g.c % vectorLanes === 0 && g.o % vectorLanes === 0 && [...g.stride, ...g.dilation].every((value) => value === 1);
}

/** The groups of tiles of the busiest thread, and tiles of the largest of them. */
function groupsOf({ units, bandTiles, across, together, imagesTogether }: Tiling, threads: number) {
  const each = imagesTogether > 1 ? 1 : Math.ceil(bandTiles * across / together);
  return { groups: Math.ceil(units / threads) * each, together };
}

/** The cycles of the busiest thread but for the products: transforms of images, outputs and filters. */
function transformCycles({ across, down, images }: Tiling, inChannels: number, outChannels: number, threads: number): number {
  const products = inChannels * outChannels;
  const far = componentCount * products * floatBytes > cachedBytes;
  const filters = products * (cycles.filter + (far ? cycles.farFilter : 0));
  const tiles = images * across * down * (inChannels * cycles.image + outChannels * cycles.output);
  return (tiles + filters) / threads;
}

/** The cycles of a convolution on the busiest thread. Products are of blocks of six and five tiles. */
export function winogradCycles(conv: Convolution, threads: number): number {
  const { inChannels, outChannels } = conv;
  const tiling = convolutionTiling(conv, threads);
  const { groups, together } = groupsOf(tiling, threads);
  const rows = Math.max(together, (maxTileRows - 1) * Math.ceil(together / maxTileRows));
  const products = groups * rows * componentCount * inChannels * outChannels * cycles.multiplyAdd;
  return products + transformCycles(tiling, inChannels, outChannels, threads);
}

/** Those of the gradient with respect to the filters: each group of tiles adds to all sums. */
export function winogradFilterGradientCycles(g: ConvGeometry, threads: number): number {
  const tiling = gradientTiling(g, threads);
  const { groups, together } = groupsOf(tiling, threads);
  const sums = groups * componentCount * g.c * g.o * (together * cycles.multiplyAdd + cycles.sum);
  return sums + transformCycles(tiling, g.c, g.o, threads);
}
