/**
 * Windows that slide over signals [batch, channels, length] and images [batch, channels, height, width]: the options that convolution and
 * pooling share. Their arithmetic is in `ir/windows.ts`. Inside, a signal is an image of height 1.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import { quoted } from "../quoted.ts";
import { type Padding2d, windowAxes, windowCount, type WindowGeometry, windowReach } from "../ir/windows.ts";
import { integer } from "../ranges.ts";
import { longestAxis, type Shape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { reshape } from "./reshape.ts";

/** One number for both spatial axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Two numbers: vertical, horizontal. */
export type Two = readonly [number, number];

/** What is added to one axis: the same on both sides, or [before, after]. */
export type Side = number | readonly [before: number, after: number];

/** What is added around images: a number for all sides, or [vertical, horizontal], each a number or [before, after]. */
export type Sides = number | readonly [vertical: Side, horizontal: Side];

/**
 * Padding of a convolution: `Sides`, "valid" for none, or "same" for as much as keeps height and width, which needs stride 1 (an odd one
 * goes to the end).
 */
export type Padding = Sides | "same" | "valid";

function isWhole(value: unknown, least: number, most = longestAxis): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** A number of elements along an axis, for signals: as those of a `pair`. */
export function single(value: number, name: string, least = 1): number {
  return integer(value, name, least, longestAxis);
}

/** Both numbers of a pair, checked to be whole, at least `least` and at most `most`. */
export function pair(value: Pair, name: string, least: number, most = longestAxis): Two {
  const both = typeof value === "number" ? [value, value] as const : value;
  if (!Array.isArray(both) || both.length !== 2 || !both.every((each) => isWhole(each, least, most))) {
    const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new RangeError(`${name} must be an integer ${range}, or two of them, but is ${quoted(value)}`);
  }
  return both;
}

/**
 * What is added on every side.
 *
 * @throws {RangeError} If that is not integers of at least 0.
 */
export function around(padding: Sides): Padding2d {
  const axes: readonly unknown[] = Array.isArray(padding) ? padding : [padding, padding];
  const sides = axes.map((side) => Array.isArray(side) ? side : [side, side]);
  if (axes.length !== 2 || sides.some((side) => side.length !== 2 || !side.every((each) => isWhole(each, 0)))) {
    throw new RangeError(
      `padding must be an integer from 0 to ${longestAxis}, or [vertical, horizontal] of them or of pairs [before, after], ` +
        `but is ${quoted(padding)}`,
    );
  }
  const [[top, bottom], [left, right]] = sides;
  return { top, bottom, left, right };
}

/**
 * What a convolution adds on every side.
 *
 * @throws {RangeError} If the padding is not one of its forms, or is "same" with a stride.
 */
export function convPadding(padding: Padding, kernel: Two, stride: Two, dilation: Two): Padding2d {
  if (padding === "valid") return around(0);
  if (padding !== "same") return around(padding);
  const wide = stride.find((each) => each !== 1);
  if (wide !== undefined) throw new RangeError(`padding "same" needs stride 1, but the stride is ${wide}`);
  const side = (axis: 0 | 1): Side => {
    const total = dilation[axis] * (kernel[axis] - 1);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  return around([side(0), side(1)]);
}

/** A window as the user called for it, for messages: a signal has three axes there, and its window one. */
export interface WindowCall {
  /** The function's name. */
  readonly what: string;
  /** Shape of the input. */
  readonly input: Shape;
  /** Size of the window along each spatial axis. */
  readonly kernel: Shape;
}

/** What the options of windows come to. */
type Layout = Pick<WindowGeometry, "oh" | "ow" | "stride" | "dilation">;

/** How far windows with their padding may reach: indices have 32 bits, and two of them are added. */
const furthestReach = 2 ** 30;

/**
 * How windows lie over images. A step to a second window or tap that there is not is no longer than it needs to be.
 *
 * @throws {ShapeError} If no window fits.
 * @throws {RangeError} If they reach too far.
 */
export function layOut(options: Omit<WindowGeometry, "oh" | "ow">, call: WindowCall, ceilMode = false): Layout {
  const [oh, ow] = windowAxes({ ...options, oh: 0, ow: 0 }).map((axis) => windowCount(axis, ceilMode));
  checkPlaces([oh, ow], call);
  return { oh, ow, ...checkedSteps({ ...options, oh, ow }, call) };
}

/**
 * The steps of windows, shortened where they lead nowhere.
 *
 * @throws {RangeError} If windows and padding reach too far.
 */
export function checkedSteps(
  geometry: WindowGeometry,
  { what, input }: Pick<WindowCall, "what" | "input">,
): Pick<Layout, "stride" | "dilation"> {
  const [rows, columns] = windowAxes(geometry).map(({ inputs, outputs, before, after, taps, stride, dilation }) => {
    const reach = windowReach(taps, dilation);
    const furthest = Math.max(inputs + before + after, (outputs - 1) * stride + reach);
    if (furthest > furthestReach) {
      throw new RangeError(
        `Cannot apply ${what} to input ${showShape(input)}: windows and padding would reach over ${furthest} elements, ` +
          `and may over ${furthestReach}`,
      );
    }
    return { stride: outputs > 1 ? stride : Math.min(stride, reach), dilation: taps > 1 ? dilation : 1 };
  });
  return { stride: [rows.stride, columns.stride], dilation: [rows.dilation, columns.dilation] };
}

/** @throws {ShapeError} If no window fits. */
function checkPlaces(out: readonly number[], { what, input, kernel }: WindowCall): void {
  if (out.some((each) => each < 1)) {
    throw new ShapeError(
      `Cannot apply ${what} with kernel ${showShape(kernel)} to input ${
        showShape(input)
      }: the window (with its dilation) is larger ` +
        `than the padded input`,
      { shape: input, kernel },
    );
  }
}

function checkAxes(shape: Shape, what: string, names: readonly string[]): void {
  if (shape.length === names.length) return;
  const missing = shape.length === names.length - 1;
  const remedy = missing ? `, add one with reshape(x, ${showShape([shape[0], 1, ...shape.slice(1)])})` : "";
  throw new ShapeError(
    `Cannot apply ${what} to input ${showShape(shape)}: it needs ${names.length} axes [${names.join(", ")}]${remedy}`,
    { shape },
  );
}

/**
 * The four axes of images.
 *
 * @throws {ShapeError} If there are not four.
 */
export function imageAxes(shape: Shape, what: string): readonly [n: number, c: number, h: number, w: number] {
  checkAxes(shape, what, ["batch", "channels", "height", "width"]);
  return [shape[0], shape[1], shape[2], shape[3]];
}

/**
 * The three axes of signals.
 *
 * @throws {ShapeError} If there are not three.
 */
export function signalAxes(shape: Shape, what: string): readonly [n: number, c: number, length: number] {
  checkAxes(shape, what, ["batch", "channels", "length"]);
  return [shape[0], shape[1], shape[2]];
}

/** Signals, or a filter for them, as images of height 1. */
export function asImages(x: Tensor): Tensor {
  return reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]);
}

/** Images of height 1 as signals. */
export function asSignals(x: Tensor): Tensor {
  return reshape(x, [x.shape[0], x.shape[1], x.shape[3]]);
}
