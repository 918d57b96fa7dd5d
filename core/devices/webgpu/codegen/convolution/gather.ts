/**
 * Convolution and its input gradient seen as one thing: an output gathers the sources that its taps name.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import type { ConvGeometry, GatherAxis } from "../../../../ir/windows.ts";

/** Input and output channels of one group. */
export function channelsPerGroup({ c, o, groups }: ConvGeometry): { readonly c: number; readonly o: number } {
  return { c: c / groups, o: o / groups };
}

/** A convolution as a gather: sizes and strides of both operands. */
export interface Gather {
  readonly batch: number;
  readonly groups: number;
  /** Channels of a group. */
  readonly outChannels: number;
  readonly inChannels: number;
  readonly rows: GatherAxis;
  readonly columns: GatherAxis;
  readonly source: Access;
  readonly filter: Access;
  /** Filter strides: per group, output channel, input channel (of the gather), row. Columns are neighbours. */
  readonly filterStrides: readonly [group: number, out: number, into: number, row: number];
}
