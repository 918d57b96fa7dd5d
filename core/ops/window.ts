/**
 * Windows that slide over the last two axes: the options that convolution and pooling share, and their arithmetic.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import { type Padding2d, type Shape, showShape } from "../shape.ts";

/** One number for both spatial axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Both numbers of a pair, checked to be whole and at least `least`. */
export function pair(value: Pair, name: string, least: number): readonly [number, number] {
  const both = typeof value === "number" ? [value, value] as const : value;
  if (both.length !== 2 || both.some((each) => !Number.isInteger(each) || each < least)) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, or two of them, but is ${JSON.stringify(value)}`);
  }
  return both;
}

/** Padding given as a pair, on all sides. */
export function symmetric([vertical, horizontal]: readonly [number, number]): Padding2d {
  return { top: vertical, bottom: vertical, left: horizontal, right: horizontal };
}

/** How a window moves along one axis. */
export interface Slide {
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Before and after. */
  readonly padding: readonly [number, number];
  readonly ceilMode?: boolean;
}

/**
 * The number of places of a window: (in + padding - reach) / stride + 1, where reach = dilation (kernel - 1) + 1. In ceil mode a last
 * window may hang over the end, if it starts inside the input or the padding before it.
 */
export function places({ extent, kernel, stride, dilation, padding: [before, after], ceilMode }: Slide): number {
  const room = extent + before + after - (dilation * (kernel - 1) + 1);
  if (room < 0) return 0;
  const count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  return ceilMode && (count - 1) * stride >= extent + before ? count - 1 : count;
}

/**
 * The input's four axes.
 *
 * @throws {ShapeError} If there are not four.
 */
export function imageAxes(shape: Shape, what: string): readonly [number, number, number, number] {
  if (shape.length !== 4) {
    const remedy = shape.length === 3 ? `, add one with reshape(x, [${[shape[0], 1, ...shape.slice(1)].join(", ")}])` : "";
    throw new ShapeError(
      `Cannot apply ${what} to input ${showShape(shape)}: it needs 4 axes [batch, channels, height, width]${remedy}`,
      { shape },
    );
  }
  return [shape[0], shape[1], shape[2], shape[3]];
}

/**
 * Checks that at least one window fits.
 *
 * @throws {ShapeError} If none does.
 */
export function checkPlaces(out: readonly [number, number], shape: Shape, kernel: readonly number[], what: string): void {
  if (out.some((each) => each < 1)) {
    throw new ShapeError(
      `Cannot apply ${what} with kernel [${kernel.join(", ")}] to input ${
        showShape(shape)
      }: the window (with its dilation) is larger ` +
        `than the padded image`,
      { shape, kernel },
    );
  }
}
