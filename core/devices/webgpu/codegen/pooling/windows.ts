/**
 * Walking the windows of neighbouring outputs row by row, so that a column that several windows share is loaded once.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { inputAt, staysInside, windowAxes } from "../../../../ir/windows.ts";
import { ImageColumns } from "../shader/image_columns.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import { boundsInside } from "../shader/tap_bounds.ts";
import { nameRunning, type Running, type WindowFold } from "./window_folds.ts";

/** Where the windows of a tile of outputs begin. */
export interface Corner {
  /** The address of the plane, without the offset of the image. */
  readonly plane: string;
  /** The first row, which is in the padding if it wraps around to a large number. */
  readonly top: string;
  /** The first column of the first window, counted without the padding. */
  readonly left: string;
}

/** Up to this number of taps of a tile all rows are written out. */
const mostUnrolled = 64;

/** Windows wider than this are no tile of several, and have a loop over their columns. */
const widest = 64;

/** Folds the windows of `tile` neighbours along the width. An element's index is its address within the plane. */
export function foldWindows(shader: Shader, kernel: PoolKernel, fold: WindowFold, tile: number, corner: Corner): Running[] {
  if (kernel.geometry.kw > widest) return [foldWide(shader, kernel, fold, corner)];
  const { h, w, ow, kh, kw, stride, dilation } = kernel.geometry;
  const [rows, along] = windowAxes(kernel.geometry);
  const image = kernel.operands[0];
  const deltas = Array.from({ length: tile }, (_, t) => {
    return Array.from({ length: kw }, (_, k) => inputAt(along, t, k));
  });
  const baseStep = tile * stride[1];
  const maxBase = (ow / tile - 1) * baseStep;
  const columns = new ImageColumns(shader, { image, width: w, maxBase, baseStep, deltas: deltas.flat() }, corner.left);
  const windows = nameRunning(shader, tile);
  for (const running of windows) fold.declare(shader, running);
  const row = (ky: string): void => {
    const y = shader.define(`${corner.top} + ${ky} * ${dilation[0]}u`, "y");
    const inside = staysInside(rows) ? undefined : shader.define(`${y} < ${h}u`, "in");
    const clamped = inside ? shader.define(`select(0u, ${y}, ${inside})`, "y") : y;
    const start = shader.define(`${clamped} * ${w}u`, "row");
    const loaded = columns.load(shader.define(`${corner.plane} + ${start} + ${u32(image.offset)}`, "a"), inside);
    windows.forEach((running, t) => {
      deltas[t].forEach((delta) => {
        const index = () => shader.define(`${start} + ${corner.left} + ${u32(delta)}`, "p");
        fold.take(shader, running, loaded.get(delta)!, index);
      });
    });
  };
  if (kh * deltas.flat().length > mostUnrolled) shader.loop("0u", u32(kh), 1, row);
  else for (let ky = 0; ky < kh; ky++) row(u32(ky));
  return windows;
}

/** Folds one window in loops over those of its rows and columns that are in the image. */
function foldWide(shader: Shader, kernel: PoolKernel, fold: WindowFold, { plane, top, left }: Corner): Running {
  const { h, w, kh, kw, dilation, padding } = kernel.geometry;
  const image = kernel.operands[0];
  const [running] = nameRunning(shader, 1);
  fold.declare(shader, running);
  const first = shader.define(`${left} + ${u32(-padding.left)}`, "x");
  const rows = boundsInside(shader, h, top, dilation[0], u32(kh));
  const columns = boundsInside(shader, w, first, dilation[1], u32(kw));
  shader.loop(...rows, 1, (ky) => {
    const start = shader.define(`(${top} + ${ky} * ${dilation[0]}u) * ${w}u + ${first}`, "row");
    shader.loop(...columns, 1, (kx) => {
      const index = shader.define(`${start} + ${kx} * ${dilation[1]}u`, "p");
      const address = shader.define(`${plane} + ${index} + ${u32(image.offset)}`, "a");
      const value = shader.define(shader.load(image.buffer, address));
      fold.take(shader, running, { value, inside: undefined }, () => index);
    });
  });
  return running;
}
