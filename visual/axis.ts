/**
 * Axes: where a number lies on them, and which numbers are written at them. The scales are d3's.
 *
 * @module
 */
import { scaleLinear, scaleLog } from "./deps.ts";

/** What lies along an axis: equal differences, or equal ratios (values of 0 and below are gaps). */
export type Scale = "linear" | "log";

/** An axis that runs from 0 to 1. */
export interface Axis {
  /** The round numbers to write at it. */
  readonly ticks: readonly number[];
  /** Where a number lies. */
  readonly position: (value: number) => number;
}

/** What an axis should be like. */
export interface AxisOptions {
  /** About how many ticks. */
  readonly count: number;
  /** Default "linear". */
  readonly scale?: Scale;
  /** Begin and end at round numbers. Default true. */
  readonly nice?: boolean;
  /** Only integers as ticks. Default false. */
  readonly whole?: boolean;
}

/** An axis for finite values. */
export function axisFor(values: readonly number[], { scale = "linear", ...options }: AxisOptions): Axis {
  const count = Math.max(2, options.count);
  return scale === "log" ? logAxis(extent(values), count) : linearAxis(extent(values), { ...options, count });
}

/** From one power of ten to another. */
function logAxis([least, most]: readonly [number, number], count: number): Axis {
  const [low, next] = scaleLog().domain([least, most]).nice().domain();
  // Above the largest number there is no power of ten.
  const high = Number.isFinite(next) ? next : most;
  // A single value that is a power of ten gets the one below as well.
  const log = scaleLog().domain([low > high / 10 ? low / 10 : low, high]).range([0, 1]);
  // Within a few powers of ten d3 has a tick at each digit: too many to write.
  return { ticks: log.ticks(count).filter((tick) => /^[125]/.test(tick.toExponential(9))), position: log };
}

function linearAxis([least, most]: readonly [number, number], { count, nice = true, whole = false }: AxisOptions): Axis {
  const unit = unitFor(Math.max(Math.abs(least), Math.abs(most)));
  const [start, end] = withRoom([least / unit, most / unit]);
  const linear = scaleLinear().domain([start, end]).range([0, 1]);
  if (nice) linear.nice(count);
  const ticks = linear.ticks(count).map((tick) => tick * unit);
  return {
    ticks: ticks.filter((tick) => whole ? Number.isInteger(tick) : Number.isFinite(tick)),
    position: (value) => linear(value / unit),
  };
}

/**
 * A power of ten to divide numbers by, of which `size` is the largest, so that differences among them and their inverses are numbers: 1
 * but at the ends of what there is.
 */
export function unitFor(size: number): number {
  if (size > 1e250) return 1e100;
  return size > smallest && size < 1e-200 ? 1e-100 : 1;
}

/** Below, the powers of ten are no longer exact numbers: here that is 0. */
export const smallest = 1e-300;

/** Two numbers with room between them: one value, or several as good as one, have no extent, and stand in the middle of some. */
export function withRoom([least, most]: readonly [number, number]): [number, number] {
  const size = Math.max(Math.abs(least), Math.abs(most));
  const room = size <= smallest ? 1 : most - least < 1e-9 * size ? size / 2 : 0;
  return [least - room, most + room];
}

/** The least and the largest of numbers. (The number of arguments of Math.min is limited.) */
export function extent(values: readonly number[]): [number, number] {
  return values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
}

/** A number at an axis: short, and exact enough to tell it from its neighbours. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(12));
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? rounded.toExponential().replace("e+", "e") : `${rounded}`;
}

/** Where bars stand on a log scale, which has no zero: on the power of ten below the shortest. */
export function barFoot(values: readonly number[]): number {
  return 10 ** (Math.ceil(Math.log10(extent(values)[0])) - 1);
}
