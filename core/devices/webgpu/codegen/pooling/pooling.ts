/**
 * 2-d pooling and its gradients.
 *
 * Everything is written as a gather, without atomics: in a gradient each input collects from the windows that cover it. Where windows
 * do not overlap, one invocation serves a window and all its inputs.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { address, type Coordinate, decompose, invocation, lonelyWorkgroup } from "../shader/coordinates.ts";
import { finishFunction, lanesFor, writePoints } from "../shader/epilogue.ts";
import { type Column, Columns } from "../shader/image_columns.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, u32 } from "../shader/shader.ts";

/** The shaders of a pooling kernel. */
export function generatePool(context: KernelContext<PoolKernel>): KernelCode {
  const { kind } = context.kernel;
  switch (kind) {
    case "maxPool2d":
    case "maxPool2dGather":
    case "avgPool2d":
      return { dispatches: [overOutputs(context)], scratchBytes: 0 };
    case "maxPool2dScatter":
      return windowsAreApart(context.kernel)
        ? { dispatches: [scatterApart(context)], scratchBytes: 0 }
        : scatterOverlapping(context);
    case "avgPool2dGrad":
      return { dispatches: [averageGrad(context)], scratchBytes: 0 };
  }
}

/** The running maximum of a window: its value, and where it is (an address within the plane). */
interface Best {
  readonly value: string;
  readonly place: string;
}

/** No place: also what an empty window leaves. */
const nowhere = "0xffffffffu";

/** One output position, several neighbours along the width at a time where the width allows. */
function overOutputs(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow, kw, stride, padding } = kernel.geometry;
  const tile = kw > 16 ? 1 : ow % 4 === 0 ? 4 : ow % 2 === 0 ? 2 : 1;
  const total = n * c * oh * (ow / tile);
  const shader = new Shader(context, kernel.kind, lonelyWorkgroup(context.target, total));
  const lanes = tile === 4 ? lanesFor(shader, kernel, ow) : 1;
  const finish = finishFunction(shader, kernel, 4, "f32", lanes);
  const { id, workgroups } = invocation(shader, total);
  const [b, channel, oy, group] = decompose(shader, id, [n, c, oh, ow / tile]);
  const ox = tile === 1 ? group : shader.define(`${group} * ${tile}u`, "x");
  const corner = {
    plane: shader.define(address(0, [c * h * w, h * w], [b, channel]), "plane"),
    top: shader.define(`${oy} * ${stride[0]}u + ${u32(-padding.top)}`, "y"),
    left: shader.define(`${ox} * ${stride[1]}u`, "x"),
  };
  const bests = windowResults(shader, kernel, tile, corner);
  const values = bests.map((best, t) => outputValue(shader, kernel, best, corner.plane, oy, t === 0 ? ox : `(${ox} + ${t}u)`));
  for (let t = 0; t < tile; t += lanes) {
    finish(values.slice(t, t + lanes), [b, channel, oy, t === 0 ? ox : `${ox} + ${t}u`]);
  }
  return shader.finish(workgroups);
}

/** What an output is, given what was found in its window. */
function outputValue(shader: Shader, kernel: PoolKernel, best: Best, plane: string, oy: string, ox: string): string {
  switch (kernel.kind) {
    case "maxPool2d":
      return best.value;
    case "avgPool2d": {
      const divisor = `${divisorAlong(shader, kernel, 0, oy)} * ${divisorAlong(shader, kernel, 1, ox)}`;
      return shader.define(`${best.value} / max(1.0, ${divisor})`);
    }
    default: {
      const { buffer, offset } = kernel.operands[1];
      const empty = `${best.place} == ${nowhere}`;
      const at = shader.define(`${plane} + select(${best.place}, 0u, ${empty}) + ${u32(offset)}`, "a");
      return shader.define(`select(${shader.load(buffer, at)}, 0.0, ${empty})`);
    }
  }
}

/** Where the windows of a tile lie: the plane's start, the top row, and the left column before padding. */
interface Corner {
  readonly plane: string;
  readonly top: string;
  readonly left: string;
}

