/**
 * Numbers as small pictures: digits as ink, weights and answers by colour and strength.
 *
 * @module
 */
/// <reference lib="dom" />

type Color = readonly [red: number, green: number, blue: number];

/** Of positive and of negative numbers: they are seen on light and on dark ground. */
const [positive, negative]: readonly Color[] = [[14, 148, 140], [232, 112, 40]];

/** Writes numbers from -1 to 1 into a canvas of as many pixels: their size as opacity, their sign as colour. */
export function paintSigned(canvas: HTMLCanvasElement, values: ArrayLike<number>): void {
  paint(canvas, (i) => [values[i] < 0 ? negative : positive, 255 * Math.abs(values[i])]);
}

/** Writes bytes of ink into a canvas of as many pixels: black, which the dark style turns round. */
export function paintInk(canvas: HTMLCanvasElement, bytes: Uint8Array): void {
  paint(canvas, (i) => [[0, 0, 0], bytes[i]]);
}

function paint(canvas: HTMLCanvasElement, pixel: (i: number) => readonly [Color, number]): void {
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < canvas.width * canvas.height; i++) {
    const [color, opacity] = pixel(i);
    image.data.set([...color, opacity], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** The largest size among numbers, by which they are divided to lie from -1 to 1; 1 if they are all 0. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
}

/** A canvas of so many pixels. */
export function canvasOf(size: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  return canvas;
}
