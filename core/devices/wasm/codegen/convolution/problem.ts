/**
 * conv2d and its gradient with respect to the input as one problem: the gradient is a convolution of the padded (and, for
 * strides, spread) g with the filters transposed and flipped.
 *
 * @module
 */
import type { Access, ConvKernel } from "../../../../ir/kernel.ts";
import { reversedPadding, windowAxes } from "../../../../ir/windows.ts";
import { inputWindow, type WindowSpec } from "./window.ts";

/** A convolution; channels are those of one group. */
export interface Convolution {
  readonly images: number;
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Rows of a plane of the kernel's domain, and their length: `outHeight` and `outWidth` unless `flattened`. */
  readonly domain: { readonly height: number; readonly width: number };
  readonly source: Access;
  readonly filters: Access;
  /** Distances in the filters from one output channel, input channel to the next. */
  readonly filterOut: number;
  readonly filterIn: number;
  /** Whether the window's elements are used in reverse. */
  readonly flipped: boolean;
  /** All but the rows computed at a time. */
  readonly window: Omit<WindowSpec, "outRows">;
}

/** What conv2d computes. */
export function forwardConvolution({ geometry: g, operands: [lhs, rhs] }: ConvKernel): Convolution {
  const taps = g.kh * g.kw;
  const inChannels = g.c / g.groups;
  return flattened({
    images: g.n,
    groups: g.groups,
    inChannels,
    outChannels: g.o / g.groups,
    outHeight: g.oh,
    outWidth: g.ow,
    domain: { height: g.oh, width: g.ow },
    source: lhs,
    filters: rhs,
    filterOut: inChannels * taps,
    filterIn: taps,
    flipped: false,
    window: inputWindow(g, inChannels),
  });
}

/** What conv2dInputGrad computes. */
export function inputGradientConvolution({ geometry: g, operands: [lhs, rhs] }: ConvKernel): Convolution {
  const taps = g.kh * g.kw;
  const channels = g.c / g.groups;
  const [rows, columns] = windowAxes(g);
  return flattened({
    images: g.n,
    groups: g.groups,
    inChannels: g.o / g.groups,
    outChannels: channels,
    outHeight: g.h,
    outWidth: g.w,
    domain: { height: g.h, width: g.w },
    source: lhs,
    filters: rhs,
    filterOut: taps,
    filterIn: channels * taps,
    flipped: true,
    window: {
      channels: g.o / g.groups,
      height: g.oh,
      width: g.ow,
      top: reversedPadding(rows),
      left: reversedPadding(columns),
      spread: g.stride,
      step: [1, 1],
      dilation: g.dilation,
      kernel: [g.kh, g.kw],
      outColumns: g.w,
    },
  });
}

/**
 * The same convolution of only those pixels that are read, if there are others: where windows are single pixels some distance from each other.
 * Undefined if a window has more, or padding, or there are groups.
 */
export function ofReadPixels(conv: Convolution): Convolution | undefined {
  const { window, outHeight, outWidth } = conv;
  const apart = window.step.some((step) => step > 1);
  const single = [...window.kernel, ...window.spread].every((value) => value === 1);
  const inside = (outHeight - 1) * window.step[0] < window.height && (outWidth - 1) * window.step[1] < window.width;
  if (conv.groups > 1 || !apart || !single || !inside || window.top !== 0 || window.left !== 0) return undefined;
  return flattened({ ...conv, window: { ...window, height: outHeight, width: outWidth, step: [1, 1] } });
}

/** Where windows are single pixels, rows do not matter: a plane is one long row. */
function flattened(conv: Convolution): Convolution {
  const { window, outHeight, outWidth } = conv;
  const single = [...window.kernel, ...window.step, ...window.spread].every((value) => value === 1);
  const same = window.top === 0 && window.left === 0 && window.height === outHeight && window.width === outWidth;
  if (!single || !same) return conv;
  const pixels = outHeight * outWidth;
  return { ...conv, outHeight: 1, outWidth: pixels, window: { ...window, height: 1, width: pixels, outColumns: pixels } };
}

/** Multiply-adds of the direct sum. */
export function multiplyAdds(conv: Convolution): number {
  const outputs = conv.images * conv.groups * conv.outChannels * conv.outHeight * conv.outWidth;
  return outputs * conv.inChannels * conv.window.kernel[0] * conv.window.kernel[1];
}
