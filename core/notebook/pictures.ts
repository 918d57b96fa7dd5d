/**
 * Tensors as pictures: matrices, and batches of images with one or three channels.
 *
 * @module
 */
import { type DType, isBool, isInteger } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import { encodePng } from "./deps.ts";
import { numberText, type Statistics } from "./statistics.ts";

/** Pictures of one size. */
export interface Pictures {
  /** The bytes of a PNG file for each that is shown. */
  readonly files: readonly Uint8Array[];
  /** All of them as one file. */
  readonly together: Uint8Array;
  /** How many there are, shown or not. */
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** Points along each side of a pixel, so that they are large enough to see. */
  readonly scale: number;
  /** What the colours mean. */
  readonly meaning: string;
}

/** Where the numbers of pictures lie. */
interface Layout {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

const [leastSide, leastFilter, mostSide] = [8, 3, 256];
/** How many pictures are shown, and how many pixels in all. */
const [mostShown, mostPixels] = [40, 2 ** 18];

/** A shape of pictures: [height, width] of some size, or [count, 1 or 3, height, width]; undefined for others. */
function layoutOf(shape: Shape): Layout | undefined {
  const [height, width] = shape.slice(-2);
  const [count, channels] = shape.length === 4 ? shape : [1, 1];
  const least = shape.length === 4 ? leastFilter : leastSide;
  if (shape.length !== 2 && shape.length !== 4 || count === 0 || channels !== 1 && channels !== 3) return undefined;
  if (Math.min(height, width) < least || Math.max(height, width) > mostSide) return undefined;
  return { count, channels, height, width };
}

/** From a number to bytes of red, green, blue and opacity. */
interface Colours {
  readonly meaning: string;
  /** Bytes of the light of a number. */
  readonly light: (value: number) => number;
  /** The number from -1 to 1, if signs are shown by two colours. */
  readonly signed?: (value: number) => number;
}

/** Images as they are meant, if numbers are in the range of images; others from the least to the most; those of both signs by two colours. */
function coloursOf({ least, most }: Statistics, dtype: DType, channels: number): Colours {
  const between = (black: number, white: number): Colours => ({
    meaning: `black ${numberText(black)}, white ${numberText(white)}`,
    light: (value) => 255 * (value - black) / (white - black || 1),
  });
  if (isBool(dtype) || least >= 0 && most <= 1) return between(0, 1);
  if (isInteger(dtype) && least >= 0 && most <= 255) return between(0, 255);
  if (!(least < 0 && most > 0)) return between(least, most);
  const size = Math.max(-least, most);
  if (channels === 3) return between(-size, size);
  const meaning = `blue ${numberText(-size)}, clear 0, orange ${numberText(size)}`;
  return { meaning, light: (value) => value, signed: (value) => value / size };
}

const [orange, blue] = [[239, 121, 24], [46, 111, 214]] as const;

/** The pictures of a tensor; undefined if it has none. */
export function picturesOf(values: ArrayLike<number>, shape: Shape, dtype: DType, statistics: Statistics): Pictures | undefined {
  const layout = layoutOf(shape);
  if (layout === undefined || !Number.isFinite(statistics.mean)) return undefined;
  const { count, channels, height, width } = layout;
  const area = height * width;
  const shown = Math.max(1, Math.min(count, mostShown, Math.floor(mostPixels / area)));
  const colours = coloursOf(statistics, dtype, channels);
  const pixels = Array.from({ length: shown }, (_, i) => pixelsOf(values, i * channels * area, layout, colours));
  const scale = Math.max(1, Math.round((shown === 1 ? 224 : 64) / Math.max(height, width)));
  return {
    files: pixels.map((data) => png(data, width, height)),
    together: arranged(pixels, layout),
    count,
    width,
    height,
    scale,
    meaning: colours.meaning,
  };
}

/** Red, green, blue and opacity of a picture. What is no number is clear. */
function pixelsOf(
  values: ArrayLike<number>,
  from: number,
  { channels, height, width }: Layout,
  colours: Colours,
): Uint8ClampedArray {
  const area = height * width;
  const bytes = new Uint8ClampedArray(4 * area);
  for (let i = 0; i < area; i++) {
    const value = values[from + i];
    if (Number.isNaN(value)) continue;
    if (colours.signed) {
      const share = colours.signed(value);
      bytes.set(share > 0 ? orange : blue, 4 * i);
      bytes[4 * i + 3] = 255 * Math.abs(share);
      continue;
    }
    for (let channel = 0; channel < 3; channel++) {
      bytes[4 * i + channel] = colours.light(values[from + (channels === 3 ? channel : 0) * area + i]);
    }
    bytes[4 * i + 3] = 255;
  }
  return bytes;
}

/** Pictures side by side, eight in a row, with two clear pixels between them. */
function arranged(pixels: readonly Uint8ClampedArray[], { height, width }: Layout): Uint8Array {
  const columns = Math.min(8, pixels.length);
  const rows = Math.ceil(pixels.length / columns);
  const [wide, high] = [columns * (width + 2) - 2, rows * (height + 2) - 2];
  const bytes = new Uint8ClampedArray(4 * wide * high);
  pixels.forEach((picture, i) => {
    const [left, top] = [(i % columns) * (width + 2), Math.floor(i / columns) * (height + 2)];
    for (let y = 0; y < height; y++) {
      bytes.set(picture.subarray(4 * y * width, 4 * (y + 1) * width), 4 * ((top + y) * wide + left));
    }
  });
  return png(bytes, wide, high);
}

function png(data: Uint8ClampedArray, width: number, height: number): Uint8Array {
  return encodePng({ width, height, channels: 4, data });
}
