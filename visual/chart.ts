/**
 * Curves, bars and histograms as SVG documents. Scales, ticks and paths are d3's, the markup is ours: it needs no browser.
 *
 * @module
 */
import { barKinds, chartKinds, lineKinds } from "./option_kinds.ts";
import { arrayLike, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { type Axis, axisFor, barFoot, extent, tickText, unitFor, withRoom } from "./axis.ts";
import { atLeast } from "./check.ts";
import {
  type BarChartOptions,
  barsOf,
  type ChartOptions,
  isPresent,
  type LineChartOptions,
  linesOf,
  type Point,
} from "./curves.ts";
import { bin, line } from "./deps.ts";
import { element, svgDocument, text, widthOf } from "./svg.ts";

/** Numbers to count, and how to draw the counts. */
export interface HistogramOptions extends ChartOptions {
  /** The numbers; NaN and infinities are left out. */
  readonly values: ArrayLike<number>;
  /** About how many intervals, of a round width. Default 30. */
  readonly bins?: number;
}

const histogramOptions = optionTable<HistogramOptions>({ ...chartKinds, values: needed(arrayLike), bins: real });

const lineChartOptions = optionTable<LineChartOptions>(lineKinds);

/**
 * Curves over a common axis, as an SVG document: losses, accuracies, rates.
 *
 * A legend names the curves; a single one is named by the vertical axis, unless `yLabel` says otherwise.
 *
 * @throws {RangeError} If there is no curve, a curve has no values or not as many as its `x`, an x is not finite, or nothing is
 * left to draw (all is NaN; or, on a log scale, not positive).
 * @example
 * ```ts
 * import { lineChart } from "./mod.ts";
 *
 * const epochs = [5, 10, 15, 20];
 * const series = { "all equal": [0.69, 0.52, 0.31, 0.12], "not all equal": [0.7, 0.66, 0.4, 0.2] };
 * const chart = lineChart({ series, x: epochs, title: "Losses", xLabel: "epoch", yLabel: "loss", yScale: "log" });
 * await Deno.writeTextFile(`${await Deno.makeTempDir()}/losses.svg`, chart);
 * ```
 */
export function lineChart(options: LineChartOptions): string {
  checkOptions(options, lineChartOptions, "lineChart");
  const lines = linesOf(options);
  const { xLabel, yLabel = lines.length === 1 ? lines[0].name : undefined, yScale } = options;
  const points = lines.flatMap(({ points }) => points);
  const xs = points.map(([x]) => x);
  const x = axisFor(xs, { count: 8, nice: false, whole: xs.every(Number.isInteger) });
  const y = axisFor(points.map(([, y]) => y).filter(isPresent), { count: 6, scale: yScale });
  return draw({ ...options, xLabel, yLabel }, lines.map(({ name }) => name), { x, y, grid: "y" }, ({ toX, toY }) => {
    const path = line<Point>().defined(([, y]) => y !== null).x(([x]) => toX(x)).y(([, y]) => toY(y ?? 0)).digits(2);
    return lines.flatMap(({ points }, i) => [
      element("path", { d: path(points) ?? "", fill: "none", stroke: colorOf(i), "stroke-width": 2, "stroke-linejoin": "round" }),
      // A point between two gaps has no line: it gets a dot.
      ...points.filter((_, at) => isAlone(points, at)).map(([x, y]) =>
        element("circle", { cx: toX(x), cy: toY(y ?? 0), r: 3, fill: colorOf(i) })
      ),
    ]);
  });
}

const barChartOptions = optionTable<BarChartOptions>(barKinds);

/**
 * Bars with their names at the left, as an SVG document: gradient norms by layer, accuracies by class. With several series the
 * bars of a name stand under each other.
 *
 * @throws {RangeError} If there is no bar, a series has not as many values as there are names, or nothing is left to draw.
 * @example
 * ```ts
 * import { barChart } from "./mod.ts";
 *
 * const names = ["conv1.weight", "conv2.weight", "head.weight"];
 * const series = { sigmoid: [2e-5, 3e-3, 0.4], relu: [0.2, 0.3, 0.5] };
 * const chart = barChart({ names, series, scale: "log", xLabel: "gradient norm" });
 * await Deno.writeTextFile(`${await Deno.makeTempDir()}/norms.svg`, chart);
 * ```
 */
export function barChart(options: BarChartOptions): string {
  checkOptions(options, barChartOptions, "barChart");
  const bars = barsOf(options);
  const { names, xLabel = bars.length === 1 ? bars[0].name : undefined, scale = "linear" } = options;
  const values = bars.flatMap(({ values }) => values).filter(isPresent);
  const foot = scale === "log" ? barFoot(values) : 0;
  const x = axisFor([foot, ...values], { count: 6, scale });
  // Each name has a row: its bars, and half a bar of room on both sides.
  const y: Axis = { ticks: names.map((_, i) => i), position: (row) => 1 - (row + 0.5) / names.length };
  const height = 110 + 14 * names.length * (bars.length + 1);
  const axes = { x, y, grid: "x", names } as const;
  return draw({ height, ...options, xLabel }, bars.map(({ name }) => name), axes, ({ toX, toY }) => {
    const thickness = Math.abs(toY(1) - toY(0)) / (bars.length + 1);
    return bars.flatMap(({ values }, i) =>
      values.flatMap((value, row) => {
        if (value === null) return [];
        const [left, right] = extent([toX(foot), toX(value)]);
        const top = toY(row) + thickness * (i - bars.length / 2);
        return [element("rect", { x: left, y: top, width: right - left, height: 0.92 * thickness, fill: colorOf(i) })];
      })
    );
  });
}

/**
 * How often numbers fall into intervals of equal width, as an SVG document: weights, gradients, activations.
 *
 * @throws {RangeError} If none of the numbers is finite, or `bins` is not an integer of at least 1.
 * @example
 * ```ts
 * import { histogram } from "./mod.ts";
 * import { data, random } from "../mod.ts";
 *
 * const values = await data(random.normal(random.key(0), [1000]));
 * await Deno.writeTextFile(`${await Deno.makeTempDir()}/normal.svg`, histogram({ values, title: "1000 normal numbers" }));
 * ```
 */
export function histogram(options: HistogramOptions): string {
  checkOptions(options, histogramOptions, "histogram");
  const { values, bins = 30, yLabel = "count" } = options;
  atLeast("draw a histogram", 1, { bins });
  if (bins > 10_000) throw new RangeError(`Cannot draw a histogram with ${bins} bins: 10,000 are the most`);
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0) throw new RangeError(`Cannot draw a histogram of ${values.length} numbers: none of them is finite`);
  const counts = countIn(finite, bins);
  const x = axisFor(counts.flatMap(({ from, to }) => [from, to]), { count: 8, nice: false });
  const y = axisFor([0, ...counts.map(({ count }) => count)], { count: 6, whole: true });
  return draw(
    { ...options, yLabel },
    [],
    { x, y, grid: "y" },
    ({ toX, toY }) =>
      counts.filter(({ count }) => count > 0).map(({ from, to, count }) =>
        element("rect", {
          x: toX(from),
          y: toY(count),
          width: toX(to) - toX(from),
          height: toY(0) - toY(count),
          fill: colorOf(0),
          stroke: "#fff",
          "stroke-width": 0.5,
        })
      ),
  );
}

