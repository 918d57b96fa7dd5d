/**
 * Convolutions and their input gradients straight from memory: one invocation holds several neighbours of a row for several channels in
 * registers, and loops over input channels and filter rows.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { columnTaps, type Gather, type Phase, rowMayBeOutside } from "./gather.ts";
import { decompose, uniformNumber } from "../shader/coordinates.ts";
import { finishFunction, lanesFor } from "../shader/epilogue.ts";
import { Columns } from "../shader/image_columns.ts";
import { type KernelCode, type KernelContext, Shader, type Target, u32 } from "../shader/shader.ts";
import { SharedLoads } from "../shader/uniform_loads.ts";

/** What one invocation computes. */
interface Tile {
  /** Neighbours of a row. */
  readonly columns: number;
  readonly channels: number;
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

/** The shader of a convolution or input gradient: everything but the two loops is unrolled. */
export function generateDirect(context: KernelContext<ConvKernel>, gather: Gather): KernelCode {
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
  const inside = [
    uniform.inside,
    exact ? undefined : `gid.x < ${total}u`,
    rows.outputs % rows.phases.length === 0 ? undefined : `${y} < ${rows.outputs}u`,
  ];
  shader.when(inside, () => {
    for (let c = 0; c < tile.channels; c++) {
      const inGroup = shader.define(`${channel} + ${c}u`, "c");
      const at = groups === 1 ? inGroup : shader.define(`${g} * ${outChannels}u + ${inGroup}`, "c");
      shader.when([outChannels % tile.channels === 0 ? undefined : `${inGroup} < ${outChannels}u`], () => {
        for (let t = 0; t < tile.columns; t += lanes) {
          const column = shader.define(`${x} + ${t}u`, "x");
          shader.when([columns.outputs % tile.columns === 0 ? undefined : `${column} < ${columns.outputs}u`], () => {
            finish(accumulators[c].slice(t, t + lanes), [b, at, y, column]);
          });
        }
      });
    }
  });
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
  shader.loop("0u", u32(inChannels), 1, (into) => {
    const plane = shader.define(`${planes} + ${into} * ${perPlane}u`, "a");
    const filterPlane = shader.define(`${filterBase} + ${into} * ${perIn}u`, "a");
    walk(({ y, tap, inside }) => {
      const loaded = loader.load(shader.define(`${plane} + ${y} * ${columns.sources}u`, "a"), inside);
      const factors = weights.at(shader.define(`${filterPlane} + ${tap} * ${perRow}u`, "a"));
      filterColumns.forEach((column, k) => {
        for (let t = 0; t < tile.columns; t++) {
          for (const { delta } of taps[t].filter(({ tap }) => tap === column)) {
            const { value } = loaded.get(delta)!;
            sums.forEach((row, c) => shader.line(`${row[t]} += ${value} * ${factors[c * filterColumns.length + k]};`));
          }
        }
      });
    });
  });
  return sums;
}

/** A source row, its filter row, and the condition that they exist, if it is in doubt. */
interface TapRow {
  readonly y: string;
  readonly tap: string;
  readonly inside: string | undefined;
}

/**
 * A writer of the loop over rows of taps. Rows outside are left out by its bounds, or, where a subgroup must stay together, count as
 * 0.
 */
function rowWalk(shader: Shader, gather: Gather, { q, phase, together }: Position): (body: (row: TapRow) => void) => void {
  const { rows } = gather;
  const most = Math.max(...rows.phases.map(({ count }) => count));
  const first = byPhase(shader, rows.phases, phase, ({ first }) => first);
  const delta = byPhase(shader, rows.phases, phase, ({ delta }) => delta);
  const { every, deltaStep } = rows.phases.find(({ count }) => count === most)!;
  const start = shader.define(`${q} * ${rows.step}u + ${delta}`, "y");
  const at = (i: string): TapRow => ({
    y: shader.define(`${start} + ${i} * ${u32(deltaStep)}`, "y"),
    tap: shader.define(`${first} + ${i} * ${every}u`, "k"),
    inside: undefined,
  });
  if (!rowMayBeOutside(gather)) {
    return (body) => most === 1 ? body(at("0u")) : shader.loop("0u", u32(most), 1, (i) => body(at(i)));
  }
  const count = byPhase(shader, rows.phases, phase, ({ count }) => count);
  if (together || shader.context.target.subgroupSize === 0) {
    const [from, to] = rowBounds(shader, rows.sources, start, deltaStep, count);
    return (body) => shader.loop(from, to, 1, (i) => body(at(i)));
  }
  // A phase with fewer taps than another reads its filter's last row once more.
  const last = Math.max(...rows.phases.map((p) => p.first + (p.count - 1) * p.every), 0);
  const clamped = (i: string): TapRow => {
    const { y, tap } = at(i);
    const inside = shader.define(`${y} < ${rows.sources}u && ${i} < ${count}`, "in");
    return { y: shader.define(`select(0u, ${y}, ${inside})`, "y"), tap: shader.define(`min(${tap}, ${last}u)`, "k"), inside };
  };
  return (body) => shader.loop("0u", u32(most), 1, (i) => body(clamped(i)));
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
