/**
 * The gradient of a convolution with respect to its filter: products of input and output gradient summed over batch and pixels.
 *
 * An invocation holds one filter row (an input channel and a row of taps) for several output channels, and walks rows of the
 * images. There are few filter elements and many pixels, so the rows are shared out in parts, which a second dispatch adds up.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { decompose, uniformNumber } from "../shader/coordinates.ts";
import { scratchStore, withParts } from "../shader/partial_sums.ts";
import { finishFunction } from "../shader/epilogue.ts";
import { Columns } from "../shader/image_columns.ts";
import { SharedLoads } from "../shader/uniform_loads.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "../shader/shader.ts";

/** How the work is shared out. */
interface Plan {
  /** Output channels of one invocation. */
  readonly channels: number;
  /** Pixels of an output row that are unrolled. */
  readonly pixels: number;
  readonly parts: number;
  readonly rowsPerPart: number;
}

/** The shaders of a filter gradient. */
export function generateDirectFilterGrad(context: KernelContext<ConvKernel>): KernelCode {
  const plan = planFor(context.kernel, context.target);
  return withParts(context, products(context, plan), plan.parts);
}

function planFor({ geometry: g }: ConvKernel, target: Target): Plan {
  const accumulators = target.software ? 96 : 40;
  const outChannels = g.o / g.groups;
  const channels = evenShare(outChannels, Math.max(1, Math.floor(accumulators / g.kw)));
  const pixels = evenShare(g.ow, Math.max(1, Math.min(8, Math.floor(800 / (channels * g.kw)))));
  const rows = g.n * g.oh;
  const invocations = filterRows(g, target) * g.groups * Math.ceil(outChannels / channels);
  const wanted = Math.ceil((target.software ? 2048 : 131072) / invocations);
  // The second dispatch reads every part: not more than the first saves by them.
  const most = target.software ? 32 : 256;
  const parts = Math.max(1, Math.min(wanted, rows, most));
  const rowsPerPart = Math.ceil(rows / parts);
  return { channels, pixels, parts: Math.ceil(rows / rowsPerPart), rowsPerPart };
}

/** The share, at most `most`, that leaves the least over when `total` is cut into such shares. */
function evenShare(total: number, most: number): number {
  return Math.ceil(total / Math.ceil(total / Math.min(most, total)));
}

/** Filter rows of a group (input channel and filter row), padded so that a subgroup works on one part. */
function filterRows({ c, groups, kh }: ConvKernel["geometry"], { subgroupSize }: Target): number {
  const step = subgroupSize || 1;
  return Math.ceil(c / groups * kh / step) * step;
}