/** Numbers counted in about so many intervals of a round width. */
function countIn(values: readonly number[], bins: number): { from: number; to: number; count: number }[] {
  const [least, most] = extent(values);
  const unit = unitFor(Math.max(Math.abs(least), Math.abs(most)));
  const [start, end] = withRoom([least / unit, most / unit]);
  const toNumber = (scaled: number) => Math.min(Math.max(scaled * unit, -Number.MAX_VALUE), Number.MAX_VALUE);
  return bin().domain([start, end]).thresholds(bins)(values.map((value) => value / unit))
    .map(({ x0 = start, x1 = end, length }) => ({ from: toNumber(x0), to: toNumber(x1), count: length }));
}

const colors = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"];

/** The colour of a series; after the last comes the first again. */
function colorOf(series: number): string {
  return colors[series % colors.length];
}

function isAlone(points: readonly Point[], i: number): boolean {
  const isGap = (point: Point | undefined) => point === undefined || point[1] === null;
  return !isGap(points[i]) && isGap(points[i - 1]) && isGap(points[i + 1]);
}

/** The axes of a chart. */
interface Axes {
  readonly x: Axis;
  readonly y: Axis;
  /** Along which axis there is a line at every tick. */
  readonly grid: "x" | "y";
  /** What to write at the ticks of y instead of their numbers. */
  readonly names?: readonly string[];
}

