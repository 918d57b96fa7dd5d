/**
 * 2-d convolutions and their gradients.
 *
 * Forward and input gradient are one kernel: an output collects from the places its taps name. For the input gradient of a
 * convolution with stride s, outputs fall into s phases per axis that use different taps; within a phase it is a plain
 * convolution again. One invocation holds several neighbours of a row for several channels in registers.
 *
 * @module
 */
import type { Access, ConvKernel } from "../kernel.ts";
import { decompose, uniformNumber } from "./domain.ts";
import { generateFilterGrad } from "./conv_filter.ts";
import { generateTiledConv, suitsConvTiles } from "./conv_tiled.ts";
import { finishFunction, lanesFor } from "./points.ts";
import { Columns } from "./rows.ts";
import { SharedLoads } from "./shared_loads.ts";
import { type KernelCode, type KernelContext, Shader, type Target, u32 } from "./shader.ts";

/** The shaders of a convolution kernel. */
export function generateConv(context: KernelContext<ConvKernel>): KernelCode {
  if (!context.target.software && suitsConvTiles(context.kernel)) return generateTiledConv(context);
  return context.kernel.kind === "conv2dFilterGrad"
    ? generateFilterGrad(context)
    : generateGather(context, gatherOf(context.kernel));
}

/**
 * One axis of a gather: output position q * phases + r reads source position q * step + delta for each tap of phase r. The taps of
 * a phase are an arithmetic progression, as are their deltas.
 */
interface GatherAxis {
  readonly outputs: number;
  readonly sources: number;
  readonly step: number;
  readonly phases: readonly Phase[];
}

/** The taps of one phase: filter position first + i * every at source offset delta + i * deltaStep, for i < count. */
interface Phase {
  readonly first: number;
  readonly every: number;
  readonly delta: number;
  readonly deltaStep: number;
  readonly count: number;
}

