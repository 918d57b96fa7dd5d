/**
 * When convolutions can be computed with an image in each lane, and what that takes next to a pixel in each lane.
 *
 * @module
 */
import { evenBlocks } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { lanesOf, type Tiles } from "../../matmul/tile.ts";
import type { Convolution } from "../problem.ts";

/** Images that are computed together, in the lanes of two vectors. */
export const imagesTogether = 8;

/** Most output channels of a tile. */
export const maxTileChannels = 6;

/** Input channels of one turn of the innermost loop. */
export const unrolledChannels = 4;

/** Bytes that the images, and their outputs for a tile, may take: within the second-level cache. */
const maxPackedBytes = 512 * 1024;

/** Multiply-adds of vectors that a core does in a cycle. */
const vectorsPerCycle = 2;

/** Cycles beside the sums: of a window element and of an output pixel of a tile, and of packing or unpacking eight floats. */
const cycles = { element: 10, pixel: 30, moved: 3 };

/** Floats of packed images, and of their outputs for a tile. */
export function packedFloats({ inChannels, outHeight, outWidth, window }: Convolution): { input: number; output: number } {
  return {
    input: inChannels * window.height * window.width * imagesTogether,
    output: maxTileChannels * outHeight * outWidth * imagesTogether,
  };
}

/** How many window elements are over a pixel of the image, over all outputs along an axis. */
function elementsInside({ window }: Convolution, axis: 0 | 1, outputs: number): number {
  const size = axis === 0 ? window.height : window.width;
  const start = axis === 0 ? window.top : window.left;
  const spread = window.spread[axis];
  let count = 0;
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < window.kernel[axis]; tap++) {
      const pixel = output * window.step[axis] + tap * window.dilation[axis] - start;
      if (pixel >= 0 && pixel <= (size - 1) * spread && pixel % spread === 0) count++;
    }
  }
  return count;
}

/** Whether images in lanes are possible. */
export function fitsImageLanes(conv: Convolution): boolean {
  const packed = packedFloats(conv);
  // Zeros between pixels cost more than a few misses of the cache.
  const most = conv.window.spread.some((s) => s > 1) ? 4 * maxPackedBytes : maxPackedBytes;
  return conv.groups === 1 && conv.inChannels >= unrolledChannels && conv.images >= imagesTogether &&
    (packed.input + packed.output) * floatBytes <= most;
}

/** The cycles of a step of the tiles of all output channels, in which eight multiply-adds for each channel are done. */
function stepCycles(outChannels: number, least: number): number {
  const blocks = evenBlocks(outChannels, maxTileChannels);
  const of = (channels: number) => Math.max(least, channels);
  return blocks.extra * of(blocks.size + 1) + (blocks.count - blocks.extra) * of(blocks.size);
}

/** The cycles that they take on one thread. Tiles of few channels wait for the latency of a multiply-add. */
export function imageLanesCycles(conv: Convolution): number {
  const { images, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const elements = elementsInside(conv, 0, outHeight) * elementsInside(conv, 1, outWidth);
  const moved = inChannels * window.height * window.width + outChannels * outHeight * outWidth;
  const blocks = Math.ceil(outChannels / maxTileChannels);
  const overhead = (elements * cycles.element + outHeight * outWidth * cycles.pixel) * blocks + moved * cycles.moved;
  return Math.ceil(images / imagesTogether) * (elements * inChannels * stepCycles(outChannels, 4) + overhead);
}

/** Those of pixels in lanes: tiles of few channels have more pixels, unless an image is but one vector of them. */
export function pixelLanesCycles(conv: Convolution, tiles: Tiles): number {
  const { images, groups, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const rowSteps = Math.ceil(outWidth / lanesOf(tiles)) / vectorsPerCycle;
  const steps = images * groups * outHeight * rowSteps * window.kernel[0] * window.kernel[1] * inChannels;
  return steps * stepCycles(outChannels, outHeight === 1 && outWidth <= lanesOf(tiles) ? 8 : 1.5);
}
