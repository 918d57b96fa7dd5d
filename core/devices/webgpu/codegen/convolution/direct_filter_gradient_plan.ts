/**
 * How the gradient of a convolution with respect to its filter is shared out, straight from memory.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../ir/windows.ts";
import type { Target } from "../kernel_code.ts";
import { channelsPerGroup } from "./gather.ts";

/** How the work is shared out. */
export interface FilterGradientPlan {
  /** Output channels of one invocation. */
  readonly channels: number;
  /** Pixels of an output row that are unrolled. */
  readonly pixels: number;
  /** Filter rows of a group (input channel and filter row), padded so that a subgroup works on one split. */
  readonly paddedRows: number;
  /** How often the sum over the output rows of all images is split. */
  readonly splits: number;
  readonly rowsPerSplit: number;
}

/** The plan for a filter gradient on an adapter. */
export function planFilterGradient(g: ConvGeometry, target: Target): FilterGradientPlan {
  const { c, o } = channelsPerGroup(g);
  const accumulators = target.software ? 96 : 40;
  const channels = evenShare(o, Math.max(1, Math.floor(accumulators / g.kw)));
  const pixels = evenShare(g.ow, Math.max(1, Math.min(8, Math.floor(800 / (channels * g.kw)))));
  const lanes = target.subgroupSize || 1;
  const paddedRows = Math.ceil(c * g.kh / lanes) * lanes;
  const rows = g.n * g.oh;
  const invocations = paddedRows * g.groups * Math.ceil(o / channels);
  const wanted = Math.ceil((target.software ? 2048 : 131072) / invocations);
  // The second dispatch reads every split: not more than the first saves by them.
  const most = target.software ? 32 : 256;
  const rowsPerSplit = Math.ceil(rows / Math.max(1, Math.min(wanted, rows, most)));
  return { channels, pixels, paddedRows, splits: Math.ceil(rows / rowsPerSplit), rowsPerSplit };
}

/** The share, at most `most`, that leaves the least over when `total` is cut into such shares. */
function evenShare(total: number, most: number): number {
  return Math.ceil(total / Math.ceil(total / Math.min(most, total)));
}
