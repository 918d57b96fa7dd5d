/**
 * Text drawn on pictures: capitals, digits and spaces, by a pen that goes along straight lines.
 *
 * @module
 */

/** A picture to draw on, row by row: red, green, blue and opacity, 0 to 255. */
export interface Paper {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** A line of text, and where it stands. */
export interface DrawnLine {
  readonly text: string;
  /** The middle of the line, in pixels from the left and from the top. */
  readonly centre: readonly [x: number, y: number];
  /** The height of the letters in pixels. */
  readonly height: number;
  /** How far the line is turned clockwise, in radians. Default 0. */
  readonly angle?: number;
  /** The radius of the pen, as a part of the height. Default 0.07. */
  readonly pen?: number;
  readonly color: Color;
}

/** The strokes of each character: points on a plane of 4 by 6, x before y, y growing downwards. */
const strokes: Readonly<Record<string, string>> = {
  A: "06 20 46|14 34",
  B: "03 33 42 41 30 00 06 36 45 44 33",
  C: "41 30 10 01 05 16 36 45",
  D: "00 06 26 44 42 20 00",
  E: "40 00 06 46|03 33",
  F: "40 00 06|03 33",
  G: "41 30 10 01 05 16 36 45 43 23",
  H: "00 06|40 46|03 43",
  I: "10 30|20 26|16 36",
  J: "40 45 36 16 05",
  K: "00 06|40 03 46",
  L: "00 06 46",
  M: "06 00 23 40 46",
  N: "06 00 46 40",
  O: "10 01 05 16 36 45 41 30 10",
  P: "06 00 30 41 42 33 03",
  Q: "10 01 05 16 36 45 41 30 10|24 46",
  R: "06 00 30 41 42 33 03|23 46",
  S: "41 30 10 01 02 13 33 44 45 36 16 05",
  T: "00 40|20 26",
  U: "00 05 16 36 45 40",
  V: "00 26 40",
  W: "00 16 23 36 40",
  X: "00 46|40 06",
  Y: "00 23 40|23 26",
  Z: "00 40 06 46",
  0: "20 11 15 26 35 31 20",
  1: "11 20 26|16 36",
  2: "01 10 30 41 42 06 46",
  3: "01 10 30 41 42 33 44 45 36 16 05|33 23",
  4: "36 30 04 44",
  5: "40 00 03 33 44 45 36 06",
  6: "40 20 02 05 16 36 45 44 33 13 04",
  7: "00 40 16",
  8: "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33",
  9: "42 33 13 02 01 10 30 41 44 26 06",
  " ": "",
};

/** The characters that can be drawn, without the space. */
export const drawable: string = Object.keys(strokes).filter((each) => each !== " ").join("");

/** Where a character begins after the one before, in parts of the height. */
const advance = 1;
/** How wide a character is. */
const glyphWidth = 4 / 6;

/** A picture of one colour. */
export function paper(width: number, height: number, [red, green, blue]: Color): Paper {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([red, green, blue, 255], i);
  return { width, height, data };
}

/** The length of a line, from the edge of the first character to that of the last, in pixels. */
function lineLength({ text, height }: Pick<DrawnLine, "text" | "height">): number {
  return ((text.length - 1) * advance + glyphWidth) * height;
}

/** Draws a line of text onto a picture. */
export function drawText(picture: Paper, line: DrawnLine): void {
  const { text, centre: [x, y], height, angle = 0, pen = 0.07, color } = line;
  const [cos, sin] = [height * Math.cos(angle), height * Math.sin(angle)];
  const ink = new Float32Array(picture.width * picture.height);
  for (const [i, character] of [...text].entries()) {
    if (!Object.hasOwn(strokes, character)) throw new RangeError(`Cannot draw ${JSON.stringify(character)}`);
    const start = i * advance - lineLength(line) / height / 2;
    for (const stroke of strokes[character].split("|")) {
      const points = stroke.split(" ").map((point): [number, number] => {
        const [along, down] = [start + Number(point[0]) / 6, Number(point[1]) / 6 - 0.5];
        return [x + along * cos - down * sin, y + along * sin + down * cos];
      });
      for (let k = 0; k + 1 < points.length; k++) drawSegment(ink, picture, points[k], points[k + 1], pen * height);
    }
  }
  ink.forEach((cover, i) => {
    if (cover === 0) return;
    color.forEach((value, c) => picture.data[4 * i + c] += cover * (value - picture.data[4 * i + c]));
  });
}

/** A straight stroke with round ends. A pixel has as much ink as the pen covers of it, about. */
function drawSegment(
  ink: Float32Array,
  { width, height }: Paper,
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
  radius: number,
): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const reach = radius + 1;
  const [left, right] = [Math.max(0, Math.floor(Math.min(x0, x1) - reach)), Math.min(width - 1, Math.max(x0, x1) + reach)];
  const [top, bottom] = [Math.max(0, Math.floor(Math.min(y0, y1) - reach)), Math.min(height - 1, Math.max(y0, y1) + reach)];
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
      const cover = Math.min(1, radius + 0.5 - Math.hypot(px - t * dx, py - t * dy));
      if (cover > ink[y * width + x]) ink[y * width + x] = cover;
    }
  }
}
