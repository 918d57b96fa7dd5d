/**
 * Curves that grow while one looks: SVG by d3's scales and paths, whose colours are those of the page.
 *
 * @module
 */
/// <reference lib="dom" />
import { bisectRight, line, scaleLinear } from "../../visual/deps.ts";

/** A point of a curve. */
export type Point = readonly [x: number, y: number];

/** What a chart shows. */
export interface ChartOptions {
  readonly title: string;
  /** What the curves are, in order: the last one is the one that counts, and says where it is. */
  readonly curves: readonly string[];
  /** A value in words. */
  readonly format: (y: number) => string;
  /** The least extent of the vertical axis. */
  readonly domain: readonly [least: number, most: number];
}

/** A chart in the page. */
export interface LiveChart {
  /** Draws curves, in the order of the options, over 0 to `end`. */
  draw(curves: readonly (readonly Point[])[], end: number): void;
}

const [height, left, right, top, bottom] = [190, 46, 54, 10, 24];

/** Thousands are written as k. */
function countText(count: number): string {
  return count >= 1000 ? `${count / 1000}k` : `${count}`;
}

/** Puts a chart into a figure. */
export function liveChart(figure: HTMLElement, { title, curves, format, domain }: ChartOptions): LiveChart {
  const keys = curves.length > 1 ? curves.map((name) => `<span class="curve-key ${name}">${name}</span>`).join("") : "";
  figure.innerHTML = `<figcaption><b>${title}</b>${keys}<output></output></figcaption><svg role="img" tabindex="-1"></svg>`;
  const svg = figure.querySelector("svg")!;
  const readout = figure.querySelector("output")!;
  let drawn: readonly (readonly Point[])[] = curves.map(() => []);
  let end = 1;
  let width = 300;
  let pointer: number | undefined;

  function render(): void {
    const counted = drawn[drawn.length - 1];
    const last = counted.at(-1);
    const most = drawn.flat().reduce((most, [, y]) => Math.max(most, y), domain[1]);
    const x = scaleLinear([0, end], [left, width - right]);
    const y = scaleLinear([domain[0], most], [height - bottom, top]);
    const path = line<Point>((point) => x(point[0]), (point) => y(point[1])).digits(1);
    const ticks = y.ticks(4).map((tick) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${format(tick)}</text>`
    );
    const feet = x.ticks(Math.max(2, Math.floor(width / 90))).map((tick) =>
      `<text x="${x(tick)}" y="${height - 6}" text-anchor="middle">${countText(tick)}</text>`
    );
    const paths = drawn.map((points, i) => `<path class="${curves[i]}" d="${path(points) ?? ""}"/>`);
    const head = last
      ? `<circle class="${curves.at(-1)}" cx="${x(last[0])}" cy="${y(last[1])}" r="3.5"/>` +
        `<text class="value" x="${x(last[0]) + 9}" y="${y(last[1]) + 4}">${format(last[1])}</text>`
      : "";
    const at = pointer === undefined ? undefined : nearest(counted, x.invert(pointer));
    readout.value = at ? `${at[0].toLocaleString("en")} digits: ${format(at[1])}` : "";
    const rule = at
      ? `<line class="rule" x1="${x(at[0])}" x2="${x(at[0])}" y1="${top}" y2="${height - bottom}"/>` +
        `<circle class="${curves.at(-1)}" cx="${x(at[0])}" cy="${y(at[1])}" r="3.5"/>`
      : "";
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", last ? `${title}: ${format(last[1])} after ${last[0].toLocaleString("en")} digits` : title);
    svg.innerHTML = [...ticks, ...feet, ...paths, rule, head].join("");
  }

  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === 0) return;
    width = contentRect.width;
    render();
  }).observe(figure);
  const look = (event: PointerEvent) => {
    pointer = event.offsetX;
    render();
  };
  svg.addEventListener("pointermove", look);
  svg.addEventListener("pointerdown", look);
  svg.addEventListener("pointerleave", () => {
    pointer = undefined;
    render();
  });
  render();
  return {
    draw(next, until) {
      [drawn, end] = [next, until];
      render();
    },
  };
}

function nearest(points: readonly Point[], x: number): Point | undefined {
  const after = bisectRight(points.map(([x]) => x), x);
  const [a, b] = [points[after - 1], points[after]];
  return a && b ? (x - a[0] < b[0] - x ? a : b) : a ?? b;
}
