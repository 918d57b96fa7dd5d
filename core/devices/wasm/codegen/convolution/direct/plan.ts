/**
 * How a direct convolution is cut into bands of rows, blocks of output channels, and tiles of output pixels.
 *
 * @module
 */
import { type Blocks, evenBlocks } from "../../emit/blocks.ts";
import { lanesOf, type Tiles } from "../../matmul/tile.ts";
import type { Convolution } from "../problem.ts";
import { layOutWindow, stagedBytes, type WindowLayout, type WindowSpec } from "../window.ts";

/** Most output channels of a tile. */
const maxTileChannels = 6;

/** Input bytes that are worked on at a time: a good part of the second-level cache. */
const maxBandBytes = 400 * 1024;

/** The bands of output rows, the layout of their input, and the pieces of work. */
export interface DirectPlan {
  readonly conv: Convolution;
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
  readonly bandRows: number;
  readonly bands: number;
  readonly blocks: Blocks;
  /** Into how many parts the blocks of output channels are divided to give every thread something to do. */
  readonly parts: number;
  readonly pieces: number;
  readonly tiles: Tiles;
  /** Vectors that are merged in one register, and the floats of a vector. */
  readonly perRegister: 1 | 2;
  readonly lanes: number;
}

/** Cuts a convolution into pieces for some threads. */
export function planDirect(
  conv: Convolution,
  { threads, pieces }: { readonly threads: number; readonly pieces: number },
  tiles: Tiles,
): DirectPlan {
  const lanes = lanesOf(tiles);
  // Vectors of a row are merged in pairs if all of them have a partner.
  const perRegister = conv.outWidth % tiles.registerFloats === 0 ? tiles.perRegister : 1;
  const whole: WindowSpec = { ...conv.window, outRows: conv.outHeight };
  const bytesPerRow = stagedBytes(whole, layOutWindow(whole)) / conv.outHeight;
  const bands = Math.min(Math.ceil(conv.outHeight / 4), Math.ceil((bytesPerRow * conv.outHeight) / maxBandBytes));
  const bandRows = Math.ceil(conv.outHeight / bands);
  const spec = { ...whole, outRows: bandRows };
  const blocks = evenBlocks(conv.outChannels, maxTileChannels);
  const items = conv.images * conv.groups * bands;
  const balanced = items % threads === 0 || items >= 8 * threads;
  return {
    conv,
    spec,
    layout: layOutWindow(spec),
    bandRows,
    bands: Math.ceil(conv.outHeight / bandRows),
    blocks,
    parts: balanced ? 1 : Math.min(blocks.count, threads),
    pieces,
    tiles,
    perRegister,
    lanes,
  };
}

/** A tile of output pixels. */
export interface TileShape {
  /** The first pixel of each vector, relative to the tile's first. */
  readonly vectors: readonly { readonly row: number; readonly column: number }[];
  /** Output rows that the tile spans. */
  readonly rows: number;
  /** Pixels of a vector that there are. */
  readonly lanes: number;
  /** First column, and how many such tiles follow each other along the row. */
  readonly column: number;
  readonly repeats: number;
}

/** The tiles that cover the output rows of a block of channels. */
export function tileShapes({ conv, tiles: { registers }, perRegister, lanes }: DirectPlan, channels: number): TileShape[] {
  return coverRow(conv.outWidth, vectorsBeside[registers][channels] * perRegister, lanes);
}

/** Vectors beside each other by channels of a tile: sums for each channel, and what waits or passes by, are in registers. */
const vectorsBeside = { 16: [0, 6, 4, 3, 2, 2, 2], 32: [0, 12, 10, 7, 6, 5, 4] } as const;

/**
 * Covers rows of `width` pixels with tiles of `most` vectors. The last vector of a row overlaps the one before rather than hang
 * over; vectors left over at the end of a row are combined over several rows.
 */
function coverRow(width: number, most: number, vectorLanes: number): TileShape[] {
  const count = Math.ceil(width / vectorLanes);
  const lanes = Math.min(vectorLanes, width);
  const columnOf = (vector: number) => Math.max(0, Math.min(vector * vectorLanes, width - vectorLanes));
  const shapes: TileShape[] = [];
  const whole = Math.floor(count / most);
  const regular = width % vectorLanes !== 0 && count % most === 0 ? whole - 1 : whole;
  const across = (from: number, vectors: number) =>
    Array.from({ length: vectors }, (_, i) => ({ row: 0, column: columnOf(from + i) - columnOf(from) }));
  if (regular > 0) shapes.push({ vectors: across(0, most), lanes, rows: 1, column: 0, repeats: regular });
  if (whole > regular) {
    shapes.push({ vectors: across(regular * most, most), lanes, rows: 1, column: columnOf(regular * most), repeats: 1 });
  }
  const rest = count % most;
  if (rest > 0) {
    const rows = Math.floor(most / rest);
    const line = across(whole * most, rest);
    const vectors = Array.from({ length: rows }, (_, row) => line.map(({ column }) => ({ row, column }))).flat();
    shapes.push({ vectors, lanes, rows, column: columnOf(whole * most), repeats: 1 });
  }
  return shapes;
}
