/**
 * Convolutions and their input gradients straight from memory: one invocation holds several neighbours of a row for several channels in
 * registers, and loops over input channels and filter rows.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { gathersOutside, gatherTaps } from "../../../../ir/windows.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { decompose } from "../shader/coordinates.ts";
import { epilogueFunction, epilogueLanes } from "../shader/epilogue.ts";
import { ImageColumns } from "../shader/image_columns.ts";
import { workgroupPlane } from "../shader/invocations.ts";
import { Shader, u32 } from "../shader/shader.ts";
import { UniformLoads } from "../shader/uniform_loads.ts";
import { chooseTile, type Tile } from "./direct_tile.ts";
import type { Gather } from "./gather.ts";
import { type OutputRow, rowLoop } from "./row_taps.ts";

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
  const lanes = tile.columns % 4 === 0 && columns.outputs % tile.columns === 0
    ? epilogueLanes(shader, kernel, columns.outputs)
    : 1;
  const epilogue = epilogueFunction(shader, kernel, 4, "f32", lanes);

  // Which row phase and which channels is the same for a whole workgroup, so that filters are loaded uniformly.
  const across = Math.ceil(total / shader.workgroupSize[0]);
  const uniform = workgroupPlane(shader, across, groups * channelTiles * rows.phases.length);
  const [g, channelTile, phase] = decompose(shader, uniform.id, [groups, channelTiles, rows.phases.length]);
  const channel = shader.define(`${channelTile} * ${tile.channels}u`, "c");
  const exact = total % shader.workgroupSize[0] === 0;
  const id = exact ? uniform.invocation : shader.define(`min(${uniform.invocation}, ${total - 1}u)`, "i");
  const isUniform = imagesFillSubgroups(gather, target.subgroupSize);
  const [b, q, columnTile] = isUniform
    ? rotated(decompose(shader, id, [rowsPerPhase, tilesPerRow, batch]))
    : decompose(shader, id, [batch, rowsPerPhase, tilesPerRow]);
  const x = shader.define(`${columnTile} * ${tile.columns}u`, "x");
  const y = rows.phases.length === 1 ? q : shader.define(`${q} * ${rows.phases.length}u + ${phase}`, "y");

  const sums = sumTile(shader, gather, tile, { b, q, x, phase, g, channel, isUniform });
  const inside = [
    uniform.inside,
    exact ? undefined : `${uniform.invocation} < ${total}u`,
    rows.outputs % rows.phases.length === 0 ? undefined : `${y} < ${rows.outputs}u`,
  ];
  shader.when(inside, () => {
    forEachOutput(shader, gather, tile, lanes, { g, channel, x }, (c, t, outChannel, column) => {
      epilogue(sums[c].slice(t, t + lanes), [b, outChannel, y, column]);
    });
  });
  return singleDispatch(shader.dispatch(uniform.workgroups));
}

/** Whether the lanes of a subgroup are best images: all of them are then at the same row, and skip the same taps. */
function imagesFillSubgroups(gather: Gather, subgroupSize: number): boolean {
  return subgroupSize > 0 && gather.batch % subgroupSize === 0 && gathersOutside(gather.rows);
}

/** [a, b, c] as [c, a, b]. */
function rotated([a, b, c]: readonly string[]): string[] {
  return [c, a, b];
}

/** Where an invocation's tile begins. */
interface TileOrigin {
  readonly g: string;
  /** Within the group. */
  readonly channel: string;
  readonly x: string;
}

/** Writes `store` for the outputs of a tile that exist: channel c and columns t to t + lanes of it. */
function forEachOutput(
  shader: Shader,
  { columns, groups, outChannels }: Gather,
  tile: Tile,
  lanes: number,
  { g, channel, x }: TileOrigin,
  store: (c: number, t: number, outChannel: string, column: string) => void,
): void {
  for (let c = 0; c < tile.channels; c++) {
    const inGroup = shader.define(`${channel} + ${c}u`, "c");
    const outChannel = groups === 1 ? inGroup : shader.define(`${g} * ${outChannels}u + ${inGroup}`, "c");
    shader.when([outChannels % tile.channels === 0 ? undefined : `${inGroup} < ${outChannels}u`], () => {
      for (let t = 0; t < tile.columns; t += lanes) {
        const column = shader.define(`${x} + ${t}u`, "x");
        const exists = columns.outputs % tile.columns === 0 ? undefined : `${column} < ${columns.outputs}u`;
        shader.when([exists], () => store(c, t, outChannel, column));
      }
    });
  }
}

