/**
 * The geometry of windows, from the numbers that a case names.
 *
 * @module
 */
import type { WindowGeometry } from "../../../core/ir/windows.ts";

/** Parameters of windows; the default of strides and dilations is 1, of padding 0. */
export interface WindowSizes {
  /** Input height and width. */
  readonly input: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  /** Top, bottom, left, right. */
  readonly padding?: readonly [number, number, number, number];
}

/** All the numbers of windows; in ceil mode a last window must begin before the padding at the end, as in PyTorch. */
export function windowGeometry(sizes: WindowSizes, ceil = false): WindowGeometry {
  const { input: [h, w], kernel: [kh, kw], stride = [1, 1], dilation = [1, 1], padding = [0, 0, 0, 0] } = sizes;
  const [top, bottom, left, right] = padding;
  const extent = (size: number, before: number, after: number, k: number, d: number, s: number) => {
    const steps = (size + before + after - d * (k - 1) - 1) / s;
    const windows = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil && (windows - 1) * s >= size + before ? windows - 1 : windows;
  };
  const oh = extent(h, top, bottom, kh, dilation[0], stride[0]);
  const ow = extent(w, left, right, kw, dilation[1], stride[1]);
  return { h, w, oh, ow, kh, kw, stride, dilation, padding: { top, bottom, left, right } };
}