/** From values to positions in the document. */
interface Coordinates {
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
}

const [small, large] = [12, 17];

/** Draws a chart around its marks: a title if there is one, a legend if there are several series, axes with ticks and labels. */
function draw(
  options: ChartOptions,
  series: readonly string[],
  axes: Axes,
  marks: (coordinates: Coordinates) => string[],
): string {
  const { title, xLabel, yLabel, width = 640, height = 400 } = options;
  atLeast("draw a chart", 100, { width, height });
  const { x, y, grid, names } = axes;
  const yTexts = y.ticks.map((tick, i) => names?.[i] ?? tickText(tick));
  const key = legend(series.length > 1 ? series : [], width, title ? 58 : 28);
  const left = 24 + (yLabel ? 20 : 0) + extent(yTexts.map((text) => widthOf(text, small)))[1];
  const top = 20 + (title ? 30 : 0) + key.height;
  // Names may leave no room at all: better a thin chart than one turned round.
  const [right, bottom] = [Math.max(left + 10, width - 28), Math.max(top + 10, height - 34 - (xLabel ? 22 : 0))];
  const toX = (value: number) => left + (right - left) * x.position(value);
  const toY = (value: number) => bottom - (bottom - top) * y.position(value);
  const rule = (from: Position, to: Position, stroke: string) =>
    element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke, "stroke-width": 1 });
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  return svgDocument(width, height, [
    ...(title ? [text(title, width / 2, 30, large)] : []),
    ...key.parts,
    ...(grid === "x"
      ? x.ticks.map((tick) => rule([toX(tick), top], [toX(tick), bottom], "#e3e5ea"))
      : y.ticks.map((tick) => rule([left, toY(tick)], [right, toY(tick)], "#e3e5ea"))),
    ...marks({ toX, toY }),
    rule([left, top], [left, bottom], "#555"),
    rule([left, bottom], [right, bottom], "#555"),
    ...x.ticks.flatMap((tick) => [
      rule([toX(tick), bottom], [toX(tick), bottom + 5], "#555"),
      text(tickText(tick), toX(tick), bottom + 19, small),
    ]),
    ...y.ticks.flatMap((tick, i) => [
      ...(names ? [] : [rule([left - 5, toY(tick)], [left, toY(tick)], "#555")]),
      text(yTexts[i], left - 9, toY(tick) + 4, small, { "text-anchor": "end" }),
    ]),
    ...(xLabel ? [text(xLabel, middleX, height - 14, small + 1)] : []),
    ...(yLabel ? [text(yLabel, 20, middleY, small + 1, { transform: `rotate(-90 20 ${middleY})` })] : []),
  ]);
}

type Position = readonly [x: number, y: number];

/** The names of the series behind their colours, in as many lines as they need. */
function legend(names: readonly string[], width: number, top: number): { readonly parts: string[]; readonly height: number } {
  const lines: { name: string; series: number; length: number }[][] = [];
  let used = Infinity;
  names.forEach((name, series) => {
    const length = 46 + widthOf(name, small);
    if (used + length > width - 32) {
      lines.push([]);
      used = 0;
    }
    lines[lines.length - 1].push({ name, series, length });
    used += length;
  });
  const parts = lines.flatMap((line, row) => {
    let x = (width - line.reduce((sum, { length }) => sum + length, -18)) / 2;
    const y = top + 20 * row;
    return line.flatMap(({ name, series, length }) => {
      const start = x;
      x += length;
      return [
        element("rect", { x: start, y: y - 6, width: 18, height: 4, rx: 1, fill: colorOf(series) }),
        text(name, start + 24, y, small, { "text-anchor": "start" }),
      ];
    });
  });
  return { parts, height: 20 * lines.length + (lines.length > 0 ? 6 : 0) };
}