/** What an invocation sums: its tile of an output row of an image. */
interface Position extends TileOrigin, OutputRow {
  readonly b: string;
}

/** Writes the sums of a tile; returns their names by channel and column. */
function sumTile(shader: Shader, gather: Gather, tile: Tile, at: Position): string[][] {
  const { rows, columns, source, inChannels, groups, filterStrides: [, , perIn, perRow] } = gather;
  const taps = gatherTaps(columns, tile.columns);
  const filterColumns = [...new Set(taps.flat().map(({ tap }) => tap))].sort((a, b) => a - b);
  const sums = Array.from({ length: tile.channels }, (_, c) => Array.from({ length: tile.columns }, (_, t) => `s${c}_${t}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  if (rows.phases.every(({ count }) => count === 0) || filterColumns.length === 0) return sums;

  const sourceColumns = columnsOf(shader, gather, tile, taps.flat().map(({ delta }) => delta), at.x);
  const perPlane = rows.sources * columns.sources;
  const planes = shader.define(
    `(${at.b} * ${groups * inChannels}u + ${at.g} * ${inChannels}u) * ${perPlane}u + ${u32(source.offset)}`,
    "a",
  );
  const filter = filterLoads(shader, gather, tile, filterColumns, at);
  const loop = rowLoop(shader, gather, at);
  shader.loop("0u", u32(inChannels), 1, (into) => {
    const plane = shader.define(`${planes} + ${into} * ${perPlane}u`, "a");
    const filterPlane = shader.define(`${filter.base} + ${into} * ${perIn}u`, "a");
    loop(({ y, tap, inside }) => {
      const loaded = sourceColumns.load(shader.define(`${plane} + ${y} * ${columns.sources}u`, "a"), inside);
      const weights = filter.loads.at(shader.define(`${filterPlane} + ${tap} * ${perRow}u`, "a"));
      filterColumns.forEach((column, k) => {
        for (let t = 0; t < tile.columns; t++) {
          for (const { delta } of taps[t].filter(({ tap }) => tap === column)) {
            const { value } = loaded.get(delta)!;
            sums.forEach((row, c) => shader.line(`${row[t]} += ${value} * ${weights[c * filterColumns.length + k]};`));
          }
        }
      });
    });
  });
  return sums;
}

/** The source columns that a tile at output column x needs. */
function columnsOf(shader: Shader, { columns, source }: Gather, tile: Tile, deltas: readonly number[], x: string): ImageColumns {
  const tilesPerRow = Math.ceil(columns.outputs / tile.columns);
  const baseStep = tilesPerRow === 1 ? 0 : tile.columns / columns.phases.length * columns.step;
  const base = tilesPerRow === 1
    ? "0u"
    : columns.phases.length === 1 && columns.step === 1
    ? x
    : shader.define(`${x} / ${columns.phases.length}u * ${columns.step}u`, "x");
  const maxBase = (tilesPerRow - 1) * baseStep;
  return new ImageColumns(shader, { image: source, width: columns.sources, maxBase, baseStep, deltas }, base);
}

/** A row of taps for all channels of a tile: loads by channel and column, from `base` on. */
function filterLoads(
  shader: Shader,
  { filter, filterStrides: [perGroup, perOut], outChannels }: Gather,
  tile: Tile,
  columns: readonly number[],
  at: TileOrigin,
): { readonly base: string; readonly loads: UniformLoads } {
  const base = shader.define(`${at.g} * ${perGroup}u + ${u32(filter.offset)}`, "a");
  const loads = new UniformLoads(shader, filter.buffer, tile.channels * columns.length, (index) => {
    const channel = `${at.channel} + ${index} / ${columns.length}u`;
    const clamped = outChannels % tile.channels === 0 ? `(${channel})` : `min(${channel}, ${outChannels - 1}u)`;
    const column = columns.length === 1 ? `${columns[0]}u` : nthColumn(columns, `${index} % ${columns.length}u`);
    return `${clamped} * ${perOut}u + ${column}`;
  });
  return { base, loads };
}

/** The n-th of ascending filter columns, which step evenly (or are few). */
function nthColumn(columns: readonly number[], n: string): string {
  const step = columns[1] - columns[0];
  if (columns.every((column, i) => column === columns[0] + i * step)) return `(${columns[0]}u + (${n}) * ${step}u)`;
  return columns.slice(1).reduce((text, column, i) => `select(${text}, ${column}u, (${n}) == ${i + 1}u)`, `${columns[0]}u`);
}
