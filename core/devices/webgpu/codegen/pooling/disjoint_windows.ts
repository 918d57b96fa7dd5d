/**
 * The gradient of maximum pooling where windows do not overlap: one invocation serves a window, or a few neighbours, and writes all
 * their inputs up to the next window.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import type { PoolGeometry } from "../../../../ir/windows.ts";
import type { Dispatch, KernelContext } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { epilogueFunction, epilogueLanes } from "../shader/epilogue.ts";
import { ImageColumns } from "../shader/image_columns.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader, u32 } from "../shader/shader.ts";
import { argmaxFold, nameRunning, noIndex, type Running } from "./window_folds.ts";
import type { Corner } from "./windows.ts";

/** Whether every input lies in one window at most, and windows start at the first input. */
export function areDisjoint({ kh, kw, stride, dilation, padding }: PoolGeometry): boolean {
  const small = kh <= stride[0] && kw <= stride[1] && stride[0] * stride[1] <= 64;
  return small && dilation[0] === 1 && dilation[1] === 1 && padding.top === 0 && padding.left === 0;
}

/** The dispatch of such a gradient. */
export function dispatchOverDisjointWindows(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, kh, kw, stride } = kernel.geometry;
  const rows = Math.ceil(h / stride[0]);
  const columns = Math.ceil(w / stride[1]);
  const tile = [2, 4].find((count) => columns % count === 0 && count * stride[1] % 4 === 0) ?? 1;
  const total = n * c * rows * (columns / tile);
  const shader = new Shader(context, kernel.kind, independentWorkgroup(context.target, total));
  const whole = w % stride[1] === 0;
  const lanes = whole && tile * stride[1] % 4 === 0 ? epilogueLanes(shader, kernel, w) : 1;
  const epilogue = epilogueFunction(shader, kernel, 4, "f32", lanes);
  const { id, workgroups } = invocationIndex(shader, total);
  const [b, channel, oy, group] = decompose(shader, id, [n, c, rows, columns / tile]);
  const ox = tile === 1 ? group : shader.define(`${group} * ${tile}u`, "x");
  const top = shader.define(`${oy} * ${stride[0]}u`, "y");
  const left = shader.define(`${ox} * ${stride[1]}u`, "x");
  const plane = shader.define(address(kernel.operands[0].offset, [c * h * w, h * w], [b, channel]), "plane");
  const windows = foldDisjoint(shader, kernel, tile, { plane, top, left });
  const gradients = loadGradients(shader, kernel, tile, [b, channel, oy, ox]);
  for (let ky = 0; ky < stride[0]; ky++) {
    const y = shader.define(`${top} + ${ky}u`, "y");
    const values = windows.flatMap(({ index }, t) =>
      Array.from({ length: stride[1] }, (_, kx) => {
        const isTap = ky < kh && kx < kw;
        return isTap ? shader.define(`select(0.0, ${gradients[t]}, ${index} == ${ky * kw + kx}u)`) : "0.0";
      })
    );
    for (let i = 0; i < values.length; i += lanes) {
      const x = shader.define(`${left} + ${i}u`, "x");
      const exists = [h % stride[0] === 0 ? undefined : `${y} < ${h}u`, whole ? undefined : `${x} < ${w}u`];
      shader.when(exists, () => epilogue(values.slice(i, i + lanes), [b, channel, y, x]));
    }
  }
  return shader.dispatch(workgroups);
}

/** What is to go to the windows of a tile; 0 where inputs are left over beyond the last window. */
function loadGradients(shader: Shader, kernel: PoolKernel, tile: number, [b, channel, oy, ox]: readonly Coordinate[]): string[] {
  const { geometry: { c, oh, ow }, operands: [, gradient] } = kernel;
  return Array.from({ length: tile }, (_, t) => {
    const column = shader.define(`${ox} + ${t}u`, "x");
    const isWindow = shader.define(`${oy} < ${oh}u && ${column} < ${ow}u`, "in");
    const inside = address(0, [c * oh * ow, oh * ow, ow, 1], [b, channel, oy, column]);
    const at = shader.define(`select(0u, ${inside}, ${isWindow}) + ${u32(gradient.offset)}`, "a");
    return shader.define(`select(0.0, ${shader.load(gradient.buffer, at)}, ${isWindow})`);
  });
}

/** The maxima of neighbouring windows; their indices count the taps of a window. */
function foldDisjoint(shader: Shader, kernel: PoolKernel, tile: number, { plane, top, left }: Corner): Running[] {
  const { h, w, kh, kw, stride } = kernel.geometry;
  const deltas = Array.from({ length: tile }, (_, t) => Array.from({ length: kw }, (_, k) => t * stride[1] + k));
  const baseStep = tile * stride[1];
  const maxBase = (Math.ceil(w / stride[1]) / tile - 1) * baseStep;
  const columns = new ImageColumns(
    shader,
    { image: kernel.operands[0], width: w, maxBase, baseStep, deltas: deltas.flat() },
    left,
  );
  const windows = nameRunning(shader, tile);
  for (const { value, index } of windows) {
    // The first element wins over any value.
    shader.line(`var ${value} = 0.0;`);
    shader.line(`var ${index} = ${noIndex};`);
  }
  const lastTop = (Math.ceil(h / stride[0]) - 1) * stride[0];
  for (let ky = 0; ky < kh; ky++) {
    const y = shader.define(`${top} + ${ky}u`, "y");
    const inside = lastTop + ky < h ? undefined : shader.define(`${y} < ${h}u`, "in");
    const clamped = inside ? `select(0u, ${y}, ${inside})` : y;
    const loaded = columns.load(shader.define(`${plane} + ${clamped} * ${w}u`, "a"), inside);
    windows.forEach((running, t) => {
      deltas[t].forEach((delta, kx) => argmaxFold.take(shader, running, loaded.get(delta)!, () => `${ky * kw + kx}u`));
    });
  }
  return windows;
}
