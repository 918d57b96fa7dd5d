/**
 * Convolution and its input gradient seen as one thing: an output collects from the places its taps name.
 *
 * For the input gradient of a convolution with stride s, outputs fall into s phases per axis that use different taps; within a phase it
 * is a plain convolution again.
 *
 * @module
 */
import type { Access, ConvKernel } from "../../../../ir/kernel.ts";

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
  /** Channels within a group. */
  readonly outChannels: number;
  readonly inChannels: number;
  readonly rows: GatherAxis;
  readonly columns: GatherAxis;
  readonly source: Access;
  readonly filter: Access;
  /** Filter strides: per group, output channel, input channel (of the gather), row. Columns are neighbours. */
  readonly filterStrides: readonly [group: number, out: number, into: number, row: number];
}

/** The gather that a convolution or its input gradient is. */
export function gatherOf({ kind, geometry: g, operands: [lhs, rhs] }: ConvKernel): Gather {
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const filter = g.kh * g.kw;
  const common = { batch: g.n, groups: g.groups, source: lhs, filter: rhs };
  if (kind === "conv2d") {
    return {
      ...common,
      outChannels: inside.o,
      inChannels: inside.c,
      rows: forwardAxis(g.oh, g.h, g.kh, g.stride[0], g.dilation[0], g.padding.top),
      columns: forwardAxis(g.ow, g.w, g.kw, g.stride[1], g.dilation[1], g.padding.left),
      filterStrides: [inside.o * inside.c * filter, inside.c * filter, filter, g.kw],
    };
  }
  return {
    ...common,
    outChannels: inside.c,
    inChannels: inside.o,
    rows: gradientAxis(g.h, g.oh, g.kh, g.stride[0], g.dilation[0], g.padding.top),
    columns: gradientAxis(g.w, g.ow, g.kw, g.stride[1], g.dilation[1], g.padding.left),
    filterStrides: [inside.o * inside.c * filter, filter, inside.c * filter, g.kw],
  };
}

function forwardAxis(
  outputs: number,
  sources: number,
  taps: number,
  stride: number,
  dilation: number,
  before: number,
): GatherAxis {
  const phase = { first: 0, every: 1, delta: -before, deltaStep: dilation, count: taps };
  return { outputs, sources, step: stride, phases: [phase] };
}

/** Input position q * stride + r lies under tap k of output q + (r + before - k dilation) / stride, where that is whole. */
function gradientAxis(
  outputs: number,
  sources: number,
  taps: number,
  stride: number,
  dilation: number,
  before: number,
): GatherAxis {
  // From one fitting tap to the next, also where there is no next one: the step between sources must be whole.
  const every = Array.from({ length: stride }, (_, k) => k + 1).find((k) => k * dilation % stride === 0)!;
  const phases = Array.from({ length: stride }, (_, r): Phase => {
    const fitting = Array.from({ length: taps }, (_, k) => k).filter((k) => (r + before - k * dilation) % stride === 0);
    const first = fitting[0] ?? 0;
    return {
      first,
      every,
      delta: Math.floor((r + before - first * dilation) / stride),
      deltaStep: -(every * dilation) / stride,
      count: fitting.length,
    };
  });
  return { outputs, sources, step: 1, phases };
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
