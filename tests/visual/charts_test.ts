/** Charts: well-formed, nothing lost, gaps where there is nothing, and never a line wider than asked for. */
import assert from "node:assert/strict";
import { fc } from "../../dev_deps.ts";
import { axisFor, tickText } from "../../visual/axis.ts";
import {
  barChart,
  type BarChartOptions,
  histogram,
  lineChart,
  type LineChartOptions,
  showBarChart,
  showLineChart,
} from "../../visual/mod.ts";
import { elements, texts } from "./svg.ts";
import { anyText } from "../support/texts.ts";

const [first, second] = ["#4269d0", "#efb118"];

/** The path of the first curve, as its parts: each a list of points. */
function firstCurve(svg: string): [x: number, y: number][][] {
  const [{ d }] = elements(svg, "path").filter(({ stroke }) => stroke === first);
  return d.split("M").slice(1).map((part) =>
    part.split("L").map((point) => point.split(",").map(parseFloat) as [number, number])
  );
}

/** How many dots there are in the first curve's colour. */
function dots(svg: string): number {
  return elements(svg, "circle").filter(({ fill }) => fill === first).length;
}

Deno.test("lineChart writes title, axes and legend as they are", () => {
  const names = ["<equal> & more", `"not" 'equal'`];
  const svg = lineChart({
    series: { [names[0]]: [1, 2], [names[1]]: [2, 1] },
    title: "a < b",
    xLabel: "epoch & step",
    yLabel: "loss > 0",
  });
  for (const text of [...names, "a < b", "epoch & step", "loss > 0"]) assert.ok(texts(svg).includes(text), text);
  assert.deepEqual([elements(svg, "svg")[0].width, elements(svg, "svg")[0].height], ["640", "400"]);
  const strange = lineChart({ series: { a: [1] }, title: "\0\u0007\ufffe\uffff\u{1f600}\t\ud800" });
  assert.ok(texts(strange).includes("\ufffd\ufffd\ufffd\ufffd\u{1f600}\t\ufffd"), "what XML cannot hold is replaced");
  const single = lineChart({ series: { loss: [1, 2] }, width: 300, height: 200 });
  assert.deepEqual(texts(single).filter((text) => text === "loss"), ["loss"], "a single curve is named by its axis");
  assert.deepEqual([elements(single, "svg")[0].width, elements(single, "svg")[0].height], ["300", "200"]);
});

Deno.test("lineChart draws points in proportion, linear and logarithmic", () => {
  const [[a, b, c]] = firstCurve(lineChart({ series: { y: [0, 10, 20] }, x: [0, 1, 4] }));
  assert.ok(Math.abs((c[0] - a[0]) - 4 * (b[0] - a[0])) < 0.1 && Math.abs((c[1] - a[1]) - 2 * (b[1] - a[1])) < 0.1);
  assert.ok(c[1] < a[1], "up is up");
  const [[d, e, f]] = firstCurve(lineChart({ series: { y: [1e-6, 1e-4, 1] }, yScale: "log" }));
  assert.ok(Math.abs((f[1] - e[1]) - 2 * (e[1] - d[1])) < 0.1);
});

Deno.test("NaN, infinities and, on a log scale, what is not positive are gaps; a lone point is a dot", () => {
  const gaps = [1, 2, NaN, 3, Infinity, 4, 5];
  for (const svg of [lineChart({ series: { gaps } }), lineChart({ series: { gaps: [...gaps, -1, 0] }, yScale: "log" })]) {
    assert.deepEqual(firstCurve(svg).filter((part) => part.length > 1).map((part) => part.length), [2, 2]);
    assert.equal(dots(svg), 1);
  }
  assert.equal(dots(lineChart({ series: { one: { x: [3], y: [5] } } })), 1);
  assert.equal(firstCurve(lineChart({ series: { constant: [5, 5, 5] } }))[0].length, 3);
  assert.equal(firstCurve(lineChart({ series: { constant: [5, 5, 5] }, yScale: "log" }))[0].length, 3);
});

