/**
 * A digit on any picture made into one as MNIST has them: white on black, 28 x 28 pixels, the digit 20 long, its centre of mass in the
 * middle.
 *
 * @module
 * @see LeCun, Cortes and Burges, "The MNIST database", on how its digits were scaled and centred
 */

/** A picture in shades of grey. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** Row by row, black 0 and white 1. */
  readonly pixels: Float32Array;
}

/** A picture for a model, and how it came about. */
export interface DigitPicture {
  /** 28 x 28 bytes, ink 255. */
  readonly image: Uint8Array;
  /** In words. */
  readonly steps: string;
}

const size = 28;
/** The longer side of a digit. */
const digitSize = 20;

/** How much ink and ground have to differ: paper is never quite even. */
const leastContrast = 0.1;

/** The digit on a picture; undefined if the picture is of one shade. */
export function digitPicture(picture: GreyPicture): DigitPicture | undefined {
  const ground = groundOf(picture);
  const { low, high } = extremes(picture.pixels);
  const isLight = ground - low > high - ground;
  const contrast = isLight ? ground - low : high - ground;
  if (contrast < leastContrast) return undefined;
  const ink = picture.pixels.map((x) => sharpened((isLight ? ground - x : x - ground) / contrast));
  const box = boxOf(ink, picture);
  const scale = digitSize / Math.max(box.width, box.height);
  const scaled = `${Math.round(box.width * scale)}x${Math.round(box.height * scale)}`;
  return {
    image: centred(ink, picture, box, scale),
    steps: `${picture.width}x${picture.height}, ${isLight ? "light ground: inverted" : "dark ground"}; ` +
      `digit of ${box.width}x${box.height} pixels scaled to ${scaled} and centred`,
  };
}

/** The shade of the ground: the median along the edges. */
function groundOf({ width, height, pixels }: GreyPicture): number {
  const rows = [0, height - 1].flatMap((y) => [...pixels.subarray(y * width, (y + 1) * width)]);
  const columns = [0, width - 1].flatMap((x) => Array.from({ length: height }, (_, y) => pixels[y * width + x]));
  const edge = Float32Array.from([...rows, ...columns]).sort();
  return edge[edge.length >> 1];
}

/** The darkest and the lightest shade. */
function extremes(pixels: Float32Array): { low: number; high: number } {
  let low = 1, high = 0;
  for (const x of pixels) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return { low, high };
}

/** Shades near the ground are ground (paper, shadows), those near the ink are ink. */
function sharpened(strength: number): number {
  return Math.min(1, Math.max(0, (strength - 0.3) / 0.5));
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box that holds what is rather ink than ground. */
function boxOf(ink: Float32Array, { width, height }: GreyPicture): Box {
  let [left, right, top, bottom] = [width, -1, height, -1];
  ink.forEach((value, i) => {
    if (value < 0.5) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Each pixel is the mean of what it covers of the box; the whole is made as bright as a pen of MNIST, however thin the line was. */
function centred(ink: Float32Array, { width }: GreyPicture, box: Box, scale: number): Uint8Array {
  const inside = (x: number, y: number) => ink[(box.top + y) * width + box.left + x];
  const [centreX, centreY] = centreOfMass(inside, box);
  const columns = spans(box.width, centreX, scale), rows = spans(box.height, centreY, scale);
  const means = new Float32Array(size * size);
  for (let i = 0; i < means.length; i++) {
    for (const [y, down] of rows[Math.floor(i / size)]) {
      for (const [x, across] of columns[i % size]) means[i] += down * across * inside(x, y);
    }
  }
  const most = extremes(means).high;
  return Uint8Array.from(means, (mean) => Math.round(255 * mean / most));
}

/** For each of the 28 pixels of a line: the pixels of the picture that it covers, and which part of it each of them fills. */
function spans(extent: number, centre: number, scale: number): (readonly [at: number, share: number])[][] {
  return Array.from({ length: size }, (_, i) => {
    const from = (i - size / 2) / scale + centre, to = from + 1 / scale;
    const first = Math.max(0, Math.floor(from)), end = Math.min(extent, Math.ceil(to));
    return Array.from({ length: Math.max(0, end - first) }, (_, k) => {
      const at = first + k;
      return [at, (Math.min(at + 1, to) - Math.max(at, from)) * scale] as const;
    });
  });
}

function centreOfMass(inside: (x: number, y: number) => number, { width, height }: Box): [x: number, y: number] {
  let mass = 0, right = 0, down = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = inside(x, y);
      mass += value;
      right += value * (x + 0.5);
      down += value * (y + 0.5);
    }
  }
  return [right / mass, down / mass];
}
