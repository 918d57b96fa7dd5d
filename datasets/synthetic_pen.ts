/**
 * A round pen on a square of pixels: anti-aliased strokes by the distance of each pixel from them.
 *
 * A sheet holds, for each pixel, the distance from its centre to the nearest edge of ink, negative within. A stroke lowers it; at
 * the end the distances become grey values, sharply or softly.
 *
 * @module
 */
import type { Point, Stroke } from "./synthetic_glyphs.ts";

/** The distance of each pixel from the ink, row by row, in pixels. */
export interface Sheet {
  readonly size: number;
  readonly distances: Float32Array;
}

/** The distance beyond which a pixel has no ink at any softness, in pixels. */
const inkReach = 2;

/** Straight pieces of a smooth curve between two of its points. */
const curvePieces = 3;

/** A sheet of `size` x `size` pixels without ink. */
export function blankSheet(size: number): Sheet {
  return { size, distances: new Float32Array(size * size).fill(inkReach) };
}

/** Takes all ink from a sheet. */
export function wipe(sheet: Sheet): void {
  sheet.distances.fill(inkReach);
}

/** Draws a stroke whose points are in pixels (the centre of the first pixel is (0, 0)) with a pen of a radius in pixels. */
export function draw(sheet: Sheet, stroke: Stroke, radius: number): void {
  const points = corners(stroke);
  for (let i = 0; i + 1 < points.length; i++) drawLine(sheet, points[i], points[i + 1], radius);
}

/** The points from one to the next of which the pen goes straight. */
export function corners({ points, smooth }: Stroke): readonly Point[] {
  if (!smooth) return points;
  const found = points.slice(0, 1);
  for (let i = 0; i + 1 < points.length; i++) {
    const before = points[Math.max(i - 1, 0)], after = points[Math.min(i + 2, points.length - 1)];
    for (let piece = 1; piece <= curvePieces; piece++) {
      found.push(alongCurve(before, points[i], points[i + 1], after, piece / curvePieces));
    }
  }
  return found;
}

/** The point at `t` in [0, 1] between `b` and `c` of the smooth curve through four points (Catmull and Rom's). */
function alongCurve(a: Point, b: Point, c: Point, d: Point, t: number): Point {
  const at = (a: number, b: number, c: number, d: number) =>
    b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  return [at(a[0], b[0], c[0], d[0]), at(a[1], b[1], c[1], d[1])];
}

/** Draws a straight line with round ends. */
function drawLine({ size, distances }: Sheet, [x0, y0]: Point, [x1, y1]: Point, radius: number): void {
  const dx = x1 - x0, dy = y1 - y0;
  const inverse = 1 / Math.max(dx * dx + dy * dy, 1e-12);
  const reach = radius + inkReach;
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach)), right = Math.min(size - 1, Math.floor(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach)), bottom = Math.min(size - 1, Math.floor(Math.max(y0, y1) + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const px = x - x0, py = y - y0;
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) * inverse));
      const ex = px - t * dx, ey = py - t * dy;
      const distance = Math.sqrt(ex * ex + ey * ey) - radius;
      if (distance < distances[y * size + x]) distances[y * size + x] = distance;
    }
  }
}

/**
 * The grey value of each pixel: `ink` within strokes, 0 outside, and between them across their edge.
 *
 * @param softness The width of the edge in pixels, from 0 (exclusive; 1 is sharp) to 4.
 * @param ink The value of full ink, 0 to 255.
 * @param out Where to put the values.
 */
export function develop({ distances }: Sheet, softness: number, ink: number, out: Float32Array): void {
  for (let i = 0; i < distances.length; i++) {
    const cover = Math.min(1, Math.max(0, 0.5 - distances[i] / softness));
    out[i] = ink * cover * cover * (3 - 2 * cover);
  }
}
