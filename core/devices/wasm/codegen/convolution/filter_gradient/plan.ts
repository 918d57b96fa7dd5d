/**
 * How the gradient of a convolution with respect to its filters is divided: images among threads, filters into tiles.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { type Blocks, blockSizes, evenBlocks } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { inputWindow, layOutWindow, stagedBytes, type WindowLayout, type WindowSpec } from "../window.ts";

/** Bytes of images that are worked on together, so that every tile finds them in the second-level cache. */
const groupBytes = 192 * 1024;
/** An image with more bytes is cut into bands of rows. */
const maxBandBytes = 512 * 1024;
/** Memory the threads' private sums may take. */
const maxSumBytes = 64 * 1024 * 1024;
/** Vector registers. */
const vectorRegisters = 15;

/** Cycles beside the multiply-adds: of a row of pixels in a tile, of adding up and storing a sum, and of staging a pixel. */
const cycles = { row: 1, element: 1, staged: 0.5 };

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
  /** Vectors per row of pixels. */
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
function tileCycles(rows: number, columns: number): number {
  return Math.max((rows * columns) / 2, 4, (4 * (rows + columns) + rows * columns) / 8);
}

/** The tiling with the least time per element. */
function chooseTiling(outChannels: number, inChannels: number, taps: number, registers: number): Tiling {
  let best: Tiling | undefined;
  let least = Infinity;
  for (let channels = 1; channels <= Math.min(inChannels, 8); channels++) {
    if (inChannels % channels !== 0 || (channels > 1 && channels * taps > 32)) continue;
    for (let most = 1; most <= 12; most++) {
      const columns = evenBlocks(channels * taps, most);
      const widest = blockSizes(columns)[0];
      for (let height = 1; height <= 12; height++) {
        const rows = evenBlocks(outChannels, height);
        const highest = blockSizes(rows)[0];
        if (widest * highest + Math.min(widest, highest) + 1 > registers) continue;
        const timeOf = (r: number) => total(columns, (c) => tileCycles(r, c));
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

/** Divides the work among threads. */
export function planFilterGradient(kernel: ConvKernel, threads: number): FilterGradientPlan {
  const { geometry: g } = kernel;
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
  const registers = g.ow % vectorLanes === 0 ? vectorRegisters : vectorRegisters - 1;
  return {
    kernel,
    tiling: chooseTiling(g.o / g.groups, g.c / g.groups, g.kh * g.kw, registers),
    input,
    inputLayout: layOutWindow(input),
    vectors: Math.ceil(g.ow / vectorLanes),
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
  const { kernel: { geometry: g }, tiling, vectors, bands, together } = plan;
  const step = total(tiling.rows, (r) => total(tiling.columns, (c) => tileCycles(r, c)));
  const channelGroups = g.c / tiling.channels;
  const tileRows = g.n * g.oh * (vectors * step + tiling.rows.count * tiling.columns.count * cycles.row);
  const stored = Math.ceil(g.n * bands / together) * (g.o / g.groups) * tiling.channels * g.kh * g.kw * cycles.element;
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
