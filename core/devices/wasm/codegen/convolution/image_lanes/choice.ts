/**
 * When convolutions of many small images are better computed with an image in each lane.
 *
 * @module
 */
import { evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import type { Convolution } from "../problem.ts";

/** Images that are computed together, in the lanes of two vectors. */
export const imagesTogether = 8;

/** Most output channels of a tile. */
export const maxTileChannels = 6;

/** Input channels of one turn of the innermost loop. */
export const unrolledChannels = 4;

/** Bytes that the images, and their outputs for a tile, may take: within the second-level cache. */
const maxPackedBytes = 512 * 1024;

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

/** Whether images in lanes are possible and clearly less work than pixels in lanes. */
export function prefersImageLanes(conv: Convolution): boolean {
  const { images, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const packed = packedFloats(conv);
  if (conv.groups > 1 || inChannels < unrolledChannels || images < imagesTogether) {
    return false;
  }
  // Zeros between pixels cost more than a few misses of the cache.
  const most = window.spread.some((s) => s > 1) ? 4 * maxPackedBytes : maxPackedBytes;
  if ((packed.input + packed.output) * floatBytes > most) return false;
  const blocks = evenBlocks(outChannels, maxTileChannels);
  const overBlocks = (cycles: (channels: number) => number) =>
    blocks.extra * cycles(blocks.size + 1) + (blocks.count - blocks.extra) * cycles(blocks.size);
  // Cycles of a step of all tiles. Tiles of few channels wait for the latency of a multiply-add; those with more pixels do not.
  const step = overBlocks((channels) => Math.max(4, channels));
  const directStep = overBlocks((channels) => Math.max(1.5, channels));
  const rowSteps = roundUp(outWidth, vectorLanes) / imagesTogether;
  const direct = images * outHeight * rowSteps * window.kernel[0] * window.kernel[1] * inChannels * directStep;
  const elements = elementsInside(conv, 0, outHeight) * elementsInside(conv, 1, outWidth);
  const moved = inChannels * window.height * window.width + outChannels * outHeight * outWidth;
  const overhead = (elements * cycles.element + outHeight * outWidth * cycles.pixel) * blocks.count + moved * cycles.moved;
  return Math.ceil(images / imagesTogether) * (elements * inChannels * step + overhead) < direct;
}