Deno.test("curves that cannot be drawn are refused by both charts", () => {
  const wrong: LineChartOptions[] = [
    { series: {} },
    { series: { loss: [] } },
    { series: { loss: [NaN, Infinity] } },
    { series: { loss: [-1, 0] }, yScale: "log" },
    { series: { loss: [1, 2, 3] }, x: [1, 2] },
    { series: { loss: { x: [1, 2, 3], y: [1, 2] } } },
    { series: { loss: [1, 2] }, x: [0, NaN] },
    { series: { loss: [1] }, width: 0 },
    { series: { loss: [1] }, height: 1.5 },
  ];
  for (const options of wrong) {
    assert.throws(() => lineChart(options), RangeError);
    assert.throws(() => showLineChart(options), RangeError);
  }
  const wrongBars: BarChartOptions[] = [
    { names: ["a"], series: {} },
    { names: ["a"], series: { norm: [1, 2] } },
    { names: ["a"], series: { norm: [NaN] } },
    { names: [], series: { norm: [] } },
  ];
  for (const bars of wrongBars) {
    assert.throws(() => barChart(bars), RangeError);
    assert.throws(() => showBarChart(bars), RangeError);
  }
});

Deno.test("a curve may have fewer values than x, and typed arrays and an x of its own", () => {
  const series = { short: [1, 2], typed: Float32Array.of(3, 4, 5), own: { x: Int32Array.of(7, 9), y: [1, 1] } };
  assert.equal(firstCurve(lineChart({ series, x: [1, 2, 3] }))[0].length, 2);
});

Deno.test("barChart draws a bar for each value that is there", () => {
  const names = ["conv1.weight", "features.block1.conv2.weight", "fc"];
  const series = { before: [1e-5, NaN, 1], after: [1e-2, 0.5, 2] };
  for (const scale of ["linear", "log"] as const) {
    const svg = barChart({ names, series, scale, title: "Gradients", xLabel: "norm" });
    for (const text of [...names, "before", "after", "Gradients", "norm"]) assert.ok(texts(svg).includes(text), text);
    // The square before a name in the legend has round corners.
    const lengths = [first, second].map((color) =>
      elements(svg, "rect").filter(({ fill, rx }) => fill === color && rx === undefined).map(({ width }) => Number(width))
    );
    assert.deepEqual(lengths.map(({ length }) => length), [2, 3]);
    // On the log scale bars stand on 1e-6: 1e-5 is one power of ten above it, 1 is six.
    const ratio = scale === "log" ? 6 : 2;
    assert.ok(Math.abs((scale === "log" ? lengths[0][1] / lengths[0][0] : lengths[1][2] / lengths[0][1]) - ratio) < 0.02);
  }
});

Deno.test("histogram counts the finite numbers", () => {
  const svg = histogram({ values: [0, 0, 0, 1, 2, 2, NaN, Infinity], bins: 3, title: "h" });
  assert.ok(texts(svg).includes("h") && texts(svg).includes("count") && texts(svg).includes("3"));
  elements(histogram({ values: [5, 5] }), "svg");
  assert.throws(() => histogram({ values: [NaN] }), RangeError);
  assert.throws(() => histogram({ values: [1], bins: 0 }), RangeError);
});

Deno.test("showLineChart draws axes, ticks and the curve", () => {
  const text = showLineChart({ series: { y: [0, 1, 2, 3, 4] }, height: 5, width: 20, title: "Up", xLabel: "x", color: false });
  assert.equal(
    text,
    `\
         Up
y
 ▲
4┤             ┏━━
 │         ┏━━━┛
2┤     ┏━━━┛
 │ ┏━━━┛
0┤━┛
 └┬───────┬──────┬▶
  0       2      4
         x`,
  );
});

Deno.test("showLineChart leaves room for its ticks, whatever the values", () => {
  const text = showLineChart({ series: { y: [-0.99, 0.31, 0.77] }, height: 5, width: 20, color: false });
  assert.deepEqual(text.split("\n").filter((line) => line.includes("┤")).map((line) => line.split("┤")[0]), [" 1", " 0", "-1"]);
});

Deno.test("showLineChart distinguishes curves by characters or colours", () => {
  const series = { up: [1, 2], down: [2, 1] };
  const plain = showLineChart({ series, width: 40, height: 6, color: false });
  assert.ok(plain.endsWith("* up   o down") && !plain.includes("\u001b") && !plain.includes("━"));
  const coloured = showLineChart({ series, width: 40, height: 6, color: true });
  assert.ok(
    coloured.includes("\u001b[34m") && coloured.includes("\u001b[31m") && coloured.endsWith("\u001b[31m━━\u001b[0m down"),
  );
});

