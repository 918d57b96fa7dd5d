/**
 * Curves and bars in the terminal. simple-ascii-chart draws curves and axes; gaps, ticks, log scales, legends and bars are ours.
 *
 * @module
 */
import { atLeast } from "./check.ts";
import {
  type BarChartOptions,
  barFoot,
  barsOf,
  extent,
  isPresent,
  type Line,
  type LineChartOptions,
  linesOf,
  tickText,
} from "./curves.ts";
import { plot, ticks, tickStep } from "./deps.ts";
import { escape, hasColor, terminalColumns } from "./terminal.ts";

/** Whether to tell series apart by colour. */
export interface ColorOptions {
  /** Default: if it goes to a terminal and `NO_COLOR` is not set. Otherwise each of several series has a character of its own. */
  readonly color?: boolean;
}

/** The colours of the series and their codes in a terminal; after the last comes the first again. */
const palette = [["ansiBlue", 34], ["ansiRed", 31], ["ansiGreen", 32], ["ansiYellow", 33], ["ansiMagenta", 35], [
  "ansiCyan",
  36,
]] as const;
const marks = ["*", "o", "+", "x", "#", "@"];

/**
 * Curves as text to print, of the same options as `lineChart`.
 *
 * @returns Lines, without a line end behind the last.
 * @throws {RangeError} As `lineChart`.
 * @example
 * ```ts
 * import { showLineChart } from "./mod.ts";
 *
 * const loss = Array.from({ length: 50 }, (_, epoch) => Math.exp(-epoch / 10));
 * console.log(showLineChart({ series: { loss }, xLabel: "epoch", yScale: "log", height: 10 }));
 * ```
 */
export function showLineChart(options: LineChartOptions & ColorOptions): string {
  const lines = linesOf(options);
  const { title, xLabel, yLabel = lines.length === 1 ? lines[0].name : undefined, yScale = "linear", height = 16 } = options;
  const { width = Math.min(100, terminalColumns()), color = hasColor() } = options;
  atLeast("draw a chart", 1, { width, height });
  const log = yScale === "log";
  const pieces = lines.flatMap(({ points }, line) =>
    piecesOf(points).map((piece) => ({ line, piece: piece.map(([x, y]): Place => [x, log ? Math.log10(y) : y]) }))
  );
  const places = pieces.flatMap(({ piece }) => piece);
  const ys = places.map(([, y]) => y), xs = places.map(([x]) => x);
  const yTicks = (log ? powerTicks : roundTicks)(ys, height / 4);
  const yTexts = yTicks.map((y) => tickText(log ? 10 ** y : y));
  const margin = Math.max(...yTexts.map((text) => text.length));
  const inside = Math.max(8, width - 3 - margin);
  const whole = xs.every(Number.isInteger);
  const xTicks = ticks(...extent(xs), Math.max(2, inside / 12)).filter((x) => !whole || Number.isInteger(x));
  // The library is given numbers from 0 to 1, which it computes with safely, and looks the texts of the ticks up.
  const [toX, toY] = [unit(extent(xs)), unit(extent([...yTicks, ...ys]))];
  const texts = {
    x: new Map(xTicks.map((x) => [toX(x), tickText(x)])),
    y: new Map(yTicks.map((y, i) => [toY(y), yTexts[i].padStart(margin)])),
  };
  const drawn = plot(pieces.map(({ piece }) => sampled(piece.map(([x, y]) => [toX(x), toY(y)]), 1 / (inside - 1))), {
    width: inside,
    height,
    yRange: [0, 1],
    customXAxisTicks: [...texts.x.keys()],
    customYAxisTicks: [...texts.y.keys()],
    formatter: (value, { axis }) => texts[axis].get(value) ?? "",
    color: lines.length > 1 || color ? (piece) => palette[pieces[piece].line % palette.length][0] : undefined,
  });
  return [
    ...(title ? [centred(title, width)] : []),
    ...(yLabel ? [yLabel] : []),
    ...(color ? drawn : marked(drawn)).split("\n").map((line) => line.trimEnd()).filter((line) => line !== ""),
    ...(xLabel ? [centred(xLabel, width)] : []),
    ...legend(lines, color, "━━"),
  ].join("\n");
}

/**
 * Bars as text to print, of the same options as `barChart`, with their values behind them.
 *
 * @returns Lines, without a line end behind the last.
 * @throws {RangeError} As `barChart`.
 * @example
 * ```ts
 * import { showBarChart } from "./mod.ts";
 *
 * const names = ["conv1.weight", "conv2.weight", "head.weight"];
 * console.log(showBarChart({ names, series: { "gradient norm": [2e-5, 3e-3, 0.4] }, scale: "log", title: "Gradients" }));
 * ```
 */
