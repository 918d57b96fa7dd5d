/**
 * When convolutions can be computed with an image in each lane, how the images are laid out for that, and what it takes next to a pixel in
 * each lane.
 *
 * @module
 */
import { type Blocks, blockSizes, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { lanesOf, type Tiles } from "../../matmul/tile.ts";
import type { Convolution } from "../problem.ts";

/** Bytes that the images may take: within the second-level cache. */
const maxPackedBytes = 512 * 1024;

/** Bytes of outputs of a tile's channels that are computed before they are unpacked. */
const bandBytes = 128 * 1024;

/** Sums that hide the latency of a multiply-add. */
const fewestSums = 8;

/** Multiply-adds of vectors that a core does in a cycle. */
const vectorsPerCycle = 2;

/** Cycles beside the sums: of a run of steps, of an output pixel, more of it in machine code, of packing or unpacking eight floats, of staging one, and one of those that strides may leave out. */
const cycles = { run: 10, pixel: 30, call: 60, moved: 3, staged: 0.5, dealt: 3 };

/** Along an axis: the pixels of the image, the elements of the window, and the outputs. */
export interface LaneAxis {
  readonly size: number;
  readonly taps: number;
  readonly outputs: number;
  /** Zeros before the first pixel. */
  readonly start: number;
  /** From one output to the next; between neighbouring pixels, those of a window, in the padded image. One of the last two is 1. */
  readonly step: number;
  readonly spread: number;
  readonly dilation: number;
  /**
   * Which pixels and elements are under each other in one window lies together: pixels are dealt into as many phases as `dilation` says, of
   * so many pixels, elements into `spread` phases.
   */
  readonly pixelPhase: number;
  readonly tapPhase: number;
  /** The outputs whose windows are inside the image, if those of neighbouring outputs are `step` pixels apart. */
  readonly whole: { readonly from: number; readonly to: number };
}

/** How the work is laid out: images are [row][column][channel][image], filters [block][row][column][input channel][output channel]. */
export interface ImageLanesPlan {
  readonly conv: Convolution;
  readonly tiles: Tiles;
  /** Images in the lanes of some vectors. */
  readonly together: number;
  readonly rows: LaneAxis;
  readonly columns: LaneAxis;
  /** Output channels of the tiles. */
  readonly blocks: Blocks;
  /** Output rows that are computed before they are unpacked. */
  readonly bandRows: number;
}

function laneAxis({ window, outHeight, outWidth }: Convolution, axis: 0 | 1): LaneAxis {
  const size = axis === 0 ? window.height : window.width;
  const outputs = axis === 0 ? outHeight : outWidth;
  const start = axis === 0 ? window.top : window.left;
  const [taps, step, spread, dilation] = [window.kernel, window.step, window.spread, window.dilation].map((each) => each[axis]);
  const from = Math.min(outputs, Math.max(0, Math.ceil(start / step)));
  const to = Math.min(outputs, Math.floor((size - taps + start) / step) + 1);
  const together = spread === 1 && dilation === 1;
  return {
    ...{ size, taps, outputs, start, step, spread, dilation },
    pixelPhase: Math.ceil(size / dilation),
    tapPhase: Math.ceil(taps / spread),
    whole: together && to > from ? { from, to } : { from: 0, to: 0 },
  };
}

/** Cuts the output channels into the tiles that take the fewest cycles, given the registers of the images. */
function channelBlocks(outChannels: number, across: number, tiles: Tiles): Blocks {
  // One, for an element of the filters, and in WebAssembly another are not for sums and pixels.
  const most = Math.floor((tiles.registers - (tiles.registers === 32 ? 1 : 2)) / across) - 1;
  let best = evenBlocks(outChannels, 1);
  for (let size = 2; size <= most; size++) {
    const blocks = evenBlocks(outChannels, size);
    if (stepCycles(blocks, across) < stepCycles(best, across)) best = blocks;
  }
  return best;
}

/** The cycles of a step of the tiles of all output channels. */
function stepCycles(blocks: Blocks, across: number): number {
  const of = (channels: number) => Math.max(fewestSums, across * channels, across + channels) / vectorsPerCycle;
  return blocks.extra * of(blocks.size + 1) + (blocks.count - blocks.extra) * of(blocks.size);
}

/** Lays out a convolution for some threads. */
export function planImageLanes(conv: Convolution, tiles: Tiles, threads: number): ImageLanesPlan {
  const { images, outChannels, outHeight, outWidth } = conv;
  const lanes = lanesOf(tiles);
  // With many registers a tile of one vector is as good, if each thread would have less than two full.
  const across = tiles.registers === 32 && images < 2 * lanes * threads ? 1 : 2;
  const together = across * tiles.registerFloats;
  const blocks = channelBlocks(outChannels, across, tiles);
  const rowBytes = blockSizes(blocks)[0] * outWidth * together * floatBytes;
  const bands = Math.ceil(outHeight / Math.max(1, Math.floor(bandBytes / rowBytes)));
  return {
    ...{ conv, tiles, together, blocks },
    rows: laneAxis(conv, 0),
    columns: laneAxis(conv, 1),
    bandRows: Math.ceil(outHeight / bands),
  };
}

/** Floats of packed images, of the outputs of a band for a tile, and of the filters for each output channel. */
export function packedFloats({ conv: { inChannels }, together, rows, columns, blocks, bandRows }: ImageLanesPlan) {
  const pixels = (axis: LaneAxis) => axis.dilation * axis.pixelPhase;
  const taps = (axis: LaneAxis) => axis.spread * axis.tapPhase;
  return {
    input: roundUp(inChannels * pixels(rows) * pixels(columns) * together, 16),
    output: blockSizes(blocks)[0] * bandRows * columns.outputs * together,
    filters: inChannels * taps(rows) * taps(columns),
  };
}

/** Whether images in lanes are possible. */
export function fitsImageLanes(plan: ImageLanesPlan): boolean {
  const { conv, together, rows, columns } = plan;
  // Zeros between pixels cost more than a few misses of the cache.
  const most = conv.window.spread.some((s) => s > 1) ? 4 * maxPackedBytes : maxPackedBytes;
  return conv.groups === 1 && 2 * conv.images >= together && packedFloats(plan).input * floatBytes <= most &&
    [rows, columns].every(({ spread, dilation }) => spread === 1 || dilation === 1);
}

/** How many window elements are over a pixel of the image, over all outputs along an axis. */
function elementsInside({ size, taps, outputs, start, step, spread, dilation }: LaneAxis): number {
  let count = 0;
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) {
      const pixel = output * step + tap * dilation - start;
      if (pixel >= 0 && pixel <= (size - 1) * spread && pixel % spread === 0) count++;
    }
  }
  return count;
}

