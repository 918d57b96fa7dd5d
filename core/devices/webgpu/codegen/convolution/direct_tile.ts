/**
 * How many outputs one invocation of a direct convolution computes.
 *
 * @module
 */
import { gatherTaps } from "../../../../ir/windows.ts";
import type { Target } from "../kernel_code.ts";
import type { Gather } from "./gather.ts";

/** What one invocation computes. */
export interface Tile {
  /** Neighbours of a row. */
  readonly columns: number;
  readonly channels: number;
}

/** Rows up to this length may be one tile. */
const longestRow = 16;

const channelCounts = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24];

/** The tile with the lowest estimated cost. */
export function chooseTile(gather: Gather, target: Target): Tile {
  const { phases, outputs } = gather.columns;
  let best: Tile = { columns: phases.length, channels: 1 };
  const widths = Array.from({ length: Math.ceil(8 / phases.length) }, (_, i) => (i + 1) * phases.length);
  if (outputs <= longestRow) widths.push(outputs);
  for (const columns of widths) {
    if (columns >= outputs + phases.length) break;
    for (const channels of channelCounts) {
      if (channels > gather.outChannels) break;
      const tile = { columns, channels };
      if (costOf(gather, tile, target) < costOf(gather, best, target)) best = tile;
    }
  }
  return best;
}

/** A rough cost of all tiles: loads, uniform loads and multiplications in units of a multiplication. */
function costOf(gather: Gather, { columns, channels }: Tile, target: Target): number {
  const taps = gatherTaps(gather.columns, columns).flat();
  const loads = new Set(taps.map(({ delta }) => delta)).size;
  const filterColumns = new Set(taps.map(({ tap }) => tap)).size;
  const [load, uniformLoad] = target.software ? [18, target.subgroupSize > 0 ? 3 : 18] : [6, 3];
  const perStep = loads * load + filterColumns * channels * uniformLoad + taps.length * channels + 10;
  const mostAccumulators = target.software ? 128 : 48;
  const spills = columns * channels > mostAccumulators ? Infinity : 1;
  return perStep * spills * Math.ceil(gather.columns.outputs / columns) * Math.ceil(gather.outChannels / channels);
}
