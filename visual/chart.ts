/**
 * Curves, bars and histograms as SVG documents, drawn by Apache ECharts.
 *
 * @module
 */
import { atLeast } from "./check.ts";
import {
  type BarChartOptions,
  barFoot,
  barsOf,
  type ChartOptions,
  extent,
  isPresent,
  type Line,
  type LineChartOptions,
  linesOf,
  tickText,
} from "./curves.ts";
import { bin, type EChartsOption, openChart, setPlatform } from "./deps.ts";

/** Numbers to count, and how to draw the counts. */
export interface HistogramOptions extends ChartOptions {
  /** The numbers; NaN and infinities are left out. */
  readonly values: ArrayLike<number>;
  /** About how many intervals, of a round width. Default 30. */
  readonly bins?: number;
}

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
  const lines = linesOf(options);
  const { xLabel, yLabel = lines.length === 1 ? lines[0].name : undefined, yScale = "linear" } = options;
  // Between epoch 1 and epoch 2 there is none.
  const whole = lines.every(({ points }) => points.every(([x]) => Number.isInteger(x)));
  return draw(options, lines, {
    xAxis: { ...axis(xLabel), type: "value", scale: true, splitLine: { show: false }, minInterval: whole ? 1 : 0 },
    yAxis: yScale === "log" ? { ...axis(yLabel), type: "log" } : { ...axis(yLabel), type: "value", scale: true },
    series: lines.map(({ name, points }) => ({
      ...shared(name),
      type: "line",
      symbol: "none",
      lineStyle: { width: 2 },
      // A point between two gaps has no line: it gets a dot.
      data: points.map(([x, y], i) => ({ value: [x, y ?? "-"], symbol: isAlone(points, i) ? "circle" : "none", symbolSize: 6 })),
    })),
  });
}

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
  const bars = barsOf(options);
  const { names, xLabel = bars.length === 1 ? bars[0].name : undefined, yLabel, scale = "linear" } = options;
  const foot = barFoot(bars.flatMap(({ values }) => values).filter(isPresent));
  const height = 140 + 14 * names.length * (bars.length + 1);
  return draw({ height, ...options }, bars, {
    xAxis: scale === "log" ? { ...axis(xLabel), type: "log", min: foot, startValue: foot } : { ...axis(xLabel), type: "value" },
    yAxis: { ...axis(yLabel), type: "category", inverse: true, axisTick: { show: false }, data: [...names] },
    series: bars.map(({ name, values }) => ({
      ...shared(name),
      type: "bar",
      barGap: "8%",
      barCategoryGap: "30%",
      data: values.map((value) => value ?? "-"),
    })),
  });
}

/**
 * How often numbers fall into intervals of equal width, as an SVG document: weights, gradients, activations.
 *
 * @throws {RangeError} If none of the numbers is finite, or `bins` is not a whole number of at least 1.
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
  const { values, bins = 30, xLabel, yLabel = "count" } = options;
  atLeast("draw a chart", 1, { bins });
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0) throw new RangeError(`Cannot draw a histogram of ${values.length} numbers: none of them is finite`);
  const [least, most] = extent(finite);
  const room = least === most ? Math.abs(least) / 2 || 1 : 0;
  const counts = bin().domain([least - room, most + room]).thresholds(bins)(finite);
  const edges = [...counts.map(({ x0, length }) => [x0, length]), [
    counts[counts.length - 1].x1,
    counts[counts.length - 1].length,
  ]];
  return draw(options, [{ name: "count" }], {
    xAxis: { ...axis(xLabel), type: "value", scale: true, splitLine: { show: false } },
    yAxis: { ...axis(yLabel), type: "value", minInterval: 1 },
    series: [{ ...shared("count"), type: "line", step: "end", symbol: "none", areaStyle: { opacity: 0.6 }, data: edges }],
  });
}

const colors = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"];

/** What all series have: nobody hovers over a file. */
function shared(name: string) {
  return { name, silent: true, animation: false };
}

function axis(name: string | undefined) {
  return {
    name,
    nameLocation: "middle",
    axisLine: { show: true, onZero: false },
    axisLabel: { formatter: (value: number | string) => typeof value === "number" ? tickText(value) : value },
  } as const;
}

function isAlone(points: Line["points"], i: number): boolean {
  return (points[i - 1]?.[1] ?? null) === null && (points[i + 1]?.[1] ?? null) === null;
}

/** Draws a chart, with a title if there is one and a legend if there are several series. */
function draw(options: ChartOptions, series: readonly { readonly name: string }[], parts: EChartsOption): string {
  const { title, width = 640, height = 400 } = options;
  atLeast("draw a chart", 1, { width, height });
  const legend = series.length > 1;
  setPlatform({ measureText });
  const chart = openChart(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "#fff",
      color: colors,
      title: { text: title, left: "center", top: 12, textStyle: { fontSize: 17, fontWeight: "normal" } },
      legend: { show: legend, top: title ? 42 : 12, itemGap: 20, itemWidth: 18, itemHeight: 4, icon: "roundRect" },
      grid: { left: 16, right: 28, bottom: 16, top: 20 + (title ? 30 : 0) + (legend ? 28 : 0), outerBounds: { left: 16 } },
      ...parts,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** About how wide text is: there is no browser to measure it, and its font is not known. Also used for the height of a line. */
function measureText(text: string, font = ""): { width: number } {
  const size = Number(/([\d.]+)px/.exec(font)?.[1] ?? 12);
  return { width: Array.from(text).reduce((sum, char) => sum + size * (char < "\u0250" ? 0.6 : 1), 0) };
}
