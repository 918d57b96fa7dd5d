/**
 * Convolutions of single pixels as matrix products: which pixels are multiplied together, and what that takes.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import { type Blocks, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { lanesOf, maxTileRows, spreads, type Tiles } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";
import { type Convolution, multiplyAdds } from "../problem.ts";

/** Bytes of the gradient that are read again for each panel: they should stay in the second-level cache. */
const groupBytes = 384 * 1024;

/** Bytes of panels of pixels, which are read again for each block of output channels. */
const panelBytes = 256 * 1024;

/** Pixels of a product: fewer make tiles be loaded and stored too often, more make panels too long for the caches. */
const steps = { least: 128, most: 1024 } as const;

/** Memory the threads' private sums may take. */
const maxSumBytes = 64 * 1024 * 1024;

/** Cycles: of packing a pixel, beside others and as it lies, of calling a product, of each image in one, and of loading and storing a vector of sums. */
const cycles = { packed: 0.7, copied: 0.2, call: 20, image: 5, sum: 2 };

/** Multiply-adds of vectors in a cycle. */
const vectorsPerCycle = 2;

/**
 * What products of a packed gradient take, the others being 1: there elements that are beside each other are loaded together and spread. And
 * cycles of packing an element of it.
 */
const packedGradient = { product: 0.85, element: 1.1 };

/** How the work is divided. */
export interface PixelPlan {
  readonly geometry: ConvGeometry;
  readonly tiles: Tiles;
  /** Whether the gradient is packed, too: only in WebAssembly. */
  readonly packs: boolean;
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

/** The plan for some tiles that takes fewer cycles: with the gradient as it lies, or packed. */
export function planPixels(g: ConvGeometry, tiles: Tiles): PixelPlan {
  const plain = planWith(g, tiles, false);
  if (!spreads(tiles)) return plain;
  const packed = planWith(g, tiles, true);
  return pixelCycles(packed) < pixelCycles(plain) ? packed : plain;
}

function planWith(g: ConvGeometry, tiles: Tiles, packs: boolean): PixelPlan {
  const pixels = g.h * g.w;
  const wanted = Math.max(steps.least, Math.min(steps.most, Math.floor(groupBytes / (g.o * floatBytes))));
  const parts = Math.ceil(pixels / steps.most);
  return {
    geometry: g,
    tiles,
    packs,
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
export function pixelCycles({ geometry: g, tiles, packs, rowBlocks, panels, pixels, parts, together }: PixelPlan): number {
  const lanes = lanesOf(tiles);
  const columns = roundUp(g.c, lanes);
  // A tile takes as long as one of at least three rows: fewer wait for the latency of a multiply-add.
  const rows = rowBlocks.count * Math.max(3, g.o / rowBlocks.count);
  const products = Math.ceil(g.n / together) * parts;
  const product = rows * columns / (vectorsPerCycle * lanes) * (packs ? packedGradient.product : 1);
  const packed = columns * cycles.packed + (packs ? g.o * packedGradient.element : 0);
  return g.n * pixels * (product + packed) +
    products * (rowBlocks.count * panels * cycles.call + g.o * columns / lanes * cycles.sum) +
    (together > 1 && !packs ? g.n * rowBlocks.count * panels * cycles.image : 0);
}

/** How a convolution, or its gradient with respect to the input, is divided. */
export interface PixelConvolution {
  readonly conv: Convolution;
  readonly tiles: Tiles;
  /** Output channels in blocks, the rows of tiles, and how many panels of pixels an image has. */
  readonly blocks: Blocks;
  readonly panels: number;
  /** Panels that are packed before they are multiplied: then outputs are written along rows of pixels. */
  readonly together: number;
  /** Into how many parts the blocks are divided to give every thread something to do. */
  readonly parts: number;
}

/** The plan for some tiles and threads. */
export function planPixelConvolution(conv: Convolution, tiles: Tiles, threads: number): PixelConvolution {
  const blocks = evenBlocks(conv.outChannels, maxTileRows);
  const panels = Math.ceil(conv.outWidth / tiles.columns);
  const most = Math.max(1, Math.floor(panelBytes / (conv.inChannels * tiles.columns * floatBytes)));
  const balanced = conv.images % threads === 0 || conv.images >= 8 * threads;
  return {
    conv,
    tiles,
    blocks,
    panels,
    together: Math.ceil(panels / Math.ceil(panels / most)),
    parts: balanced ? 1 : Math.min(blocks.count, threads),
  };
}

/**
 * Whether windows are single pixels, so that an image is one row, and packed filters are worth it: in WebAssembly, where elements that are
 * beside each other are loaded together and spread, not in machine code nor where the engine holds two vectors in a register.
 */
export function pixelConvolutionFits({ conv, tiles }: PixelConvolution): boolean {
  const { groups, outHeight, outWidth, window } = conv;
  const single = [...window.kernel, ...window.step, ...window.spread].every((value) => value === 1);
  return single && spreads(tiles) && groups === 1 && outHeight === 1 && window.height === 1 && window.width === outWidth &&
    window.left === 0 &&
    multiplyAdds(conv) > serialMultiplyAdds;
}

/** The cycles that a plan takes on one thread. */
export function pixelConvolutionCycles({ conv, tiles, blocks, panels, parts }: PixelConvolution): number {
  const { images, inChannels, outChannels, outWidth } = conv;
  const lanes = lanesOf(tiles);
  const ofTile = (rows: number, vectors: number) => Math.max(rows * vectors / vectorsPerCycle, 4);
  const ofPanel = (pixels: number) => {
    const vectors = Math.ceil(pixels / lanes);
    return blocks.extra * ofTile(blocks.size + 1, vectors) + (blocks.count - blocks.extra) * ofTile(blocks.size, vectors);
  };
  const image = inChannels * ((panels - 1) * ofPanel(tiles.columns) + ofPanel(outWidth - (panels - 1) * tiles.columns)) +
    parts * inChannels * outWidth * cycles.copied + panels * blocks.count * cycles.call / 4;
  return images * image + inChannels * outChannels * cycles.packed;
}
