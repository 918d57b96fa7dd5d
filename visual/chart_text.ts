/**
 * Curves and bars in the terminal. simple-ascii-chart draws curves and axes; gaps, ticks, log scales, legends and bars are ours.
 *
 * @module
 */
import { barKinds, lineKinds } from "./option_kinds.ts";
import { flag } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { axisFor, barFoot, extent, tickText, unitFor } from "./axis.ts";
import { atLeast } from "./check.ts";
import { type BarChartOptions, barsOf, isPresent, type Line, type LineChartOptions, linesOf } from "./curves.ts";
import { plot } from "./deps.ts";
import { escape, hasColor, terminalColumns } from "./terminal.ts";

/** Options of charts in the terminal. */
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

const lineChartOptions = optionTable<LineChartOptions & ColorOptions>({ ...lineKinds, color: flag });

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
  checkOptions(options, lineChartOptions, "showLineChart");
  const lines = linesOf(options);
  const { title, xLabel, yLabel = lines.length === 1 ? lines[0].name : undefined, yScale = "linear", height = 16 } = options;
  const { width = Math.min(100, terminalColumns()), color = hasColor() } = options;
  atLeast("draw a chart", 1, { width, height });
  const xs = lines.flatMap(({ points }) => points.filter(([, y]) => y !== null).map(([x]) => x));
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter(isPresent);
  const y = axisFor(ys, { count: height / 4, scale: yScale });
  const margin = Math.max(...y.ticks.map((tick) => tickText(tick).length));
  const inside = Math.max(8, width - 3 - margin);
  const x = axisFor(xs, { count: inside / 12, nice: false, whole: xs.every(Number.isInteger) });
  // The library is given positions from 0 to 1, and looks the texts of the ticks up.
  const texts = {
    x: new Map(x.ticks.map((tick) => [x.position(tick), tickText(tick)])),
    y: new Map(y.ticks.map((tick) => [y.position(tick), tickText(tick)])),
  };
  const pieces = lines.flatMap(({ points }, line) =>
    piecesOf(points).map((piece) => ({ line, piece: piece.map(([at, value]): Position => [x.position(at), y.position(value)]) }))
  );
  const drawn = plot(pieces.map(({ piece }) => sampled(piece, 1 / (inside - 1))), {
    width: inside,
    height,
    yRange: [0, 1],
    customXAxisTicks: [...texts.x.keys()],
    customYAxisTicks: [...texts.y.keys()],
    // It leaves as much room for ticks as the values of the curves would take.
    formatter: (value, { axis }) => (texts[axis].get(value) ?? "").padStart(axis === "y" ? margin : 0),
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

const barChartOptions = optionTable<BarChartOptions & ColorOptions>({ ...barKinds, color: flag });

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
  checkOptions(options, barChartOptions, "showBarChart");
  const bars = barsOf(options);
  const { names, title, xLabel = bars.length === 1 ? bars[0].name : undefined, scale = "linear" } = options;
  const { width = Math.min(100, terminalColumns()), color = hasColor() } = options;
  atLeast("draw a chart", 1, { width, height: options.height ?? 1 });
  const values = bars.flatMap(({ values }) => values).filter(isPresent);
  const foot = scale === "log" ? barFoot(values) : 0;
  const unit = unitFor(values.reduce((size, value) => Math.max(size, Math.abs(value)), 0));
  const to = (value: number) => scale === "log" ? Math.log10(value) - Math.log10(foot) : value / unit;
  const [least, most] = extent([0, ...values.map(to)]);
  const margin = extent(names.map((name) => name.length))[1];
  const text = (value: number) => {
    const rounded = Number(value.toPrecision(4));
    return tickText(Number.isFinite(rounded) ? rounded : value); // the largest numbers cannot be rounded up
  };
  const room = Math.max(8, width - margin - 3 - extent(values.map((value) => text(value).length))[1]);
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

type Position = readonly [x: number, y: number];

/** The parts of a curve between its gaps. */
function piecesOf(points: Line["points"]): Position[][] {
  const pieces: Position[][] = [[]];
  for (const [x, y] of points) {
    if (y === null) pieces.push([]);
    else pieces[pieces.length - 1].push([x, y]);
  }
  return pieces.filter((piece) => piece.length > 0);
}

/** A piece with one point in each column, so that it is drawn as a slope: on the line between points, or the mean of many. */
function sampled(piece: readonly Position[], column: number): [x: number, y: number][] {
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
