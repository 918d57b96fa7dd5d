/**
 * Convolution and its input gradient seen as one thing: an output gathers the sources that its taps name.
 *
 * For the input gradient of a convolution with stride s, outputs fall into s phases per axis that use different taps; within a phase it
 * is a plain convolution again.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../shape.ts";

/** Input and output channels of one group. */
export function channelsPerGroup({ c, o, groups }: ConvGeometry): { readonly c: number; readonly o: number } {
  return { c: c / groups, o: o / groups };
}

/**
 * One axis of a gather: output position q * phases + r reads source position q * step + delta for each tap of phase r. The taps of
 * a phase are an arithmetic progression, as are their deltas.
 */
export interface GatherAxis {
  readonly outputs: number;
  readonly sources: number;
  readonly step: number;
  readonly phases: readonly Phase[];
}

/** The taps of one phase: filter position first + i * every at source offset delta + i * deltaStep, for i < count. */
export interface Phase {
  readonly first: number;
  readonly every: number;
  readonly delta: number;
  readonly deltaStep: number;
  readonly count: number;
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
  /** Filter strides: per group, output channel, input channel (of the gather), row. ImageColumns are neighbours. */
  readonly filterStrides: readonly [group: number, out: number, into: number, row: number];
}

/**
 * The tap columns of each output of a tile: (filter column, source delta). Where the tile is a whole row, taps outside the source are
 * left out.
 */
export function columnTaps({ phases, step, outputs, sources }: GatherAxis, columns: number): { tap: number; delta: number }[][] {
  return Array.from({ length: columns }, (_, t) => {
    const { first, every, delta, deltaStep, count } = phases[t % phases.length];
    const q = Math.floor(t / phases.length);
    const taps = Array.from({ length: count }, (_, i) => ({ tap: first + i * every, delta: q * step + delta + i * deltaStep }));
    return columns === outputs ? taps.filter(({ delta }) => delta >= 0 && delta < sources) : taps;
  });
}

/** Whether some taps of some rows lie outside the source, or phases differ in the number of taps. */
export function rowMayBeOutside({ rows }: Gather): boolean {
  const most = Math.max(...rows.phases.map(({ count }) => count));
  const deltas = rows.phases.flatMap((p) => Array.from({ length: most }, (_, i) => p.delta + i * p.deltaStep));
  const highest = (Math.ceil(rows.outputs / rows.phases.length) - 1) * rows.step + Math.max(...deltas);
  return Math.min(...deltas) < 0 || highest >= rows.sources || rows.phases.some(({ count }) => count !== most);
}