export function showBarChart(options: BarChartOptions & ColorOptions): string {
  const bars = barsOf(options);
  const { names, title, xLabel = bars.length === 1 ? bars[0].name : undefined, scale = "linear" } = options;
  const { width = Math.min(100, terminalColumns()), color = hasColor() } = options;
  atLeast("draw a chart", 1, { width });
  const values = bars.flatMap(({ values }) => values).filter(isPresent);
  const foot = scale === "log" ? barFoot(values) : 0;
  const to = scale === "log" ? (value: number) => Math.log10(value / foot) : (value: number) => value;
  const [least, most] = extent([0, ...values.map(to)]);
  const margin = Math.max(...names.map((name) => name.length));
  const text = (value: number) => tickText(Number(value.toPrecision(4)));
  const room = Math.max(8, width - margin - 3 - Math.max(...values.map((value) => text(value).length)));
  const column = (value: number) => Math.round(room * (value - least) / (most - least || 1));
  const row = (name: string, value: number | null, series: number) => {
    if (value === null) return `${name.padEnd(margin)} │`;
    const [start, end] = extent([column(0), column(to(value))]);
    const bar = (color || bars.length === 1 ? "█" : marks[series % marks.length]).repeat(end - start);
    return `${name.padEnd(margin)} │${" ".repeat(start)}${color ? coloured(bar, series) : bar} ${text(value)}`;
  };
  return [
    ...(title ? [centred(title, width)] : []),
    ...(xLabel ? [centred(xLabel, width)] : []),
    ...names.flatMap((name, i) => bars.map(({ values }, series) => row(series === 0 ? name : "", values[i], series))),
    ...legend(bars, color, "█"),
  ].join("\n");
}

type Place = readonly [x: number, y: number];

/** The parts of a curve between its gaps. */
function piecesOf(points: Line["points"]): Place[][] {
  const pieces: Place[][] = [[]];
  for (const [x, y] of points) {
    if (y === null) pieces.push([]);
    else pieces[pieces.length - 1].push([x, y]);
  }
  return pieces.filter((piece) => piece.length > 0);
}

/** A piece with one point in each column, so that it is drawn as a slope: on the line between points, or the mean of many. */
function sampled(piece: readonly Place[], column: number): [x: number, y: number][] {
  const points = piece.toSorted(([a], [b]) => a - b);
  const [first] = points[0], [last] = points[points.length - 1];
  const count = Math.round((last - first) / column) + 1;
  let next = 0;
  return Array.from({ length: count }, (_, i) => {
    const x = count === 1 ? first : first + (last - first) * i / (count - 1);
    const start = next;
    while (next < points.length && points[next][0] <= x + column / 2) next++;
    if (next > start) return [x, points.slice(start, next).reduce((sum, [, y]) => sum + y, 0) / (next - start)];
    const [[x0, y0], [x1, y1]] = [points[next - 1], points[next]];
    return [x, y0 + (y1 - y0) * (x - x0) / (x1 - x0)];
  });
}

/** A map from a range of numbers to that from 0 to 1. */
function unit([least, most]: readonly [number, number]): (value: number) => number {
  return (value) => least === most ? 0 : (value - least) / (most - least);
}

/** About `count` round numbers that enclose values. */
function roundTicks(values: readonly number[], count: number): number[] {
  const [least, most] = extent(values);
  const size = Math.max(Math.abs(least), Math.abs(most));
  // One value, or several as good as one, have no extent: they stand in the middle of some.
  const room = size < 1e-300 ? 1 : most - least < 1e-9 * size ? size / 2 : 0;
  const step = tickStep(least - room, most + room, Math.max(2, count));
  const first = Math.floor((least - room) / step), last = Math.ceil((most + room) / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Exponents that enclose exponents: whole ones, or within two powers of ten those of 1, 2, 5, 10, 20, ... */
function powerTicks(exponents: readonly number[], count: number): number[] {
  const [least, most] = extent(exponents);
  if (most - least > 2) return roundTicks(exponents, Math.min(count, most - least));
  const [below, above] = [Math.floor(least), Math.ceil(most)];
  const fine = Array.from({ length: above - below + 1 }, (_, i) => [1, 2, 5].map((digit) => below + i + Math.log10(digit)))
    .flat();
  const first = fine.findLastIndex((tick) => tick <= least);
  const last = fine.findIndex((tick) => tick >= most);
  return fine.slice(Math.max(0, first === last ? first - 1 : first), last + 1 + Number(first === last));
}

/** Replaces colours by marks; a chart without colours stays as it is. */
function marked(text: string): string {
  const coloured = new RegExp(`${escape}\\[(3\\d)m(.)${escape}\\[0m`, "gu");
  return text.replace(coloured, (_, code) => marks[palette.findIndex(([, known]) => known === Number(code))]);
}

function coloured(text: string, series: number): string {
  return `${escape}[${palette[series % palette.length][1]}m${text}${escape}[0m`;
}

/** What the series are called, if there are several. */
function legend(series: readonly { readonly name: string }[], color: boolean, sample: string): string[] {
  if (series.length < 2) return [];
  return [series.map(({ name }, i) => `${color ? coloured(sample, i) : marks[i % marks.length]} ${name}`).join("   ")];
}

function centred(text: string, width: number): string {
  return text.padStart((width + text.length) >> 1);
}
