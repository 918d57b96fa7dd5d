/**
 * When Winograd's convolution is possible, and what it takes.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { lanesOf, maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";
import type { Convolution } from "../problem.ts";
import { tilesOf4, type WinogradForm } from "./linear_maps.ts";
import { type ConvolutionTiling, convolutionTilings, filterSize, gradientTiling, type Tiling } from "./tiling.ts";

/** Bytes that the threads' sums of filter gradients may take. */
const maxSumBytes = 128 * 1024 * 1024;

/** Bytes of transformed filters that stay in the second-level cache. */
const cachedBytes = 1024 * 1024;

/** Bytes of them that may still be in the last-level cache when they are used again: that of a large network may be full of its others. */
const sharedCacheBytes = 16 * 1024 * 1024;

/**
 * Cycles, from measurements: of a transform per channel and component; of that of a filter, and more where filters do not stay in the cache; of
 * a multiply-add of vectors; of spreading a tile; of adding to a sum; of reading a byte of transformed filters from the last-level
 * cache, and from memory.
 */
const cycles = {
  image: 0.5,
  output: 0.4,
  spread: 0.6,
  filter: 0.85,
  farFilter: 0.5,
  multiplyAdd: 1.1 / 2,
  sum: 0.5,
  farByte: 0.15,
  memoryByte: 0.45,
};

/** How many times fewer products there are than multiply-adds, some of which time the transformations take. */
export const fewerProducts = 3;

/** Whether Winograd's convolution is possible, and what it computes, of that many multiply-adds, worth several phases. */
export function fitsWinograd(threads: number, g: ConvGeometry, multiplyAdds: number): boolean {
  if (tilesOf4.components * g.c * g.o * floatBytes * threads > maxSumBytes) return false;
  return multiplyAdds > serialMultiplyAdds && g.kh === filterSize && g.kw === filterSize && g.groups === 1 &&
    g.c % vectorLanes === 0 && g.o % vectorLanes === 0 && [...g.stride, ...g.dilation].every((value) => value === 1);
}

/** The groups of tiles of the busiest thread, of so many units, and tiles of the largest of them. */
function groupsOf({ bandTiles, across, together, imagesTogether }: Tiling, units: number): { groups: number; together: number } {
  return { groups: units * (imagesTogether > 1 ? 1 : Math.ceil(bandTiles * across / together)), together };
}

/** The cycles of reading a byte of so many transformed filters. */
function farByteCycles(bytes: number): number {
  return bytes <= cachedBytes ? 0 : bytes <= sharedCacheBytes ? cycles.farByte : cycles.memoryByte;
}

/** The cycles of transforms of filters, shared by all threads. */
function filterCycles({ components }: WinogradForm, filters: number, threads: number): number {
  const far = components * filters * floatBytes > cachedBytes;
  return components * filters * (cycles.filter + (far ? cycles.farFilter : 0)) / threads;
}

/** Those of the transforms of tiles. */
function tileCycles(
  { form, across, down, images }: Tiling,
  inChannels: number,
  outChannels: number,
  output = cycles.output,
): number {
  return form.components * images * across * down * (inChannels * cycles.image + outChannels * output);
}

/** The cycles of a convolution's tiles on the busiest thread: products are of blocks of six tiles or fewer. */
function tilingCycles(conv: Convolution, tiling: ConvolutionTiling, threads: number, tiles: Tiles): number {
  const { inChannels } = conv;
  const { components } = tiling.form;
  const outChannels = conv.outChannels / tiling.parts;
  const sharing = threads / tiling.parts;
  const { groups, together } = groupsOf(tiling, Math.ceil(tiling.units / sharing));
  const blocks = Math.ceil(together / maxTileRows);
  const most = Math.min(together, maxTileRows);
  // Blocks of less than four tiles wait for the latency of a multiply-add.
  const rows = blocks * Math.max(4, together / blocks, most - 1);
  const products = components * inChannels * outChannels;
  const far = floatBytes * farByteCycles(components * inChannels * conv.outChannels * floatBytes);
  return groups * products * (rows * cycles.multiplyAdd / lanesOf(tiles) + far) +
    tileCycles(tiling, inChannels, outChannels) / sharing;
}

/** How a convolution is cut: the way that takes the fewest cycles. */
export function bestTiling(form: WinogradForm, conv: Convolution, threads: number, tiles: Tiles): ConvolutionTiling {
  const tilings = convolutionTilings(form, conv, threads);
  const cycles = tilings.map((tiling) => tilingCycles(conv, tiling, threads, tiles));
  return tilings[cycles.indexOf(Math.min(...cycles))];
}

/** The cycles of a convolution on the busiest thread; `lasting` filters are transformed once. */
export function winogradCycles(
  form: WinogradForm,
  conv: Convolution,
  threads: number,
  tiles: Tiles,
  lasting: boolean,
): number {
  const products = tilingCycles(conv, bestTiling(form, conv, threads, tiles), threads, tiles);
  return products + (lasting ? 0 : filterCycles(form, conv.inChannels * conv.outChannels, threads));
}

/** Those of the gradient with respect to the images from tiles of the gradient (`image_gradient.ts`). */
export function spreadGradientCycles(g: ConvGeometry, threads: number, tiles: Tiles): number {
  const tiling = gradientTiling(g, threads);
  const { groups, together } = groupsOf(tiling, Math.ceil(tiling.units / threads));
  const products = groups * tilesOf4.components * g.c * g.o * together * cycles.multiplyAdd / lanesOf(tiles);
  return products + tileCycles(tiling, g.o, g.c, cycles.spread) / threads + filterCycles(tilesOf4, g.c * g.o, threads);
}

/** Those of the gradient with respect to the filters: each group of tiles adds to all sums. */
export function winogradFilterGradientCycles(g: ConvGeometry, threads: number, tiles: Tiles): number {
  const tiling = gradientTiling(g, threads);
  const { groups, together } = groupsOf(tiling, Math.ceil(tiling.units / threads));
  const sums = groups * tilesOf4.components * g.c * g.o * (together * cycles.multiplyAdd / lanesOf(tiles) + cycles.sum);
  return sums + tileCycles(tiling, g.c, g.o) / threads + filterCycles(tilesOf4, g.c * g.o, threads);
}
