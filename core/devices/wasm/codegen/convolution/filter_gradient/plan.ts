/**
 * How the gradient of a convolution with respect to its filters is divided: images among threads, filters into tiles.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { type Blocks, blockSizes, evenBlocks } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { lanesOf, type Tiles } from "../../matmul/tile.ts";
import { inputWindow, layOutWindow, stagedBytes, type WindowLayout, type WindowSpec } from "../window.ts";

/** Bytes of images that are worked on together, so that every tile finds them in the second-level cache. */
const groupBytes = 192 * 1024;
/** An image with more bytes is cut into bands of rows. */
const maxBandBytes = 512 * 1024;
/** Memory the threads' private sums may take. */
const maxSumBytes = 64 * 1024 * 1024;
/** Vector registers in WebAssembly. */
const vectorRegisters = 15;

/** How much longer tiles take where windows are single pixels: each is loaded for one element. */
const singlePixels = 1.15;

/**
 * Cycles beside the multiply-adds: of a row of pixels in a tile, of adding up and storing a sum, and of staging a pixel; of a call of machine
 * code, and of a load there.
 */
const cycles = { row: 1, element: 1, staged: 0.5, call: 100, load: 0.2 };

/** The tile and what it covers. Columns are (channel, ky, kx) in the order of the filters in memory. */
interface Tiling {
  /** Output channels of one group of the convolution in blocks. */
  readonly rows: Blocks;
  /** Input channels whose columns are cut together. */
  readonly channels: number;
  /** The columns of these channels in blocks. */
  readonly columns: Blocks;
}

/** How the work is divided. */
export interface FilterGradientPlan {
  readonly kernel: ConvKernel;
  readonly tiling: Tiling;
  readonly input: WindowSpec;
  readonly inputLayout: WindowLayout;
  /** What writes the sums of a tile as machine code, if they are. */
  readonly machine: Tiles | undefined;
  /** Floats of a vector, and vectors per row of pixels. */
  readonly lanes: number;
  readonly vectors: number;
  readonly bandRows: number;
  readonly bands: number;
  /** Images worked on together; 1 if there are bands. */
  readonly together: number;
  /** Parts into which threads divide images, and tiles. */
  readonly imageParts: number;
  readonly tileParts: number;
}

/** Time of one step of a tile in cycles: two multiply-adds per cycle, four cycles of latency, eight instructions per cycle. */
function tileCycles(rows: number, columns: number, machine: boolean): number {
  if (machine) return Math.max((rows * columns) / 2, 4, (rows + columns) / 2) + (rows + columns) * cycles.load;
  return Math.max((rows * columns) / 2, 4, (4 * (rows + columns) + rows * columns) / 8);
}

/** The ways to cut an extent into blocks of at most so many, with the largest of each. */
function waysToCut(extent: number, most: number): (readonly [Blocks, number])[] {
  return Array.from({ length: Math.min(most, extent) }, (_, i) => {
    const blocks = evenBlocks(extent, i + 1);
    return [blocks, blockSizes(blocks)[0]];
  });
}

/** The tiling with the least time per element. */
function chooseTiling(
  outChannels: number,
  inChannels: number,
  taps: number,
  { registers, machine }: { readonly registers: number; readonly machine: boolean },
): Tiling {
  let best: Tiling | undefined;
  let least = Infinity;
  const heights = waysToCut(outChannels, 12);
  for (let channels = 1; channels <= Math.min(inChannels, 8); channels++) {
    if (inChannels % channels !== 0 || (channels > 1 && channels * taps > 32)) continue;
    for (const [columns, widest] of waysToCut(channels * taps, 12)) {
      for (const [rows, highest] of heights) {
        if (widest * highest + Math.min(widest, highest) + 1 > registers) continue;
        const timeOf = (r: number) => total(columns, (c) => tileCycles(r, c, machine));
        const time = total(rows, timeOf) / channels;
        // A little in favour of few channels together: less code.
        if (time * (1 + channels / 100) < least) {
          least = time * (1 + channels / 100);
          best = { rows, channels, columns };
        }
      }
    }
  }
  return best!;
}

/** The sum of `value` of its size over all blocks. */
function total(blocks: Blocks, value: (size: number) => number): number {
  return blocks.extra * value(blocks.size + 1) + (blocks.count - blocks.extra) * value(blocks.size);
}

