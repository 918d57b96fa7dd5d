/**
 * What a chart is given, checked: curves as points, with gaps where there is nothing to draw.
 *
 * @module
 */
import { argument, arrayLike, isRecord } from "../core/kinds.ts";
import { type Scale, smallest } from "./axis.ts";

/** Values over 0, 1, 2, ... (or over the chart's `x`), or over an `x` of their own. */
export type Curve = ArrayLike<number> | { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> };

/** What a chart says beside its data. */
export interface ChartOptions {
  /** What to write above. Default: nothing. */
  readonly title?: string;
  /** What lies along the horizontal axis. Default: nothing is written. */
  readonly xLabel?: string;
  /** What lies along the vertical axis. Default: nothing is written. */
  readonly yLabel?: string;
  /** Width: of SVG in points (at least 100, default 640), of text in characters (default: the terminal's, at most 100). */
  readonly width?: number;
  /** Height: of SVG in points (at least 100, default 400; bars: what they need), of text in lines (default 16). */
  readonly height?: number;
}

/** Curves, and how to draw them. */
export interface LineChartOptions extends ChartOptions {
  /** The curves by name, in order of the legend. NaN and infinities leave a gap. */
  readonly series: Readonly<Record<string, Curve>>;
  /** Where the values of curves without an `x` of their own lie; at least as many as the longest has. Default: 0, 1, 2, ... */
  readonly x?: ArrayLike<number>;
  /** Default "linear". */
  readonly yScale?: Scale;
}

/** Bars, and how to draw them. */
export interface BarChartOptions extends ChartOptions {
  /** What each bar stands for: the layers of a network, the classes of a data set. */
  readonly names: readonly string[];
  /** For each series as many values as there are names; a bar that is NaN or infinite is left out. */
  readonly series: Readonly<Record<string, ArrayLike<number>>>;
  /** The scale of the values. Default "linear". */
  readonly scale?: Scale;
}

/** A point; y is null where there is nothing to draw. */
export type Point = readonly [x: number, y: number | null];

/** A curve as points. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** The curves of a chart, checked. */
export function linesOf({ series, x, yScale = "linear" }: LineChartOptions): readonly Line[] {
  const lines = Object.entries(series).map(([name, curve]): Line => {
    const own = isRecord(curve) && "y" in curve ? curve as Exclude<Curve, ArrayLike<number>> : undefined;
    argument(own?.y ?? curve as ArrayLike<number>, arrayLike, `curve ${JSON.stringify(name)}`, "a chart");
    if (own) argument(own.x, arrayLike, `x of the curve ${JSON.stringify(name)}`, "a chart");
    const [xs, ys] = own ? [own.x, own.y] : [x, curve as ArrayLike<number>];
    if (ys.length === 0) throw new RangeError(`Cannot draw the curve "${name}": it has no values`);
    if (xs && (own ? xs.length !== ys.length : xs.length < ys.length)) {
      throw new RangeError(`Cannot draw the curve "${name}": it has ${ys.length} values, but x has ${xs.length}`);
    }
    return {
      name,
      points: Array.from(ys, (y, i) => {
        const at = xs ? xs[i] : i;
        if (!Number.isFinite(at)) throw new RangeError(`Cannot draw the curve "${name}" at x = ${at}: x must be finite`);
        return [at, drawable(y, yScale)] as const;
      }),
    };
  });
  checkVisible(lines.flatMap(({ points }) => points.map(([, y]) => y)), yScale, "curves");
  return lines;
}

/** The bars of a chart, checked: null is left out. */
export function barsOf({ names, series, scale = "linear" }: BarChartOptions) {
  const bars = Object.entries(series).map(([name, values]) => {
    argument(values, arrayLike, `bars ${JSON.stringify(name)}`, "a chart");
    if (values.length !== names.length) {
      throw new RangeError(`Cannot draw the bars "${name}": there are ${values.length} values for ${names.length} names`);
    }
    return { name, values: Array.from(values, (value) => drawable(value, scale)) };
  });
  checkVisible(bars.flatMap(({ values }) => values), scale, "bars");
  return bars;
}

function drawable(value: number, scale: Scale): number | null {
  return Number.isFinite(value) && (scale === "linear" || value > smallest) ? value : null;
}

/** Checks that something can be seen. */
function checkVisible(values: readonly (number | null)[], scale: Scale, what: string): void {
  if (values.length === 0) throw new RangeError(`Cannot draw ${what}: none are given`);
  if (values.every((value) => value === null)) {
    throw new RangeError(
      `Cannot draw ${what}: no value is ${scale === "log" ? `finite and above ${smallest}, as a log scale needs` : "finite"}`,
    );
  }
}

/** Whether there is something to draw. */
export function isPresent(value: number | null): value is number {
  return value !== null;
}