/** Walks the windows of `tile` neighbours: their sums, or their maxima and places. */
function windowResults(shader: Shader, kernel: PoolKernel, tile: number, corner: Corner): Best[] {
  const { h, w, oh, ow, kh, kw, stride, dilation, padding } = kernel.geometry;
  const x = kernel.operands[0];
  const deltas = Array.from({ length: tile }, (_, t) => {
    return Array.from({ length: kw }, (_, k) => t * stride[1] + k * dilation[1] - padding.left);
  });
  const columns = new Columns(shader, {
    image: x,
    width: w,
    maxBase: (ow / tile - 1) * tile * stride[1],
    baseStep: tile * stride[1],
    deltas: deltas.flat(),
  }, corner.left);
  const bests = Array.from({ length: tile }, (): Best => ({ value: shader.fresh("best"), place: shader.fresh("place") }));
  for (const { value, place } of bests) {
    shader.line(`var ${value} = ${kernel.kind === "avgPool2d" ? "0.0" : `-${shader.helper("infinity")}()`};`);
    if (tracksPlace(kernel)) shader.line(`var ${place} = ${nowhere};`);
  }
  const highest = (oh - 1) * stride[0] + (kh - 1) * dilation[0] - padding.top;
  const row = (ky: string): void => {
    const y = shader.define(`${corner.top} + ${ky} * ${dilation[0]}u`, "y");
    const inside = padding.top > 0 || highest >= h ? shader.define(`${y} < ${h}u`, "in") : undefined;
    const clamped = inside ? shader.define(`select(0u, ${y}, ${inside})`, "y") : y;
    const start = shader.define(`${clamped} * ${w}u`, "row");
    const loaded = columns.load(shader.define(`${corner.plane} + ${start} + ${u32(x.offset)}`, "a"), inside);
    bests.forEach((best, t) => {
      deltas[t].forEach((delta) => {
        const place = () => shader.define(`${start} + ${corner.left} + ${u32(delta)}`, "p");
        take(shader, kernel, best, loaded.get(delta)!, place);
      });
    });
  };
  const unrolled = kh * deltas.flat().length <= 64;
  for (let ky = 0; unrolled && ky < kh; ky++) row(u32(ky));
  if (!unrolled) shader.loop("0u", u32(kh), 1, row);
  return bests;
}

function tracksPlace({ kind }: PoolKernel): boolean {
  return kind === "maxPool2dGather" || kind === "maxPool2dScatter";
}

/** Takes one element of a window into its running result. */
function take(shader: Shader, kernel: PoolKernel, best: Best, { value, inside }: Column, place: () => string): void {
  if (kernel.kind === "avgPool2d") return shader.line(`${best.value} += ${value};`);
  if (!tracksPlace(kernel)) {
    const v = inside ? `select(-${shader.helper("infinity")}(), ${value}, ${inside})` : value;
    return shader.line(`${best.value} = ${shader.helper("maximum")}(${best.value}, ${v});`);
  }
  const isNan = shader.helper("isNan");
  const larger = `${value} > ${best.value} || ${best.place} == ${nowhere} || (${isNan}(${value}) && !${isNan}(${best.value}))`;
  const wins = shader.define(inside ? `${inside} && (${larger})` : larger);
  shader.line(`${best.value} = select(${best.value}, ${value}, ${wins});`);
  shader.line(`${best.place} = select(${best.place}, ${place()}, ${wins});`);
}

/** Along one axis: how many elements of an output's window count in its average, as f32. */
function divisorAlong(shader: Shader, { geometry: g }: PoolKernel, axis: 0 | 1, output: string): string {
  const [extent, outputs, kernel, before, after] = axis === 0
    ? [g.h, g.oh, g.kh, g.padding.top, g.padding.bottom]
    : [g.w, g.ow, g.kw, g.padding.left, g.padding.right];
  const end = g.countPadding ? before + extent + after : before + extent;
  const begin = g.countPadding ? 0 : before;
  const reach = (outputs - 1) * g.stride[axis] + (kernel - 1) * g.dilation[axis];
  if (begin === 0 && reach < end) return `${kernel}.0`;
  // Counted in padded coordinates: taps at start + k dilation in [begin, end).
  const start = shader.define(`${output} * ${g.stride[axis]}u`, "start");
  const terms = Array.from({ length: kernel }, (_, k) => {
    const tap = `(${start} + ${k * g.dilation[axis]}u)`;
    return `select(0.0, 1.0, ${tap} >= ${begin}u && ${tap} < ${end}u)`;
  });
  return shader.define(terms.join(" + "));
}

/** Whether every input lies in one window at most, and windows start at the first input. */
function windowsAreApart({ geometry: { kh, kw, stride, dilation, padding } }: PoolKernel): boolean {
  const small = kh <= stride[0] && kw <= stride[1] && stride[0] * stride[1] <= 64;
  return small && dilation[0] === 1 && dilation[1] === 1 && padding.top === 0 && padding.left === 0;
}

