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

/** An axis for values. */
export function axisFor(values: readonly number[], options: AxisOptions): Axis {
  const { scale = "linear", nice = true, whole = false } = options;
  const count = Math.max(2, options.count);
  const [least, most] = extent(values);
  if (scale === "log") {
    // Rounded to powers of ten; a single value that is one gets the power below as well.
    const [low, high] = scaleLog().domain([least, most]).nice().domain();
    const log = scaleLog().domain([low === high ? low / 10 : low, high]).range([0, 1]);
    // Within a few powers of ten d3 has a tick at each digit: too many to write.
    return { ticks: log.ticks(count).filter((tick) => /^[125]/.test(tick.toExponential(9))), position: log };
  }
  const size = Math.max(Math.abs(least), Math.abs(most));
  // One value, or several as good as one, have no extent: they stand in the middle of some.
  const room = size < 1e-300 ? 1 : most - least < 1e-9 * size ? size / 2 : 0;
  const linear = scaleLinear().domain([least - room, most + room]).range([0, 1]);
  if (nice) linear.nice(count);
  return { ticks: linear.ticks(count).filter((tick) => !whole || Number.isInteger(tick)), position: linear };
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