/** Without colours each character is one column. */
function widest(text: string): number {
  return Math.max(...text.split("\n").map((line) => line.length));
}

/** Any number, often one at which arithmetic comes to an end. */
const anyNumber = fc.oneof(
  fc.double(),
  fc.double({ min: -1e12, max: 1e12 }),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, 1e-9, 3e7, 5e-324, -1e-310, 1e-300, 2e-300),
  fc.constantFrom(1e300, 1e308, -1e308, 1.7e308, Number.MAX_VALUE, -Number.MAX_VALUE, 1e-308, Number.EPSILON, 2 ** 53),
);
const scale = fc.constantFrom("linear" as const, "log" as const);

/** Numbers of which many are nearly equal. */
const numbers = fc.oneof(
  fc.array(anyNumber, { maxLength: 300 }),
  fc.tuple(anyNumber, fc.array(fc.nat(3), { maxLength: 20 })).map(([around, steps]) =>
    steps.map((step) => around * (1 + step * Number.EPSILON))
  ),
);

/** Whether an axis has a place for a number: below 1e-300 the powers of ten are no longer exact, so that a log scale ends there. */
function isDrawable(value: number, on: "linear" | "log"): boolean {
  return Number.isFinite(value) && (on === "linear" || value > 1e-300);
}

/** A chart, or undefined if its numbers cannot be drawn, of which an error must tell. */
function drawn(draw: () => string, canBe: boolean): string | undefined {
  if (canBe) return draw();
  assert.throws(draw, RangeError);
  return undefined;
}

/** A document in which numbers are numbers, and positions inside it. */
function checkSvg(svg: string, width: number, height: number): void {
  for (const { d = "", x = "0", y = "0", ...others } of elements(svg, "*")) {
    for (const value of [d, x, y, ...Object.values(others)]) assert.doesNotMatch(value, /NaN|Infinity|undefined/, svg);
    const positions = Array.from(d.matchAll(/-?[\d.]+/g), ([at]) => Number(at));
    for (const at of [...positions, Number(x), Number(y)]) {
      assert.ok(at >= -1 && at <= Math.max(width, height) + 1, `${at} in ${svg}`);
    }
  }
}

const size = { width: fc.integer({ min: 300, max: 900 }), height: fc.integer({ min: 200, max: 900 }) };

Deno.test("lineChart and showLineChart draw whatever can be drawn", () => {
  const series = fc.dictionary(fc.constantFrom("a", "b", "c"), numbers, { minKeys: 1 });
  const text = { columns: fc.integer({ min: 40, max: 120 }), lines: fc.integer({ min: 3, max: 30 }) };
  const options = fc.record({ series, yScale: scale, ...size, ...text });
  type Options = typeof options extends fc.Arbitrary<infer O> ? O : never;
  const example: Options = { series: { a: [5e-324] }, yScale: "log", width: 640, height: 400, columns: 40, lines: 3 };
  fc.assert(
    fc.property(options, ({ columns, lines, ...options }) => {
      const curves = Object.values(options.series);
      const canBe = curves.every(({ length }) => length > 0) && curves.flat().some((y) => isDrawable(y, options.yScale));
      const svg = drawn(() => lineChart(options), canBe);
      if (svg !== undefined) checkSvg(svg, options.width, options.height);
      const text = drawn(() => showLineChart({ ...options, width: columns, height: lines, color: false }), canBe);
      if (text === undefined) return;
      assert.ok(widest(text) <= columns + 1, text);
      assert.ok(/[━┃*o+]/.test(text), "something is seen");
      assert.ok(!/NaN|undefined|Infinity/.test(text), text);
    }),
    { numRuns: 150, examples: [[example], [{ ...example, series: { a: [-1.7e308, 1.7e308] }, yScale: "linear" }]] },
  );
});

Deno.test("curves have any finite x", () => {
  const points = fc.array(fc.tuple(anyNumber.filter(Number.isFinite), fc.double({ min: -1, max: 1, noNaN: true })), {
    minLength: 1,
  });
  fc.assert(fc.property(points, (points) => {
    const series = { y: { x: points.map(([x]) => x), y: points.map(([, y]) => y) } };
    checkSvg(lineChart({ series }), 640, 400);
    assert.ok(widest(showLineChart({ series, width: 60, color: false })) <= 61);
  }));
});

