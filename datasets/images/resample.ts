/**
 * A part of an image at another size, smoothed: what Pillow computes for its bilinear filter, to the byte.
 *
 * Every new pixel is the mean of the old ones under a triangle around its centre, weighted by its height there; the triangle covers the new
 * pixel, and two old pixels at least. First rows, then columns, each rounded to bytes, by integers of 22 bits behind the point.
 *
 * @see Pillow's `Resample.c`
 *
 * @module
 */
import type { Pixels } from "./pixels.ts";

/** A rectangle of whole pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** A length of an axis, and the part of it that is kept. */
export interface Window {
  /** How many pixels the whole axis becomes. */
  readonly size: number;
  /** The first that is made. */
  readonly start: number;
  /** How many are made. */
  readonly count: number;
}

/** Bits behind the point of a weight: a byte times a weight, summed, fits an integer of 32 bits. */
const bits = 22;

/** Of each new pixel, the first old one and the weights from there. */
interface Weights {
  readonly first: Int32Array;
  readonly taps: number;
  readonly weights: Int32Array;
}

/** The weights of some new pixels of an axis of `extent` old ones. */
function weightsOf(extent: number, { size, start, count }: Window): Weights {
  const scale = extent / size;
  const reach = Math.max(1, scale);
  const taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(count), weights = new Int32Array(count * taps);
  for (let i = 0; i < count; i++) {
    const centre = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - reach + 0.5)), high = Math.min(extent, Math.trunc(centre + reach + 0.5));
    const row = Array.from({ length: high - low }, (_, j) => Math.max(0, 1 - Math.abs((low + j - centre + 0.5) * (1 / reach))));
    const total = row.reduce((sum, weight) => sum + weight, 0);
    first[i] = low;
    row.forEach((weight, j) => weights[i * taps + j] = Math.trunc(0.5 + weight / total * 2 ** bits));
  }
  return { first, taps, weights };
}

/** The bytes along an axis: `lines` of them lie `step` apart, the pixels of each `stride`; the new ones lie as closely as they can. */
function pass(
  from: Uint8Array,
  { first, taps, weights }: Weights,
  extent: number,
  { lines, step, stride, newStep, newStride }: Readonly<Record<"lines" | "step" | "stride" | "newStep" | "newStride", number>>,
): Uint8Array {
  const count = first.length;
  const to = new Uint8Array(lines * count);
  for (let i = 0; i < count; i++) {
    const low = first[i], used = Math.min(taps, extent - low);
    for (let line = 0; line < lines; line++) {
      let sum = 1 << (bits - 1);
      for (let j = 0, at = line * step + low * stride; j < used; j++, at += stride) sum += from[at] * weights[i * taps + j];
      to[line * newStep + i * newStride] = sum >> bits;
    }
  }
  return to;
}

/**
 * The pixels of a box, resized, by channel, row and column: [channels, height, width] of the windows.
 *
 * @param channels 3 for red, green and blue, 1 for grey; opacity is left out.
 */
export function resample(image: Pixels, box: Box, rows: Window, columns: Window, channels: 1 | 3): Uint8Array {
  const { height, width } = box;
  const made = new Uint8Array(channels * rows.count * columns.count);
  const [across, down] = [weightsOf(width, columns), weightsOf(height, rows)];
  for (let channel = 0; channel < channels; channel++) {
    let plane = planeOf(image, box, channels === 1 ? undefined : channel);
    if (columns.size !== width || columns.count !== width) {
      plane = pass(plane, across, width, { lines: height, step: width, stride: 1, newStep: columns.count, newStride: 1 });
    }
    if (rows.size !== height || rows.count !== height) {
      const next = columns.count;
      plane = pass(plane, down, height, { lines: next, step: 1, stride: next, newStep: 1, newStride: next });
    }
    made.set(plane, channel * rows.count * columns.count);
  }
  return made;
}

/** One channel of a box, or its grey: 0.299 red + 0.587 green + 0.114 blue as Pillow rounds it. */
function planeOf({ data, width: stride }: Pixels, { top, left, height, width }: Box, channel: number | undefined): Uint8Array {
  const plane = new Uint8Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = 4 * ((top + y) * stride + left); x < width; x++, at += 4, to++) {
      plane[to] = channel !== undefined
        ? data[at + channel]
        : (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 0x8000) >> 16;
    }
  }
  return plane;
}