/** The cycles that they take on one thread. */
export function imageLanesCycles({ conv, tiles, together, rows, columns, blocks }: ImageLanesPlan): number {
  const { images, inChannels, outChannels } = conv;
  const inside = elementsInside(rows);
  const elements = inside * elementsInside(columns);
  const moved = inChannels * rows.size * columns.size + outChannels * rows.outputs * columns.outputs;
  const pixels = rows.outputs * columns.outputs;
  const calls = lanesOf(tiles) > vectorLanes ? rows.outputs * (columns.outputs - columns.whole.to + columns.whole.from + 1) : 0;
  const overhead = (inside * columns.outputs * cycles.run + pixels * cycles.pixel + calls * cycles.call) * blocks.count;
  const sums = elements * inChannels * stepCycles(blocks, together / tiles.registerFloats);
  return Math.ceil(images / together) * (sums + overhead + moved * cycles.moved * together / 8);
}

/** How much longer those of pixels in lanes take where windows are single pixels: each is loaded for one element. */
const singlePixels = 1.09;

/**
 * Those of pixels in lanes: tiles of few channels have more pixels, unless an image is but one vector of them. Images are staged for the few
 * channels of a group alone.
 */
export function pixelLanesCycles(conv: Convolution, tiles: Tiles): number {
  const { images, groups, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const taps = window.kernel[0] * window.kernel[1];
  // Most loads of long vectors are of parts of two lines of the cache.
  const slower = lanesOf(tiles) > vectorLanes ? 1.15 : taps === 1 ? singlePixels : 1;
  const rowSteps = slower * Math.ceil(outWidth / lanesOf(tiles)) / vectorsPerCycle;
  const steps = images * groups * outHeight * rowSteps * taps * inChannels;
  const blocks = evenBlocks(outChannels, 6);
  const least = outHeight === 1 && outWidth <= lanesOf(tiles) ? 8 : 1.5;
  const of = (channels: number) => Math.max(least, channels);
  const pixels = images * groups * inChannels * window.height * window.width;
  const dealt = taps === 1 && window.step.some((step) => step > 1);
  const staged = dealt ? pixels * cycles.dealt : groups > 1 ? pixels * cycles.staged : 0;
  return staged + steps * (blocks.extra * of(blocks.size + 1) + (blocks.count - blocks.extra) * of(blocks.size));
}
