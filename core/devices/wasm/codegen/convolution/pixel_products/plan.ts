/**
 * The gradient of a convolution of single pixels with respect to its filters as matrix products: which pixels are multiplied together.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import { type Blocks, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { lanesOf, maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";

/** Bytes of the gradient that are read again for each panel: they should stay in the second-level cache. */
const groupBytes = 384 * 1024;

/** Pixels of a product: fewer make tiles be loaded and stored too often, more make panels too long for the caches. */
const steps = { least: 128, most: 1024 } as const;

/** Memory the threads' private sums may take. */
const maxSumBytes = 64 * 1024 * 1024;

/** Cycles: of packing a pixel, of calling a product, of each image in one, and of loading and storing a vector of sums. */
const cycles = { packed: 0.7, call: 20, image: 5, sum: 2 };

/** Multiply-adds of vectors in a cycle. */
const vectorsPerCycle = 2;

/** How the work is divided. */
export interface PixelPlan {
  readonly geometry: ConvGeometry;
  readonly tiles: Tiles;
  /** Output channels in blocks, the rows of tiles, and how many panels of input channels there are. */
  readonly rowBlocks: Blocks;
  readonly panels: number;
  /** Pixels of an image, and of each of the parts that it is cut into. */
  readonly pixels: number;
  readonly partPixels: number;
  readonly parts: number;
  /** Images that are multiplied together; 1 if they are cut. */
  readonly together: number;
}

/** The plan for some tiles. */
export function planPixels(g: ConvGeometry, tiles: Tiles): PixelPlan {
  const pixels = g.h * g.w;
  const wanted = Math.max(steps.least, Math.min(steps.most, Math.floor(groupBytes / (g.o * floatBytes))));
  const parts = Math.ceil(pixels / steps.most);
  return {
    geometry: g,
    tiles,
    rowBlocks: evenBlocks(g.o, maxTileRows),
    panels: Math.ceil(g.c / tiles.columns),
    pixels,
    partPixels: Math.ceil(pixels / parts),
    parts,
    together: parts > 1 ? 1 : Math.max(1, Math.min(g.n, Math.floor(wanted / pixels))),
  };
}

/** Whether windows are single pixels, and there is enough for every thread. */
export function pixelsFit({ geometry: g, parts }: PixelPlan, threads: number, multiplyAdds: number): boolean {
  const { top, bottom, left, right } = g.padding;
  return g.groups === 1 && [g.kh, g.kw, ...g.stride].every((value) => value === 1) && top + bottom + left + right === 0 &&
    multiplyAdds > serialMultiplyAdds && g.n * parts >= threads && threads * g.o * g.c * floatBytes <= maxSumBytes;
}

/** The cycles that a plan takes on one thread. */
export function pixelCycles({ geometry: g, tiles, rowBlocks, panels, pixels, parts, together }: PixelPlan): number {
  const lanes = lanesOf(tiles);
  const columns = roundUp(g.c, lanes);
  // A tile takes as long as one of at least three rows: fewer wait for the latency of a multiply-add.
  const rows = rowBlocks.count * Math.max(3, g.o / rowBlocks.count);
  const products = Math.ceil(g.n / together) * parts;
  return g.n * pixels * (rows * columns / (vectorsPerCycle * lanes) + columns * cycles.packed) +
    products * (rowBlocks.count * panels * cycles.call + g.o * columns / lanes * cycles.sum) +
    (together > 1 ? g.n * rowBlocks.count * panels * cycles.image : 0);
}
