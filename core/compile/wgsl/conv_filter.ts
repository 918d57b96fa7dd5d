/**
 * The gradient of a convolution with respect to its filter: products of input and output gradient summed over batch and pixels.
 *
 * An invocation holds one filter row (an input channel and a row of taps) for several output channels, and walks rows of the
 * images. There are few filter elements and many pixels, so the rows are shared out in parts, which a second dispatch adds up.
 *
 * @module
 */
import type { ConvKernel } from "../kernel.ts";
import { decompose, uniformNumber } from "./domain.ts";
import { scratchStore, withParts } from "./parts.ts";
import { finishFunction } from "./points.ts";
import { Columns } from "./rows.ts";
import { SharedLoads } from "./shared_loads.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "./shader.ts";

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
export function generateFilterGrad(context: KernelContext<ConvKernel>): KernelCode {
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
  const { geometry: g, lhs: image, rhs: gradient } = kernel;
  const { channels, pixels, parts, rowsPerPart } = plan;
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const used = inside.c * g.kh;
  const padded = filterRows(g, target);
  const total = padded * parts;
  const shader = new Shader(context, kernel.kind, [target.software ? 32 : 64, 1, 1]);
  const channelTiles = Math.ceil(inside.o / channels);
  const finish = parts === 1 ? finishFunction(shader, kernel, 4, "f32", 1) : scratchStore(shader, kernel.shape);
  const uniform = uniformNumber(shader, g.groups * channelTiles);
  const id = shader.define(`min(gid.x, ${total - 1}u)`, "i");
  const [part, filterRow] = decompose(shader, id, [parts, padded]);
  const [group, channelTile] = decompose(shader, uniform.id, [g.groups, channelTiles]);
  const channel = shader.define(`${channelTile} * ${channels}u`, "c");
  const clamped = padded === used ? filterRow : shader.define(`min(${filterRow}, ${used - 1}u)`, "i");
  const [c, ky] = decompose(shader, clamped, [inside.c, g.kh]);

  const sums = Array.from({ length: channels }, (_, o) => Array.from({ length: g.kw }, (_, k) => `s${o}_${k}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  const offsets = pixelOffsets(shader, kernel, plan, group, channel);
  const firstRow = shader.define(`${part} * ${rowsPerPart}u`, "row");
  const rows = g.n * g.oh;
  shader.line(`for (var step = 0u; step < ${rowsPerPart}u; step++) {`);
  const at = shader.define(`${firstRow} + step`, "row");
  const past = rows % rowsPerPart === 0 ? undefined : shader.define(`${at} < ${rows}u`, "in");
  const [b, oy] = decompose(shader, past ? shader.define(`min(${at}, ${rows - 1}u)`, "row") : at, [g.n, g.oh]);
  const y = shader.define(`${oy} * ${g.stride[0]}u + ${ky} * ${g.dilation[0]}u + ${u32(-g.padding.top)}`, "y");
  const reach = (g.oh - 1) * g.stride[0] + (g.kh - 1) * g.dilation[0] - g.padding.top;
  const conditions = [past, g.padding.top > 0 || reach >= g.h ? `${y} < ${g.h}u` : undefined].filter((text) =>
    text !== undefined
  );
  const rowInside = conditions.length > 0 ? shader.define(conditions.join(" && "), "in") : undefined;
  const row = rowInside ? shader.define(`select(0u, ${y}, ${rowInside})`, "y") : y;
  const plane = `(${b} * ${g.c}u + ${group} * ${inside.c}u + ${c}) * ${g.h * g.w}u`;
  const imageRow = shader.define(`${plane} + ${row} * ${g.w}u + ${u32(image.offset)}`, "a");
  const gradientRow = shader.define(`${b} * ${g.o * g.oh * g.ow}u + ${oy} * ${g.ow}u + ${u32(gradient.offset)}`, "a");
  const tiles = Math.ceil(g.ow / pixels);
  if (tiles > 1) shader.line(`for (var tile = 0u; tile < ${tiles}u; tile++) {`);
  const first = tiles > 1 ? shader.define(`tile * ${pixels}u`, "x") : "0u";
  const deltas = Array.from({ length: pixels }, (_, p) => {
    return Array.from({ length: g.kw }, (_, k) => p * g.stride[1] + k * g.dilation[1] - g.padding.left);
  });
  const loader = new Columns(shader, {
    image,
    width: g.w,
    maxBase: (tiles - 1) * pixels * g.stride[1],
    baseStep: tiles === 1 ? 0 : pixels * g.stride[1],
    deltas: deltas.flat(),
  }, tiles > 1 ? shader.define(`${first} * ${g.stride[1]}u`, "x") : "0u");
  const loaded = loader.load(imageRow, rowInside);
  const gradients = offsets.at(shader.define(`${gradientRow} + ${first}`, "a"));
  for (let p = 0; p < pixels; p++) {
    // Past the end of a row both factors are foreign, and may be NaN: both are replaced.
    const last = (tiles - 1) * pixels + p < g.ow ? undefined : shader.define(`${first} + ${p}u < ${g.ow}u`, "in");
    const kept = (value: string) => last ? shader.define(`select(0.0, ${value}, ${last})`) : value;
    const factors = Array.from({ length: channels }, (_, o) => kept(gradients[o * pixels + p]));
    for (let k = 0; k < g.kw; k++) {
      const x = kept(loaded.get(deltas[p][k])!.value);
      for (let o = 0; o < channels; o++) shader.line(`${sums[o][k]} += ${x} * ${factors[o]};`);
    }
  }
  if (tiles > 1) shader.line("}");
  shader.line("}");
  const guards = [uniform.inside, `gid.x < ${total}u`, padded === used ? undefined : `${filterRow} < ${used}u`];
  shader.line(`if (${guards.filter((text) => text).join(" && ")}) {`);
  sums.forEach((row, o) => {
    const past = inside.o % channels !== 0 && o > 0;
    if (past) shader.line(`if (${channel} + ${o}u < ${inside.o}u) {`);
    const at = shader.define(`${group} * ${inside.o}u + ${channel} + ${o}u`, "c");
    row.forEach((sum, k) => finish([sum], [at, c, ky, `${k}u`, ...(parts === 1 ? [] : [part])]));
    if (past) shader.line("}");
  });
  shader.line("}");
  return shader.finish([Math.ceil(total / shader.workgroupSize[0]), ...uniform.workgroups]);
}

/** The gradient's elements of a tile: all channels, some pixels of one row. */
function pixelOffsets(
  shader: Shader,
  { geometry: g, rhs }: ConvKernel,
  { channels, pixels }: Plan,
  group: string,
  channel: string,
): SharedLoads {
  const outChannels = g.o / g.groups;
  const perPlane = g.oh * g.ow;
  return new SharedLoads(shader, rhs.buffer, channels * pixels, (index) => {
    const at = `${channel} + ${index} / ${pixels}u`;
    const clamped = outChannels % channels === 0 ? at : `min(${at}, ${outChannels - 1}u)`;
    return `(${group} * ${outChannels}u + ${clamped}) * ${perPlane}u + ${index} % ${pixels}u`;
  });
}
