/**
 * Convolution and its input gradient seen as one thing: an output gathers the sources that its taps name.
 *
 * @module
 */
import type { Access, ConvKernel } from "../../../../ir/kernel.ts";
import { type ConvGeometry, type GatherAxis, gatherInputs, gatherOutputs, windowAxes } from "../../../../ir/windows.ts";

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

/** What conv2d gathers from images, or its gradient with respect to the input from that of the output. */
export function gatherOf({ kind, geometry: g, operands: [source, filter] }: ConvKernel): Gather {
  const { c, o } = channelsPerGroup(g);
  const taps = g.kh * g.kw;
  const forward = kind === "conv2d";
  const [rows, columns] = windowAxes(g).map(forward ? gatherInputs : gatherOutputs);
  return {
    batch: g.n,
    groups: g.groups,
    outChannels: forward ? o : c,
    inChannels: forward ? c : o,
    rows,
    columns,
    source,
    filter,
    filterStrides: forward ? [o * c * taps, c * taps, taps, g.kw] : [o * c * taps, taps, c * taps, g.kw],
  };
}