/** A convolution as a gather: sizes and strides of both operands. */
interface Gather {
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

function gatherOf({ kind, geometry: g, lhs, rhs }: ConvKernel): Gather {
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
  const phases = Array.from({ length: stride }, (_, r): Phase => {
    const fitting = Array.from({ length: taps }, (_, k) => k).filter((k) => (r + before - k * dilation) % stride === 0);
    const first = fitting[0] ?? 0;
    const every = fitting.length > 1 ? fitting[1] - first : 1;
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

/** What one invocation computes. */
interface Tile {
  /** Neighbours of a row. */
  readonly columns: number;
  readonly channels: number;
}

/**
 * The tap columns of each output of a tile: (filter column, source delta). Where the tile is a whole row, taps outside the source are
 * left out.
 */
function columnTaps({ phases, step, outputs, sources }: GatherAxis, columns: number): { tap: number; delta: number }[][] {
  return Array.from({ length: columns }, (_, t) => {
    const { first, every, delta, deltaStep, count } = phases[t % phases.length];
    const q = Math.floor(t / phases.length);
    const taps = Array.from({ length: count }, (_, i) => ({ tap: first + i * every, delta: q * step + delta + i * deltaStep }));
    return columns === outputs ? taps.filter(({ delta }) => delta >= 0 && delta < sources) : taps;
  });
}

/** A rough cost of all tiles: loads, shared loads and multiplications in units of a multiplication. */
function tileCost(gather: Gather, { columns, channels }: Tile, target: Target): number {
  const taps = columnTaps(gather.columns, columns);
  const flat = taps.flat();
  const loads = new Set(flat.map(({ delta }) => delta)).size;
  const filterColumns = new Set(flat.map(({ tap }) => tap)).size;
  const [load, shared] = target.software ? [18, target.subgroupSize > 0 ? 3 : 18] : [6, 3];
  const perStep = loads * load + filterColumns * channels * shared + flat.length * channels + 10;
  const spills = columns * channels > mostAccumulators(target) ? Infinity : 1;
  return perStep * spills * Math.ceil(gather.columns.outputs / columns) * Math.ceil(gather.outChannels / channels);
}

function mostAccumulators(target: Target): number {
  return target.software ? 128 : 48;
}

/** Rows up to this length may be one tile. */
const mostRow = 16;

function chooseTile(gather: Gather, target: Target): Tile {
  const { phases, outputs } = gather.columns;
  let best: Tile = { columns: phases.length, channels: 1 };
  const widths = Array.from({ length: Math.ceil(8 / phases.length) }, (_, i) => (i + 1) * phases.length);
  if (outputs <= mostRow) widths.push(outputs);
  for (const columns of widths) {
    if (columns >= outputs + phases.length) break;
    for (const channels of [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24]) {
      if (channels > gather.outChannels) break;
      const tile = { columns, channels };
      if (tileCost(gather, tile, target) < tileCost(gather, best, target)) best = tile;
    }
  }
  return best;
}

/** The direct kernel: loops over input channels and filter rows, everything else unrolled. */
function generateGather(context: KernelContext<ConvKernel>, gather: Gather): KernelCode {
  const { kernel, target } = context;
  const { rows, columns, batch, groups, outChannels } = gather;
  const tile = chooseTile(gather, target);
  const rowsPerPhase = Math.ceil(rows.outputs / rows.phases.length);
  const tilesPerRow = Math.ceil(columns.outputs / tile.columns);
  const channelTiles = Math.ceil(outChannels / tile.channels);
  const total = batch * rowsPerPhase * tilesPerRow;
  const shader = new Shader(context, kernel.kind, [target.software ? 32 : 64, 1, 1]);
  const lanes = tile.columns % 4 === 0 && columns.outputs % tile.columns === 0 ? lanesFor(shader, kernel, columns.outputs) : 1;
  const finish = finishFunction(shader, kernel, 4, "f32", lanes);

  // Which row phase and which channels is the same for a whole workgroup, so that the filter is shared.
  const uniform = uniformNumber(shader, groups * channelTiles * rows.phases.length);
  const [g, channelTile, phase] = decompose(shader, uniform.id, [groups, channelTiles, rows.phases.length]);
  const channel = shader.define(`${channelTile} * ${tile.channels}u`, "c");
  const exact = total % shader.workgroupSize[0] === 0;
  const id = exact ? "gid.x" : shader.define(`min(gid.x, ${total - 1}u)`, "i");
  // Images in the lanes of a subgroup: all of them are at the same row, and skip the same taps.
  const { subgroupSize } = target;
  const together = subgroupSize > 0 && batch % subgroupSize === 0 && rowMayBeOutside(gather);
  const [b, q, group] = together
    ? rotated(decompose(shader, id, [rowsPerPhase, tilesPerRow, batch]))
    : decompose(shader, id, [batch, rowsPerPhase, tilesPerRow]);
  const x = shader.define(`${group} * ${tile.columns}u`, "x");
  const y = rows.phases.length === 1 ? q : shader.define(`${q} * ${rows.phases.length}u + ${phase}`, "y");

  const accumulators = accumulate(shader, gather, tile, { b, q, x, phase, g, channel, together });
  const guards = [
    uniform.inside,
    exact ? "" : `gid.x < ${total}u`,
    rows.outputs % rows.phases.length === 0 ? "" : `${y} < ${rows.outputs}u`,
  ].filter((text) => text);
  if (guards.length > 0) shader.line(`if (${guards.join(" && ")}) {`);
  for (let c = 0; c < tile.channels; c++) {
    const inGroup = `${channel} + ${c}u`;
    const at = groups === 1 ? inGroup : `${g} * ${outChannels}u + ${inGroup}`;
    const guarded = outChannels % tile.channels !== 0 && c > 0;
    if (guarded) shader.line(`if (${inGroup} < ${outChannels}u) {`);
    for (let t = 0; t < tile.columns; t += lanes) {
      const past = tilesPerRow * tile.columns > columns.outputs && t > 0;
      if (past) shader.line(`if (${x} + ${t}u < ${columns.outputs}u) {`);
      finish(accumulators[c].slice(t, t + lanes), [b, at, y, `${x} + ${t}u`]);
      if (past) shader.line("}");
    }
    if (guarded) shader.line("}");
  }
  if (guards.length > 0) shader.line("}");
  return { dispatches: [shader.finish([Math.ceil(total / shader.workgroupSize[0]), ...uniform.workgroups])], scratchBytes: 0 };
}

/** Where an invocation's tile is. */
interface Position {
  readonly b: string;
  readonly q: string;
  readonly x: string;
  readonly phase: string;
  readonly g: string;
  readonly channel: string;
  /** Whether all invocations of a subgroup are at the same row. */
  readonly together: boolean;
}

/** [a, b, c] as [c, a, b]. */
function rotated([a, b, c]: readonly string[]): string[] {
  return [c, a, b];
}

/** The sums of a tile, by channel and column. */
function accumulate(shader: Shader, gather: Gather, tile: Tile, at: Position): string[][] {
  const { rows, columns, source, filter, filterStrides, inChannels, outChannels, groups } = gather;
  const taps = columnTaps(columns, tile.columns);
  const filterColumns = [...new Set(taps.flat().map(({ tap }) => tap))].sort((a, b) => a - b);
  const sums = Array.from({ length: tile.channels }, (_, c) => Array.from({ length: tile.columns }, (_, t) => `s${c}_${t}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  if (rows.phases.every(({ count }) => count === 0) || filterColumns.length === 0) return sums;

  const tilesPerRow = Math.ceil(columns.outputs / tile.columns);
  const baseStep = tilesPerRow === 1 ? 0 : tile.columns / columns.phases.length * columns.step;
  const base = tilesPerRow === 1
    ? "0u"
    : columns.phases.length === 1 && columns.step === 1
    ? at.x
    : shader.define(`${at.x} / ${columns.phases.length}u * ${columns.step}u`, "x");
  const image = { image: source, width: columns.sources, maxBase: (tilesPerRow - 1) * baseStep, baseStep };
  const loader = new Columns(shader, { ...image, deltas: taps.flat().map(({ delta }) => delta) }, base);

  const perPlane = rows.sources * columns.sources;
  const planes = shader.define(
    `(${at.b} * ${groups * inChannels}u + ${at.g} * ${inChannels}u) * ${perPlane}u + ${u32(source.offset)}`,
    "a",
  );
  const [perGroup, perOut, perIn, perRow] = filterStrides;
  const filterBase = shader.define(`${at.g} * ${perGroup}u + ${u32(filter.offset)}`, "a");
  const weights = new SharedLoads(shader, filter.buffer, tile.channels * filterColumns.length, (index) => {
    const channel = `${at.channel} + ${index} / ${filterColumns.length}u`;
    const clamped = outChannels % tile.channels === 0 ? `(${channel})` : `min(${channel}, ${outChannels - 1}u)`;
    const column = filterColumns.length === 1
      ? `${filterColumns[0]}u`
      : nthColumn(filterColumns, `${index} % ${filterColumns.length}u`);
    return `${clamped} * ${perOut}u + ${column}`;
  });

  const walk = rowWalk(shader, gather, at);
  shader.line(`for (var into = 0u; into < ${inChannels}u; into++) {`);
  const plane = shader.define(`${planes} + into * ${perPlane}u`, "a");
  const filterPlane = shader.define(`${filterBase} + into * ${perIn}u`, "a");
  if (walk.loop) shader.line(walk.loop);
  const { y, tap, inside } = walk.here();
  const loaded = loader.load(shader.define(`${plane} + ${y} * ${columns.sources}u`, "a"), inside);
  const filterValues = weights.at(shader.define(`${filterPlane} + ${tap} * ${perRow}u`, "a"));
  for (let k = 0; k < filterColumns.length; k++) {
    for (let t = 0; t < tile.columns; t++) {
      for (const { tap, delta } of taps[t]) {
        if (tap !== filterColumns[k]) continue;
        for (let c = 0; c < tile.channels; c++) {
          shader.line(`${sums[c][t]} += ${loaded.get(delta)!.value} * ${filterValues[c * filterColumns.length + k]};`);
        }
      }
    }
  }
  if (walk.loop) shader.line("}");
  shader.line("}");
  return sums;
}

/** How the rows of taps are walked. */
interface RowWalk {
  /** The head of the loop, if there is more than one row. */
  readonly loop: string | undefined;
  /** Inside it: the source row, the filter row, and the condition that they exist, if it is in doubt. */
  here(): { y: string; tap: string; inside: string | undefined };
}

/** Whether some taps of some rows lie outside the source, or phases differ in the number of taps. */
function rowMayBeOutside({ rows }: Gather): boolean {
  const most = Math.max(...rows.phases.map(({ count }) => count));
  const deltas = rows.phases.flatMap((p) => Array.from({ length: most }, (_, i) => p.delta + i * p.deltaStep));
  const highest = (Math.ceil(rows.outputs / rows.phases.length) - 1) * rows.step + Math.max(...deltas);
  return Math.min(...deltas) < 0 || highest >= rows.sources || rows.phases.some(({ count }) => count !== most);
}

/** Rows outside are left out by the bounds of the loop, or, where a subgroup must stay together, count as 0. */
function rowWalk(shader: Shader, gather: Gather, { q, phase, together }: Position): RowWalk {
  const { rows } = gather;
  const most = Math.max(...rows.phases.map(({ count }) => count));
  const first = byPhase(shader, rows.phases, phase, ({ first }) => first);
  const delta = byPhase(shader, rows.phases, phase, ({ delta }) => delta);
  const { every, deltaStep } = rows.phases.find(({ count }) => count === most)!;
  const start = shader.define(`${q} * ${rows.step}u + ${delta}`, "y");
  const at = (i: string) => ({
    y: shader.define(`${start} + ${i} * ${u32(deltaStep)}`, "y"),
    tap: shader.define(`${first} + ${i} * ${every}u`, "k"),
    inside: undefined,
  });
  if (!rowMayBeOutside(gather)) {
    return most === 1
      ? { loop: undefined, here: () => at("0u") }
      : { loop: `for (var i = 0u; i < ${most}u; i++) {`, here: () => at("i") };
  }
  const count = byPhase(shader, rows.phases, phase, ({ count }) => count);
  if (together || shader.context.target.subgroupSize === 0) {
    const [from, to] = rowBounds(shader, rows.sources, start, deltaStep, count);
    return { loop: `for (var i = ${from}; i < ${to}; i++) {`, here: () => at("i") };
  }
  // A phase with fewer taps than another reads its filter's last row once more.
  const last = Math.max(...rows.phases.map((p) => p.first + (p.count - 1) * p.every), 0);
  const here = (): ReturnType<RowWalk["here"]> => {
    const { y, tap } = at("i");
    const inside = shader.define(`${y} < ${rows.sources}u && i < ${count}`, "in");
    return { y: shader.define(`select(0u, ${y}, ${inside})`, "y"), tap: shader.define(`min(${tap}, ${last}u)`, "k"), inside };
  };
  return { loop: `for (var i = 0u; i < ${most}u; i++) {`, here };
}

/** The taps i in [from, to) with 0 <= start + i step < sources and i < count. */
function rowBounds(shader: Shader, sources: number, start: string, step: number, count: string): [from: string, to: string] {
  const y = shader.define(`bitcast<i32>(${start})`, "y");
  const stride = Math.max(1, Math.abs(step));
  const up = (text: string) => `(max(0, ${text}) + ${stride - 1}) / ${stride}`;
  const [from, to] = step >= 0 ? [up(`-${y}`), up(`${sources} - ${y}`)] : [up(`${y} - ${sources - 1}`), up(`${y} + 1`)];
  return [shader.define(`u32(${from})`, "i"), shader.define(`min(u32(${to}), ${count})`, "i")];
}

/** The n-th of ascending filter columns, which step evenly (or are few). */
function nthColumn(columns: readonly number[], n: string): string {
  const step = columns[1] - columns[0];
  if (columns.every((column, i) => column === columns[0] + i * step)) return `(${columns[0]}u + (${n}) * ${step}u)`;
  return columns.slice(1).reduce((text, column, i) => `select(${text}, ${column}u, (${n}) == ${i + 1}u)`, `${columns[0]}u`);
}

/** A number that depends on the phase. */
function byPhase(shader: Shader, phases: readonly Phase[], phase: string, value: (phase: Phase) => number): string {
  const values = phases.map(value);
  if (values.every((v) => v === values[0])) return u32(values[0]);
  return shader.define(
    values.slice(1).reduce((text, v, i) => `select(${text}, ${u32(v)}, ${phase} == ${i + 1}u)`, u32(values[0])),
  );
}
