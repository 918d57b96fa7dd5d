/**
 * The gradient of a convolution with respect to its filters as matrix products, one for each tap: how the images are laid out for them, and
 * which parts of them a tap multiplies.
 *
 * @module
 */
import { type ConvGeometry, inputAt, outputsInside, windowAxes } from "../../../../../ir/windows.ts";
import { type Blocks, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { lanesOf, maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { serialMultiplyAdds } from "../../work.ts";

/** Bytes of a panel of the input and a block of the gradient, which every tap reads: within the second-level cache. */
const maxPanelBytes = 640 * 1024;

/** Bytes of all panels and blocks. */
const maxPackedBytes = 256 * 1024 * 1024;

/** Cycles: of storing an element of the filters, of packing a pixel of either image, and of calling a product. */
const cycles = { element: 0.7, packed: 1.1, call: 20 };

/** Multiply-adds of vectors in a cycle. */
const vectorsPerCycle = 2;

/**
 * The places whose products are added up for a tap: runs of steps, a step being a place of one image. Steps of all images of a place, and of
 * neighbouring places, follow each other.
 */
export interface Tap {
  readonly runs: number;
  readonly steps: number;
  /** The first place in the gradient, and the pixel in the input that is under the tap there. */
  readonly place: number;
  readonly pixel: number;
}

/** The layout of the images, and the parts that taps multiply. */
export interface TapPlan {
  readonly geometry: ConvGeometry;
  /** By element of the filters. */
  readonly taps: readonly Tap[];
  /** Output channels of a group in blocks: [block][place][image][channel]. */
  readonly rowBlocks: Blocks;
  /** Input channels of a group in panels: [panel][pixel][image][channel]. */
  readonly width: number;
  readonly tiles: Tiles;
  readonly panels: number;
  /** From run to run, in places and in pixels. */
  readonly placeRun: number;
  readonly pixelRun: number;
  /** For each phase of the columns of pixels (as many as the stride) how many there are, and where they begin in a row. */
  readonly phases: readonly { readonly begin: number; readonly count: number }[];
}

/** The plan for some tiles. */
export function planTaps(g: ConvGeometry, tiles: Tiles): TapPlan {
  const width = tiles.columns;
  const [rows, columns] = windowAxes(g);
  const step = Math.min(columns.stride, g.w);
  const phases: { begin: number; count: number }[] = [];
  for (let phase = 0, begin = 0; phase < step; phase++) {
    const count = Math.ceil((g.w - phase) / step);
    phases.push({ begin, count });
    begin += count;
  }
  const columnOf = (x: number) => phases[x % step].begin + Math.floor(x / step);
  const taps = Array.from({ length: g.kh * g.kw }, (_, element): Tap => {
    const [ky, kx] = [Math.floor(element / g.kw), element % g.kw];
    const [y, x] = [outputsInside(rows, ky), outputsInside(columns, kx)];
    const [height, length] = [y.to - y.from, x.to - x.from];
    if (height === 0 || length === 0) return { runs: 0, steps: 0, place: 0, pixel: 0 };
    const pixel = inputAt(rows, y.from, ky) * g.w + columnOf(inputAt(columns, x.from, kx));
    const place = y.from * g.ow + x.from;
    // Whole rows of both images are one run.
    const joined = height === 1 || (length === g.ow && rows.stride * g.w === g.ow);
    return { runs: joined ? 1 : height, steps: (joined ? height : 1) * length * g.n, place, pixel };
  });
  return {
    geometry: g,
    taps,
    rowBlocks: evenBlocks(g.o / g.groups, maxTileRows),
    width,
    tiles,
    panels: Math.ceil(g.c / g.groups / width),
    placeRun: g.ow,
    pixelRun: rows.stride * g.w,
    phases,
  };
}

/** Floats of a panel of the input, and of a channel's part of a block of the gradient. */
export function packedSizes({ geometry: g, width }: TapPlan): { readonly panel: number; readonly channel: number } {
  return { panel: g.h * g.w * g.n * width, channel: g.oh * g.ow * g.n };
}

/** Whether the panels fit the caches, and that many multiply-adds are worth several phases. */
export function tapsFit(plan: TapPlan, multiplyAdds: number): boolean {
  const { geometry: g, width, panels } = plan;
  const { panel, channel } = packedSizes(plan);
  const all = g.groups * panels * panel + g.o * channel;
  return multiplyAdds > serialMultiplyAdds && (panel + maxTileRows * channel) * floatBytes <= maxPanelBytes &&
    all * floatBytes <= maxPackedBytes &&
    g.h * g.w * g.n * width * floatBytes < 2 ** 26;
}

/** The cycles that a plan takes on one thread. */
export function tapCycles({ geometry: g, taps, rowBlocks, width, tiles, panels }: TapPlan): number {
  const steps = taps.reduce((sum, tap) => sum + tap.runs * tap.steps, 0);
  const calls = taps.filter(({ runs }) => runs > 0).length;
  // A tile takes as long as one of at least three rows: fewer wait for the latency of a multiply-add.
  const rows = rowBlocks.count * Math.max(3, (g.o / g.groups) / rowBlocks.count);
  const products = steps * rows * panels * width / (vectorsPerCycle * lanesOf(tiles)) +
    rowBlocks.count * panels * calls * cycles.call;
  const stored = (g.o / g.groups) * roundUp(g.c / g.groups, width) * g.kh * g.kw * cycles.element;
  return g.groups * (products + stored) + g.n * (g.c * g.h * g.w + g.o * g.oh * g.ow) * cycles.packed;
}