Deno.test("barChart and showBarChart draw whatever can be drawn", () => {
  const options = fc.tuple(
    fc.array(fc.tuple(anyText(12), anyNumber, anyNumber), { maxLength: 12 }),
    scale,
  )
    .map(([rows, scale]) => ({
      names: rows.map(([name]) => name),
      series: { a: rows.map(([, a]) => a), b: rows.map(([, , b]) => b) },
      scale,
    }));
  fc.assert(
    fc.property(options, (options) => {
      const canBe = Object.values(options.series).flat().some((value) => isDrawable(value, options.scale));
      const svg = drawn(() => barChart(options), canBe);
      if (svg !== undefined) checkSvg(svg, 640, 110 + 42 * options.names.length);
      const names = options.names.map((_, i) => `${i}`);
      const text = drawn(() => showBarChart({ ...options, names, width: 60, color: false }), canBe);
      assert.doesNotMatch(text ?? "", /NaN|undefined|Infinity/);
    }),
    { numRuns: 100 },
  );
});

Deno.test("histogram draws whatever can be drawn", () => {
  const options = fc.record({ values: numbers, bins: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(options, (options) => {
      const finite = options.values.filter(Number.isFinite);
      const svg = drawn(() => histogram(options), finite.length > 0);
      if (svg === undefined) return;
      checkSvg(svg, 640, 400);
      assert.ok(elements(svg, "rect").length > 1, "something is seen");
    }),
    { numRuns: 150 },
  );
});

Deno.test("showBarChart draws bars from zero, or from a power of ten", () => {
  assert.equal(
    showBarChart({ names: ["a", "bb"], series: { norm: [1, 4] }, width: 14, color: false }),
    `     norm
a  │██ 1
bb │████████ 4`,
  );
  assert.equal(
    showBarChart({ names: ["a", "b"], series: { x: [-1, 1], y: [NaN, 0] }, width: 16, color: false }),
    `\
a │***** -1
  │
b │     ***** 1
  │      0
* x   o y`,
  );
  const log = showBarChart({ names: ["a", "b", "c"], series: { norm: [1e-3, 1e-2, 0] }, scale: "log", width: 20, color: false });
  assert.deepEqual(log.split("\n").slice(1).map((line) => line.replace(/[^█]/g, "").length), [6, 11, 0]);
});

Deno.test("tickText is short and exact", () => {
  const cases: [number, string][] = [[0, "0"], [0.1 + 0.2, "0.3"], [-2.5, "-2.5"], [1e-3, "0.001"], [2e-4, "2e-4"], [1e6, "1e6"]];
  for (const [value, text] of [...cases, [10_000_005, "1.0000005e7"] as const]) assert.equal(tickText(value), text);
});

Deno.test("an axis holds its values, and has a few round ticks", () => {
  const ticks = (values: number[], options: Parameters<typeof axisFor>[1]) => axisFor(values, options).ticks;
  assert.deepEqual(ticks([0, 195], { count: 5 }), [0, 50, 100, 150, 200]);
  assert.deepEqual(ticks([0, 195], { count: 5, nice: false }), [0, 50, 100, 150]);
  assert.deepEqual(ticks([0, 2], { count: 8, whole: true }), [0, 1, 2]);
  assert.deepEqual(ticks([2, 30], { count: 5, scale: "log" }), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(ticks([1e-9, 1], { count: 5, scale: "log" }).map(tickText), ["1e-8", "1e-6", "1e-4", "0.01", "1"]);
  const value = fc.double({ min: 1e-299, max: Number.MAX_VALUE, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.constantFrom("linear" as const, "log" as const), (values, scale) => {
      const { position, ticks } = axisFor(values, { count: 5, scale });
      for (const each of values) assert.ok(position(each) >= -1e-9 && position(each) <= 1 + 1e-9);
      assert.ok(
        ticks.length > 1 && ticks.length < 16 && ticks.every((tick) => position(tick) >= -1e-9 && position(tick) <= 1 + 1e-9),
      );
    }),
  );
});
