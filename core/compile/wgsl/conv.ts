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
import { finishFunction, lanesFor } from "./points.ts";
import { Columns } from "./rows.ts";
import { SharedLoads } from "./shared_loads.ts";
import { type KernelCode, type KernelContext, Shader, type Target, u32 } from "./shader.ts";

/** The shaders of a convolution kernel. */
export function generateConv(context: KernelContext<ConvKernel>): KernelCode {
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

/** The tap columns of each output of a tile: (filter column, source delta). */
function columnTaps({ phases, step }: GatherAxis, columns: number): { tap: number; delta: number }[][] {
  return Array.from({ length: columns }, (_, t) => {
    const { first, every, delta, deltaStep, count } = phases[t % phases.length];
    const q = Math.floor(t / phases.length);
    return Array.from({ length: count }, (_, i) => ({ tap: first + i * every, delta: q * step + delta + i * deltaStep }));
  });
}

/** A rough cost of all tiles: loads, shared loads and multiplications in units of a multiplication. */
function tileCost(gather: Gather, { columns, channels }: Tile, target: Target): number {
  const taps = columnTaps(gather.columns, columns);
  const flat = taps.flat();
  const loads = new Set(flat.map(({ delta }) => delta)).size;
  const filterColumns = new Set(flat.map(({ tap }) => tap)).size;
  const [load, shared] = target.software ? [16, target.subgroupSize > 0 ? 3.5 : 16] : [6, 3];
  const perStep = loads * load + filterColumns * channels * shared + flat.length * channels + 10;
  const spills = columns * channels > mostAccumulators(target) ? Infinity : 1;
  return perStep * spills * Math.ceil(gather.columns.outputs / columns) * Math.ceil(gather.outChannels / channels);
}

function mostAccumulators(target: Target): number {
  return target.software ? 96 : 48;
}

function chooseTile(gather: Gather, target: Target): Tile {
  const { phases, outputs } = gather.columns;
  let best: Tile = { columns: phases.length, channels: 1 };
  for (let columns = phases.length; columns <= Math.max(8, phases.length); columns += phases.length) {
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
  const [b, q, group] = decompose(shader, id, [batch, rowsPerPhase, tilesPerRow]);
  const x = shader.define(`${group} * ${tile.columns}u`, "x");
  const y = rows.phases.length === 1 ? q : shader.define(`${q} * ${rows.phases.length}u + ${phase}`, "y");

  const accumulators = accumulate(shader, gather, tile, { b, q, x, phase, g, channel });
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
}

/** The sums of a tile, by channel and column. */
function accumulate(shader: Shader, gather: Gather, tile: Tile, at: Position): string[][] {
  const { rows, columns, source, filter, filterStrides, inChannels, outChannels, groups } = gather;
  const taps = columnTaps(columns, tile.columns);
  const filterColumns = [...new Set(taps.flat().map(({ tap }) => tap))].sort((a, b) => a - b);
  const sums = Array.from({ length: tile.channels }, (_, c) => Array.from({ length: tile.columns }, (_, t) => `s${c}_${t}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  const most = Math.max(...rows.phases.map(({ count }) => count));
  if (most === 0 || filterColumns.length === 0 || inChannels === 0) return sums;

  const tilesPerRow = Math.ceil(columns.outputs / tile.columns);
  const baseStep = tile.columns / columns.phases.length * columns.step;
  const base = columns.phases.length === columns.step && columns.step === 1
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

  const first = byPhase(shader, rows.phases, at.phase, ({ first }) => first);
  const delta = byPhase(shader, rows.phases, at.phase, ({ delta }) => delta);
  const { every, deltaStep } = rows.phases.find(({ count }) => count === most)!;
  const start = shader.define(`${at.q} * ${rows.step}u + ${delta}`, "y");
  shader.line(`for (var into = 0u; into < ${inChannels}u; into++) {`);
  const plane = shader.define(`${planes} + into * ${perPlane}u`, "a");
  const filterPlane = shader.define(`${filterBase} + into * ${perIn}u`, "a");
  const looped = most > 1;
  if (looped) shader.line(`for (var i = 0u; i < ${most}u; i++) {`);
  const i = looped ? "i" : "0u";
  const y = shader.define(`${start} + ${i} * ${u32(deltaStep)}`, "y");
  const tap = shader.define(`${first} + ${i} * ${every}u`, "k");
  const inside = rowCondition(shader, gather, most, at.phase, y, i);
  const clampedRow = inside ? shader.define(`select(0u, ${y}, ${inside})`, "y") : y;
  // A phase with fewer taps than another reads its filter's last row once more; its source row counts as outside.
  const lastTap = Math.max(...rows.phases.map((phase) => phase.first + (phase.count - 1) * phase.every), 0);
  const uneven = rows.phases.some(({ count }) => count !== most);
  const clampedTap = uneven ? shader.define(`min(${tap}, ${lastTap}u)`, "k") : tap;
  const loaded = loader.load(shader.define(`${plane} + ${clampedRow} * ${columns.sources}u`, "a"), inside);
  const filterValues = weights.at(shader.define(`${filterPlane} + ${clampedTap} * ${perRow}u`, "a"));
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
  if (looped) shader.line("}");
  shader.line("}");
  return sums;
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

/** The condition that a source row exists, if that is in doubt. */
function rowCondition(shader: Shader, { rows }: Gather, most: number, phase: string, y: string, i: string): string | undefined {
  const conditions: string[] = [];
  const rowsPerPhase = Math.ceil(rows.outputs / rows.phases.length);
  const deltas = rows.phases.flatMap((p) => Array.from({ length: most }, (_, i) => p.delta + i * p.deltaStep));
  const lowest = Math.min(...deltas);
  const highest = (rowsPerPhase - 1) * rows.step + Math.max(...deltas);
  if (lowest < 0 || highest >= rows.sources) conditions.push(`${y} < ${rows.sources}u`);
  if (rows.phases.some(({ count }) => count !== most)) {
    conditions.push(`${i} < ${byPhase(shader, rows.phases, phase, ({ count }) => count)}`);
  }
  return conditions.length > 0 ? shader.define(conditions.join(" && "), "in") : undefined;
}
