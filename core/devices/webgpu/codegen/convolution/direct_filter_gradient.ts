/**
 * The gradient of a convolution with respect to its filter: products of input and output gradient summed over batch and pixels.
 *
 * An invocation holds one filter row (an input channel and a row of taps) for several output channels, and goes through rows of the
 * images. There are few filter elements and many pixels, so the sums are split by image rows, and a second dispatch adds them up.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { inputAt, staysInside, windowAxes } from "../../../../ir/windows.ts";
import type { Dispatch, KernelCode, KernelContext } from "../kernel_code.ts";
import { decompose } from "../shader/coordinates.ts";
import { ImageColumns } from "../shader/image_columns.ts";
import { workgroupPlane } from "../shader/invocations.ts";
import { sumWriter, withPartialSums } from "../shader/partial_sums.ts";
import { Shader, u32 } from "../shader/shader.ts";
import { UniformLoads } from "../shader/uniform_loads.ts";
import { type FilterGradientPlan, planFilterGradient } from "./direct_filter_gradient_plan.ts";
import { channelsPerGroup } from "./gather.ts";

/** The shaders of a filter gradient. */
export function generateDirectFilterGradient(context: KernelContext<ConvKernel>): KernelCode {
  const plan = planFilterGradient(context.kernel.geometry, context.target);
  return withPartialSums(context, dispatchProducts(context, plan), plan.splits);
}

function dispatchProducts(context: KernelContext<ConvKernel>, plan: FilterGradientPlan): Dispatch {
  const { kernel, target } = context;
  const { geometry: g } = kernel;
  const { channels, paddedRows, splits } = plan;
  const inGroup = channelsPerGroup(g);
  const usedRows = inGroup.c * g.kh;
  const total = paddedRows * splits;
  const shader = new Shader(context, kernel.kind, [target.software ? 32 : 64, 1, 1]);
  const writeSums = sumWriter(shader, kernel, splits, 1);
  const across = Math.ceil(total / shader.workgroupSize[0]);
  const uniform = workgroupPlane(shader, across, g.groups * Math.ceil(inGroup.o / channels));
  const [group, channelTile] = decompose(shader, uniform.id, [g.groups, Math.ceil(inGroup.o / channels)]);
  const channel = shader.define(`${channelTile} * ${channels}u`, "c");
  const id = shader.define(`min(${uniform.invocation}, ${total - 1}u)`, "i");
  const [split, filterRow] = decompose(shader, id, [splits, paddedRows]);
  const clamped = paddedRows === usedRows ? filterRow : shader.define(`min(${filterRow}, ${usedRows - 1}u)`, "i");
  const [c, ky] = decompose(shader, clamped, [inGroup.c, g.kh]);

  const sums = Array.from({ length: channels }, (_, o) => Array.from({ length: g.kw }, (_, k) => `s${o}_${k}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  addPixels(shader, kernel, plan, sums, { split, group, channel, c, ky });

  const exists = [
    uniform.inside,
    `${uniform.invocation} < ${total}u`,
    paddedRows === usedRows ? undefined : `${filterRow} < ${usedRows}u`,
  ];
  shader.when(exists, () => {
    sums.forEach((row, o) => {
      const channelInGroup = shader.define(`${channel} + ${o}u`, "c");
      const at = shader.define(`${group} * ${inGroup.o}u + ${channelInGroup}`, "c");
      shader.when([inGroup.o % channels === 0 ? undefined : `${channelInGroup} < ${inGroup.o}u`], () => {
        row.forEach((sum, k) => writeSums([sum], [at, c, ky, `${k}u`], split));
      });
    });
  });
  return shader.dispatch(uniform.workgroups);
}

/** What an invocation computes. */
interface Position {
  readonly split: string;
  readonly group: string;
  /** The first output channel, within its group. */
  readonly channel: string;
  /** The filter row: input channel, within its group, and row of taps. */
  readonly c: string;
  readonly ky: string;
}

/** Writes the loops over the pixels of a split: its rows, each in tiles. */
function addPixels(shader: Shader, kernel: ConvKernel, plan: FilterGradientPlan, sums: readonly string[][], at: Position): void {
  const { geometry: g, operands: [image, gradient] } = kernel;
  const { pixels, rowsPerSplit } = plan;
  const tiles = Math.ceil(g.ow / pixels);
  const factors = sharedGradients(shader, kernel, plan, at);
  const firstRow = shader.define(`${at.split} * ${rowsPerSplit}u`, "row");
  shader.loop("0u", u32(rowsPerSplit), 1, (step) => {
    const { b, oy, y, inside } = rowOf(shader, g, rowsPerSplit, shader.define(`${firstRow} + ${step}`, "row"), at.ky);
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
  rowsPerSplit: number,
  number: string,
  ky: string,
): { b: string; oy: string; y: string; inside: string | undefined } {
  const rows = g.n * g.oh;
  const past = rows % rowsPerSplit === 0 ? undefined : shader.define(`${number} < ${rows}u`, "in");
  const [b, oy] = decompose(shader, past ? shader.define(`min(${number}, ${rows - 1}u)`, "row") : number, [g.n, g.oh]);
  const y = shader.define(`${oy} * ${g.stride[0]}u + ${ky} * ${g.dilation[0]}u + ${u32(-g.padding.top)}`, "y");
  const vertical = staysInside(windowAxes(g)[0]) ? undefined : `${y} < ${g.h}u`;
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
  { channels, pixels }: FilterGradientPlan,
  sums: readonly string[][],
  factors: UniformLoads,
  row: RowPair,
  first: string,
): void {
  const tiles = Math.ceil(g.ow / pixels);
  const deltas = Array.from({ length: pixels }, (_, p) => {
    return Array.from({ length: g.kw }, (_, k) => inputAt(windowAxes(g)[1], p, k));
  });
  const baseStep = tiles === 1 ? 0 : pixels * g.stride[1];
  const columns = { image: lhs, width: g.w, maxBase: (tiles - 1) * baseStep, baseStep, deltas: deltas.flat() };
  const base = tiles === 1 ? "0u" : shader.define(`${first} * ${g.stride[1]}u`, "x");
  const loaded = new ImageColumns(shader, columns, base).load(row.image, row.inside);
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
  plan: FilterGradientPlan,
  { group, channel }: Position,
): UniformLoads {
  const { channels, pixels } = plan;
  const outChannels = g.o / g.groups;
  return new UniformLoads(shader, rhs.buffer, channels * pixels, (index) => {
    const at = `${channel} + ${index} / ${pixels}u`;
    const clamped = outChannels % channels === 0 ? at : `min(${at}, ${outChannels - 1}u)`;
    return `(${group} * ${outChannels}u + ${clamped}) * ${g.oh * g.ow}u + ${index} % ${pixels}u`;
  });
}