/** One invocation per few windows: finds their maxima and writes all inputs up to the next window. */
function scatterApart(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow, kh, kw, stride } = kernel.geometry;
  const rows = Math.ceil(h / stride[0]);
  const columns = Math.ceil(w / stride[1]);
  const tile = [2, 4].find((count) => columns % count === 0 && count * stride[1] % 4 === 0) ?? 1;
  const total = n * c * rows * (columns / tile);
  const shader = new Shader(context, kernel.kind, lonelyWorkgroup(context.target, total));
  const whole = w % stride[1] === 0;
  const lanes = whole && tile * stride[1] % 4 === 0 ? lanesFor(shader, kernel, w) : 1;
  const finish = finishFunction(shader, kernel, 4, "f32", lanes);
  const { id, workgroups } = invocation(shader, total);
  const [b, channel, oy, group] = decompose(shader, id, [n, c, rows, columns / tile]);
  const ox = tile === 1 ? group : shader.define(`${group} * ${tile}u`, "x");
  const top = shader.define(`${oy} * ${stride[0]}u`, "y");
  const left = shader.define(`${ox} * ${stride[1]}u`, "x");
  const plane = shader.define(address(kernel.operands[0].offset, [c * h * w, h * w], [b, channel]), "plane");
  const bests = apartWindows(shader, kernel, tile, { plane, top, left });

  const g = kernel.operands[1];
  const gradients = bests.map((_, t) => {
    const column = shader.define(`${ox} + ${t}u`, "x");
    const isWindow = shader.define(`${oy} < ${oh}u && ${column} < ${ow}u`, "in");
    const inside = address(0, [c * oh * ow, oh * ow, ow, 1], [b, channel, oy, column]);
    const at = shader.define(`select(0u, ${inside}, ${isWindow}) + ${u32(g.offset)}`, "a");
    return shader.define(`select(0.0, ${shader.load(g.buffer, at)}, ${isWindow})`);
  });
  for (let ky = 0; ky < stride[0]; ky++) {
    const y = shader.define(`${top} + ${ky}u`, "y");
    const values = bests.flatMap(({ place }, t) =>
      Array.from({ length: stride[1] }, (_, kx) => {
        const isTap = ky < kh && kx < kw;
        return isTap ? shader.define(`select(0.0, ${gradients[t]}, ${place} == ${ky * kw + kx}u)`) : "0.0";
      })
    );
    for (let i = 0; i < values.length; i += lanes) {
      const x = shader.define(`${left} + ${i}u`, "x");
      const exists = [h % stride[0] === 0 ? undefined : `${y} < ${h}u`, whole ? undefined : `${x} < ${w}u`];
      shader.when(exists, () => finish(values.slice(i, i + lanes), [b, channel, y, x]));
    }
  }
  return shader.finish(workgroups);
}

/** The maxima of neighbouring windows that lie apart; places are numbers of taps. */
function apartWindows(shader: Shader, kernel: PoolKernel, tile: number, { plane, top, left }: Corner): Best[] {
  const { h, w, kh, kw, stride } = kernel.geometry;
  const deltas = Array.from({ length: tile }, (_, t) => Array.from({ length: kw }, (_, k) => t * stride[1] + k));
  const baseStep = tile * stride[1];
  const maxBase = (Math.ceil(w / stride[1]) / tile - 1) * baseStep;
  const columns = { image: kernel.operands[0], width: w, maxBase, baseStep, deltas: deltas.flat() };
  const loader = new Columns(shader, columns, left);
  const bests = deltas.map((): Best => ({ value: shader.fresh("best"), place: shader.fresh("place") }));
  for (const { value, place } of bests) {
    shader.line(`var ${value} = 0.0;`);
    shader.line(`var ${place} = ${nowhere};`);
  }
  const last = (Math.ceil(h / stride[0]) - 1) * stride[0];
  for (let ky = 0; ky < kh; ky++) {
    const y = shader.define(`${top} + ${ky}u`, "y");
    const inside = last + ky < h ? undefined : shader.define(`${y} < ${h}u`, "in");
    const clamped = inside ? `select(0u, ${y}, ${inside})` : y;
    const loaded = loader.load(shader.define(`${plane} + ${clamped} * ${w}u`, "a"), inside);
    bests.forEach((best, t) => {
      deltas[t].forEach((delta, kx) => take(shader, kernel, best, loaded.get(delta)!, () => `${ky * kw + kx}u`));
    });
  }
  return bests;
}