/** Divides the work among threads: with machine code, of some tiles, where that takes fewer cycles. */
export function planFilterGradient(kernel: ConvKernel, threads: number, tiles: Tiles): FilterGradientPlan {
  const plan = planWith(kernel, threads, undefined);
  if (lanesOf(tiles) === vectorLanes) return plan;
  const machine = planWith(flattened(kernel), threads, tiles);
  return directFilterGradientCycles(machine) < directFilterGradientCycles(plan) ? machine : plan;
}

/** Where windows are single pixels, rows do not matter: a plane is one long row, unless images are cut into bands. */
function flattened(kernel: ConvKernel): ConvKernel {
  const { geometry: g } = kernel;
  const ones = [g.kh, g.kw, ...g.stride].every((value) => value === 1);
  const { top, bottom, left, right } = g.padding;
  const pixels = g.h * g.w;
  if (!ones || top + bottom + left + right > 0 || (g.c + g.o) * pixels * floatBytes > maxBandBytes) return kernel;
  return { ...kernel, geometry: { ...g, h: 1, w: pixels, oh: 1, ow: pixels } };
}

function planWith(kernel: ConvKernel, threads: number, machine: Tiles | undefined): FilterGradientPlan {
  const { geometry: g } = kernel;
  const lanes = machine ? lanesOf(machine) : vectorLanes;
  const window = (outRows: number): WindowSpec => ({ ...inputWindow(g, g.c), outRows });
  const imageBytes = stagedBytes(window(g.oh), layOutWindow(window(g.oh))) + g.o * g.oh * g.ow * floatBytes;
  const bandRows = Math.ceil(g.oh / Math.min(Math.ceil(g.oh / 4), Math.ceil(imageBytes / maxBandBytes)));
  const bands = Math.ceil(g.oh / bandRows);
  const size = kernel.shape.reduce((product, extent) => product * extent, 1);
  const fits = (parts: number) => parts === 1 || (parts <= g.n * bands && parts * size * floatBytes <= maxSumBytes);
  let imageParts = threads;
  while (threads % imageParts !== 0 || !fits(imageParts)) imageParts--;
  const imagesEach = Math.ceil(g.n / imageParts);
  const together = bands > 1 ? 1 : Math.max(1, Math.min(imagesEach, Math.floor(groupBytes / imageBytes)));
  const input = window(bandRows);
  // The mask of ragged rows takes a register.
  const registers = (machine?.registers ?? vectorRegisters) - (g.ow % lanes === 0 ? 0 : 1);
  return {
    kernel,
    tiling: chooseTiling(g.o / g.groups, g.c / g.groups, g.kh * g.kw, { registers, machine: machine !== undefined }),
    input,
    inputLayout: layOutWindow(input),
    machine,
    lanes,
    vectors: Math.ceil(g.ow / lanes),
    bandRows,
    bands,
    // Groups of images of like size.
    together: Math.ceil(imagesEach / Math.ceil(imagesEach / together)),
    imageParts,
    tileParts: threads / imageParts,
  };
}

/** The cycles that a plan takes on one thread. */
export function directFilterGradientCycles(plan: FilterGradientPlan): number {
  const { kernel: { geometry: g }, tiling, machine, lanes, vectors, bands, together } = plan;
  const step = total(tiling.rows, (r) => total(tiling.columns, (c) => tileCycles(r, c, machine !== undefined)));
  const channelGroups = g.c / tiling.channels;
  const longer = g.kh * g.kw === 1 ? singlePixels : 1;
  const tileRows = g.n * g.oh * (vectors * step * longer + tiling.rows.count * tiling.columns.count * cycles.row);
  const sums = (g.o / g.groups) * tiling.channels * g.kh * g.kw;
  const calls = machine ? tiling.rows.count * tiling.columns.count * cycles.call : 0;
  const stored = Math.ceil(g.n * bands / together) * (sums * cycles.element * lanes / vectorLanes + calls);
  const staged = plan.inputLayout.staged ? g.n * g.c * g.h * g.w * cycles.staged : 0;
  return channelGroups * (tileRows + stored) + staged;
}

/** Floats from one image to the next, as the tiles read them. */
export function imageStrides(
  { kernel: { geometry: g }, input, inputLayout }: FilterGradientPlan,
): { input: number; gradient: number } {
  return {
    input: inputLayout.staged ? stagedBytes(input, inputLayout) / floatBytes : g.c * g.h * g.w,
    gradient: g.o * g.oh * g.ow,
  };
}
