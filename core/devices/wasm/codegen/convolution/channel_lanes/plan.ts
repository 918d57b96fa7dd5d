/**
 * When convolutions can be computed with an output channel in each lane, how the work is divided for that, and what it takes.
 *
 * @module
 */
import { type Blocks, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { lanesOf, maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";
import type { Convolution } from "../problem.ts";
import { layOutWindow, type WindowLayout, type WindowSpec } from "../window.ts";

/** Bytes of filters that stay in the first-level cache while all pixels are multiplied by them. */
const chunkBytes = 32 * 1024;

/** Bytes of the images, and of the outputs of a panel, that are worked on at a time: a part of the second-level cache. */
const maxInputBytes = 512 * 1024;
const maxOutputBytes = 128 * 1024;

/** Floats behind the channels of a pixel that keep pixels out of the same cache sets, where they would be so many bytes apart. */
const pixelSpacing = 16;
const cacheSetBytes = 1024;

/** Bytes of all packed filters. */
const maxFilterBytes = 128 * 1024 * 1024;

/** Bytes of filters that stay in the second-level cache. */
const cachedBytes = 1024 * 1024;

/** Multiply-adds of vectors that a core does in a cycle. */
const vectorsPerCycle = 2;

/**
 * Cycles: of packing a pixel, of packing a filter element, of storing an output, of a call, of adding to a vector of sums, and of reading a byte
 * of filters that are not in the second-level cache.
 */
const cycles = { packed: 0.6, filter: 1.6, output: 0.5, call: 60, sum: 1, farByte: 0.1 };

/** Steps of the products whose filters lie one after the other: some window elements of a row, and input channels of these. */
export interface Chunk {
  /** Floats from the first pixel of the window, and steps. */
  readonly pixel: number;
  readonly steps: number;
}

/** How the work is divided. Filters are [panel][row][column][input channel][output channel], images [row][column][channel]. */
export interface ChannelLanesPlan {
  readonly conv: Convolution;
  readonly tiles: Tiles;
  /** What is staged of an image; its layout in pixels. */
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
  /** From one pixel to the next. */
  readonly pixelFloats: number;
  /** Output channels of a panel, and how many panels there are. */
  readonly width: number;
  readonly panels: number;
  /** Output pixels of a row in tiles. */
  readonly pixels: Blocks;
  readonly bandRows: number;
  readonly bands: number;
  /** Images worked on together; 1 if there are bands. */
  readonly together: number;
  /** The pieces of work: bands, or groups of images, each in so many parts of the panels. */
  readonly units: number;
  readonly parts: number;
  readonly chunks: readonly Chunk[];
}

/** Divides a convolution for some threads. */
export function planChannelLanes(conv: Convolution, tiles: Tiles, threads: number): ChannelLanesPlan {
  const { images, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const width = Math.min(tiles.columns, roundUp(outChannels, lanesOf(tiles)));
  const panels = Math.ceil(outChannels / width);
  const pixelFloats = inChannels + (inChannels * floatBytes % cacheSetBytes === 0 ? pixelSpacing : 0);
  const specOf = (outRows: number): WindowSpec => ({ ...window, outRows });
  const layoutOf = (outRows: number) =>
    layOutWindow({ ...specOf(outRows), step: [window.step[0], 1], outColumns: reach(conv) }, true);
  const rowBytes = layoutOf(outHeight).plane * pixelFloats * floatBytes / outHeight;
  const most = Math.min(maxInputBytes / rowBytes, maxOutputBytes / (outWidth * width * floatBytes));
  // Not fewer rows than make up for those that neighbouring bands have in common.
  const wanted = Math.ceil(outHeight / Math.max(1, Math.floor(most)));
  const even = wanted === 1 || images % threads === 0 ? wanted : roundUp(wanted, threads);
  const bandRows = Math.ceil(outHeight / Math.min(Math.ceil(outHeight / 4), even));
  const bands = Math.ceil(outHeight / bandRows);
  const imageBytes = rowBytes * outHeight;
  const outBytes = outHeight * outWidth * width * floatBytes;
  const fitting = Math.max(1, Math.floor(Math.min(maxInputBytes / imageBytes, maxOutputBytes / outBytes)));
  const together = bands > 1 ? 1 : Math.min(fitting, Math.ceil(images / threads));
  const units = bands > 1 ? images * bands : Math.ceil(images / together);
  const balanced = units % threads === 0 || units >= 4 * threads;
  return {
    ...{ conv, tiles, width, panels, bandRows, bands, together, units },
    spec: specOf(bandRows),
    layout: layoutOf(bandRows),
    pixelFloats,
    pixels: evenBlocks(outWidth, maxTileRows),
    parts: balanced ? 1 : Math.min(threads, panels),
    chunks: chunksOf(conv, layoutOf(bandRows), pixelFloats, width),
  };
}

/** Columns of the padded image less those that a window has beyond its first. */
function reach({ outWidth, window }: Convolution): number {
  return (outWidth - 1) * window.step[1] + 1;
}

function chunksOf({ inChannels, window }: Convolution, layout: WindowLayout, pixelFloats: number, width: number): Chunk[] {
  const most = Math.floor(chunkBytes / (width * floatBytes));
  const [kh, kw] = window.kernel;
  const [dy, dx] = window.dilation;
  // Whether neighbouring pixels are one after the other.
  const dense = dx === 1 && pixelFloats === inChannels;
  const chunks: Chunk[] = [];
  for (let ky = 0; ky < kh; ky++) {
    for (let kx = 0; kx < kw; kx += dense ? kw : 1) {
      const steps = inChannels * (dense ? kw : 1);
      const blocks = evenBlocks(steps, most);
      for (let i = 0, at = 0; i < blocks.count; i++) {
        const size = blocks.size + (i < blocks.extra ? 1 : 0);
        chunks.push({ pixel: (ky * dy * layout.pitch + kx * dx) * pixelFloats + at, steps: size });
        at += size;
      }
    }
  }
  return chunks;
}

/** Floats of the packed filters of a panel. */
export function panelFloats({ conv: { inChannels, window }, width }: ChannelLanesPlan): number {
  return inChannels * window.kernel[0] * window.kernel[1] * width;
}

/** Floats from one staged image to the next, and of the outputs of a unit for a panel. */
export function unitFloats(
  { conv, layout, pixelFloats, together, bandRows, width }: ChannelLanesPlan,
): { image: number; outputs: number } {
  return {
    image: roundUp(layout.plane * pixelFloats, 16),
    outputs: together * bandRows * conv.outWidth * width,
  };
}

/** Whether channels in lanes are possible, and worth several phases for that many multiply-adds. */
export function fitsChannelLanes(plan: ChannelLanesPlan, multiplyAdds: number): boolean {
  const { conv: { groups }, panels } = plan;
  const { image, outputs } = unitFloats(plan);
  return groups === 1 && multiplyAdds > serialMultiplyAdds && panels * panelFloats(plan) * floatBytes <= maxFilterBytes &&
    (plan.together * image + outputs) * floatBytes <= 4 * maxInputBytes;
}

/** The cycles on the busiest thread; `lasting` filters are packed once. */
export function channelLanesCycles(plan: ChannelLanesPlan, threads: number, lasting: boolean): number {
  const { conv, tiles, width, panels, pixels, bandRows, together, units, parts, chunks } = plan;
  const { inChannels, window } = conv;
  const steps = inChannels * window.kernel[0] * window.kernel[1];
  const vectors = width / lanesOf(tiles);
  const tile = (rows: number) =>
    steps * Math.max(rows * vectors / vectorsPerCycle, 4, (rows + vectors) / 2) + chunks.length * rows * vectors * cycles.sum;
  const count = (size: number, blocks: number) => blocks === 0 ? 0 : blocks * tile(size) + cycles.call * chunks.length;
  const row = count(pixels.size + 1, pixels.extra) + count(pixels.size, pixels.count - pixels.extra);
  const rows = together * bandRows;
  const filterBytes = panels * panelFloats(plan) * floatBytes;
  const far = filterBytes > cachedBytes ? panelFloats(plan) * floatBytes * cycles.farByte : 0;
  const panel = rows * (row + conv.outWidth * width * cycles.output) + far;
  const staged = together * unitFloats(plan).image * cycles.packed;
  const unitsEach = parts > 1 ? units : Math.ceil(units / threads);
  const filters = lasting ? 0 : steps * panels * width * cycles.filter / threads;
  return unitsEach * (Math.ceil(panels / parts) * panel + staged) + filters;
}