/** Two dispatches: the place of every window's maximum, then each input collects from the windows that found it. */
function scatterOverlapping(context: KernelContext<PoolKernel>): KernelCode {
  const { n, c, oh, ow } = context.kernel.geometry;
  return { dispatches: [findPlaces(context), collect(context)], scratchBytes: 4 * n * c * oh * ow };
}

function findPlaces(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow, stride, padding } = kernel.geometry;
  const total = n * c * oh * ow;
  const shader = new Shader(context, "maxPool2d places", lonelyWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocation(shader, total);
  const [plane, oy, ox] = decompose(shader, id, [n * c, oh, ow]);
  const start = shader.define(`${plane} * ${h * w}u`, "plane");
  const top = shader.define(`${oy} * ${stride[0]}u + ${u32(-padding.top)}`, "y");
  const left = shader.define(`${ox} * ${stride[1]}u`, "x");
  const [best] = windowResults(shader, kernel, 1, { plane: start, top, left });
  shader.store("scratch", id, best.place);
  return shader.finish(workgroups);
}

function collect(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow } = kernel.geometry;
  const g = kernel.operands[1];
  return overInputs(context, "u32", (shader, [b, channel, y, x], window) => {
    const place = shader.define(`${y} * ${w}u + ${x}`, "p");
    const at = shader.define(address(0, [c * oh * ow, oh * ow, ow, 1], [b, channel, window.oy, window.ox]), "a");
    const found = shader.define(`${shader.load("scratch", at)} == ${place}`);
    return `select(0.0, ${shader.load(g.buffer, `(${at} + ${u32(g.offset)})`)}, ${found})`;
  }, n * c * h * w);
}

function averageGrad(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow } = kernel.geometry;
  const g = kernel.operands[0];
  return overInputs(context, "f32", (shader, [b, channel], { oy, ox }) => {
    const at = shader.define(address(g.offset, [c * oh * ow, oh * ow, ow, 1], [b, channel, oy, ox]), "a");
    const rows = divisorAlong(shader, kernel, 0, oy);
    const columns = divisorAlong(shader, kernel, 1, ox);
    return `${shader.load(g.buffer, at)} / max(1.0, ${rows} * ${columns})`;
  }, n * c * h * w);
}

/** A window that may cover an input. */
interface Covering {
  readonly oy: string;
  readonly ox: string;
}

/** One invocation per input adds up what the windows that cover it give. */
function overInputs(
  context: KernelContext<PoolKernel>,
  scratchType: "f32" | "u32",
  share: (shader: Shader, point: readonly Coordinate[], window: Covering) => string,
  total: number,
): Dispatch {
  const { kernel } = context;
  const { n, c, h, w } = kernel.geometry;
  const shader = new Shader(context, kernel.kind, lonelyWorkgroup(context.target, total), scratchType);
  const { id, workgroups } = invocation(shader, total);
  const point = decompose(shader, id, [n, c, h, w]);
  shader.line("var total = 0.0;");
  forCovering(shader, kernel, 0, point[2], (oy) => {
    forCovering(shader, kernel, 1, point[3], (ox) => {
      const value = share(shader, point, { oy, ox });
      shader.line(`total += ${value};`);
    });
  });
  writePoints(shader, kernel, point, 1, () => "total");
  return shader.finish(workgroups);
}

/** Runs `body` for the outputs along one axis whose windows cover an input position, in ascending order of taps. */
function forCovering(shader: Shader, { geometry: g }: PoolKernel, axis: 0 | 1, at: string, body: (output: string) => void): void {
  const [outputs, kernel, before] = axis === 0 ? [g.oh, g.kh, g.padding.top] : [g.ow, g.kw, g.padding.left];
  const stride = g.stride[axis];
  shader.loop("0u", u32(kernel), 1, (k) => {
    // Negative distances wrap around to large numbers, which are no outputs.
    const distance = shader.define(`${at} + ${before}u - ${k} * ${g.dilation[axis]}u`);
    const output = shader.define(`${distance} / ${stride}u`, "o");
    shader.when([`${distance} < ${(outputs - 1) * stride + 1}u`, `${distance} % ${stride}u == 0u`], () => body(output));
  });
}