function products(context: KernelContext<ConvKernel>, plan: Plan): Dispatch {
  const { kernel, target } = context;
  const { geometry: g } = kernel;
  const { channels, parts } = plan;
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const used = inside.c * g.kh;
  const padded = filterRows(g, target);
  const total = padded * parts;
  const shader = new Shader(context, kernel.kind, [target.software ? 32 : 64, 1, 1]);
  const finish = parts === 1 ? finishFunction(shader, kernel, 4, "f32", 1) : scratchStore(shader, kernel.shape);
  const uniform = uniformNumber(shader, g.groups * Math.ceil(inside.o / channels));
  const [group, channelTile] = decompose(shader, uniform.id, [g.groups, Math.ceil(inside.o / channels)]);
  const channel = shader.define(`${channelTile} * ${channels}u`, "c");
  const id = shader.define(`min(gid.x, ${total - 1}u)`, "i");
  const [part, filterRow] = decompose(shader, id, [parts, padded]);
  const clamped = padded === used ? filterRow : shader.define(`min(${filterRow}, ${used - 1}u)`, "i");
  const [c, ky] = decompose(shader, clamped, [inside.c, g.kh]);

  const sums = Array.from({ length: channels }, (_, o) => Array.from({ length: g.kw }, (_, k) => `s${o}_${k}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  addPixels(shader, kernel, plan, sums, { part, group, channel, c, ky });

  const exists = [uniform.inside, `gid.x < ${total}u`, padded === used ? undefined : `${filterRow} < ${used}u`];
  shader.when(exists, () => {
    sums.forEach((row, o) => {
      const inGroup = shader.define(`${channel} + ${o}u`, "c");
      const at = shader.define(`${group} * ${inside.o}u + ${inGroup}`, "c");
      shader.when([inside.o % channels === 0 ? undefined : `${inGroup} < ${inside.o}u`], () => {
        row.forEach((sum, k) => finish([sum], [at, c, ky, `${k}u`, ...(parts === 1 ? [] : [part])]));
      });
    });
  });
  return shader.finish([Math.ceil(total / shader.workgroupSize[0]), ...uniform.workgroups]);
}

/** What an invocation computes. */
interface Position {
  readonly part: string;
  readonly group: string;
  /** The first output channel, within its group. */
  readonly channel: string;
  /** The filter row: input channel, within its group, and row of taps. */
  readonly c: string;
  readonly ky: string;
}

/** Walks the pixels of a part: its rows, each in tiles. */
function addPixels(shader: Shader, kernel: ConvKernel, plan: Plan, sums: readonly string[][], at: Position): void {
  const { geometry: g, operands: [image, gradient] } = kernel;
  const { pixels, rowsPerPart } = plan;
  const tiles = Math.ceil(g.ow / pixels);
  const factors = sharedGradients(shader, kernel, plan, at);
  const firstRow = shader.define(`${at.part} * ${rowsPerPart}u`, "row");
  shader.loop("0u", u32(rowsPerPart), 1, (step) => {
    const { b, oy, y, inside } = rowOf(shader, g, rowsPerPart, shader.define(`${firstRow} + ${step}`, "row"), at.ky);
    const plane = `(${b} * ${g.c}u + ${at.group} * ${g.c / g.groups}u + ${at.c}) * ${g.h * g.w}u`;
    const imageRow = shader.define(`${plane} + ${y} * ${g.w}u + ${u32(image.offset)}`, "a");
    const gradientRow = shader.define(`${b} * ${g.o * g.oh * g.ow}u + ${oy} * ${g.ow}u + ${u32(gradient.offset)}`, "a");
    const tile = (first: string): void => {
      const row = { image: imageRow, gradient: gradientRow, inside };
      addTile(shader, kernel, plan, sums, factors, row, first);
    };
    if (tiles === 1) tile("0u");
    else shader.loop("0u", u32(tiles), 1, (number) => tile(shader.define(`${number} * ${pixels}u`, "x")));
  });
}

/** The row of all images' output rows that a number stands for; y is its image row under a row of taps, if that is inside. */
function rowOf(
  shader: Shader,
  g: ConvKernel["geometry"],
  rowsPerPart: number,
  number: string,
  ky: string,
): { b: string; oy: string; y: string; inside: string | undefined } {
  const rows = g.n * g.oh;
  const past = rows % rowsPerPart === 0 ? undefined : shader.define(`${number} < ${rows}u`, "in");
  const [b, oy] = decompose(shader, past ? shader.define(`min(${number}, ${rows - 1}u)`, "row") : number, [g.n, g.oh]);
  const y = shader.define(`${oy} * ${g.stride[0]}u + ${ky} * ${g.dilation[0]}u + ${u32(-g.padding.top)}`, "y");
  const reach = (g.oh - 1) * g.stride[0] + (g.kh - 1) * g.dilation[0] - g.padding.top;
  const vertical = g.padding.top > 0 || reach >= g.h ? `${y} < ${g.h}u` : undefined;
  const conditions = [past, vertical].filter((condition) => condition !== undefined);
  if (conditions.length === 0) return { b, oy, y, inside: undefined };
  const inside = shader.define(conditions.join(" && "), "in");
  return { b, oy, y: shader.define(`select(0u, ${y}, ${inside})`, "y"), inside };
}

/** Addresses of the two rows being multiplied, and whether the image's is real. */
interface RowPair {
  readonly image: string;
  readonly gradient: string;
  readonly inside: string | undefined;
}

/** Multiplies the pixels of a tile. */
function addTile(
  shader: Shader,
  { geometry: g, operands: [lhs] }: ConvKernel,
  { channels, pixels }: Plan,
  sums: readonly string[][],
  factors: SharedLoads,
  row: RowPair,
  first: string,
): void {
  const tiles = Math.ceil(g.ow / pixels);
  const deltas = Array.from({ length: pixels }, (_, p) => {
    return Array.from({ length: g.kw }, (_, k) => p * g.stride[1] + k * g.dilation[1] - g.padding.left);
  });
  const baseStep = tiles === 1 ? 0 : pixels * g.stride[1];
  const columns = { image: lhs, width: g.w, maxBase: (tiles - 1) * baseStep, baseStep, deltas: deltas.flat() };
  const base = tiles === 1 ? "0u" : shader.define(`${first} * ${g.stride[1]}u`, "x");
  const loaded = new Columns(shader, columns, base).load(row.image, row.inside);
  const gradients = factors.at(shader.define(`${row.gradient} + ${first}`, "a"));
  for (let p = 0; p < pixels; p++) {
    // Past the end of a row both factors are foreign, and may be NaN: both are replaced.
    const exists = (tiles - 1) * pixels + p < g.ow ? undefined : shader.define(`${first} + ${p}u < ${g.ow}u`, "in");
    const kept = (value: string) => exists ? shader.define(`select(0.0, ${value}, ${exists})`) : value;
    const ours = Array.from({ length: channels }, (_, o) => kept(gradients[o * pixels + p]));
    deltas[p].forEach((delta, k) => {
      const x = kept(loaded.get(delta)!.value);
      ours.forEach((factor, o) => shader.line(`${sums[o][k]} += ${x} * ${factor};`));
    });
  }
}

/** The output gradient of a tile: all channels, some pixels of one row. */
function sharedGradients(
  shader: Shader,
  { geometry: g, operands: [, rhs] }: ConvKernel,
  plan: Plan,
  { group, channel }: Position,
): SharedLoads {
  const { channels, pixels } = plan;
  const outChannels = g.o / g.groups;
  return new SharedLoads(shader, rhs.buffer, channels * pixels, (index) => {
    const at = `${channel} + ${index} / ${pixels}u`;
    const clamped = outChannels % channels === 0 ? at : `min(${at}, ${outChannels - 1}u)`;
    return `(${group} * ${outChannels}u + ${clamped}) * ${g.oh * g.ow}u + ${index} % ${pixels}u`;
  });
}
