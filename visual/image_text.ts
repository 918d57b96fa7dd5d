/**
 * Images in the terminal: each character is two pixels, one above the other.
 *
 * @module
 */
import { labelKind, rangeKinds } from "./option_kinds.ts";
import { flag, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { atLeast } from "./check.ts";
import { checkLabels } from "./image_figure.ts";
import { imageAt } from "./image_grid.ts";
import { batchPixels, type Images, type Pixels, type RangeOptions } from "./pixels.ts";
import { escape, hasTrueColor, terminalColumns } from "./terminal.ts";

/** How to show images in the terminal. */
export interface ShowImagesOptions extends RangeOptions {
  /** What to write above each image, cut to its width: as many as there are images. Default: nothing. */
  readonly labels?: ArrayLike<string | number>;
  /** Images in a row. Default: as many as fit the terminal. */
  readonly columns?: number;
  /** Characters across an image; a wider image is shrunk. Default: its width, at most the terminal's. */
  readonly width?: number;
  /** Draw in 24-bit colours (else in five shades). Default: if the terminal has them and `NO_COLOR` is not set. */
  readonly color?: boolean;
}

const showImagesOptions = optionTable<ShowImagesOptions>({
  ...rangeKinds,
  labels: labelKind,
  columns: real,
  width: real,
  color: flag,
});

/**
 * Images as text to print: half blocks in 24-bit colours, or shades of grey.
 *
 * @param images [count, channels, height, width] with 1 or 3 channels, [count, height, width], or [height, width]; or a batch or
 * a set of `datasets`.
 * @returns Lines, without a line end behind the last.
 * @throws {ShapeError} If the shape is none of these, or has no elements.
 * @throws {RangeError} If there are not as many labels as images, or an option is not in its range.
 * @example
 * ```ts
 * import { showImages } from "./mod.ts";
 * import { datasets } from "../mod.ts";
 *
 * const digits = datasets.syntheticDigits({ train: 5, test: 0 }).train;
 * console.log(await showImages(digits, { labels: digits.labels }));
 * ```
 */
export async function showImages(images: Images, options: ShowImagesOptions = {}): Promise<string> {
  checkOptions(options, showImagesOptions, "showImages");
  const pixels = await batchPixels(images, "show images", options);
  const { labels, color = hasTrueColor() } = options;
  checkLabels(labels, pixels.count);
  const room = terminalColumns();
  const width = Math.min(options.width ?? room, pixels.width);
  const columns = options.columns ?? Math.max(1, Math.floor((room + 1) / (width + 1)));
  atLeast("show images", 1, { columns, width });
  const pictures = Array.from({ length: pixels.count }, (_, i) => {
    const lines = textOf(shrunk(imageAt(pixels, i), width), color);
    return labels ? [centred(`${labels[i]}`, width), ...lines] : lines;
  });
  const rows = Array.from({ length: Math.ceil(pixels.count / columns) }, (_, row) => {
    const pictured = pictures.slice(row * columns, (row + 1) * columns);
    return pictured[0].map((_, line) => pictured.map((lines) => lines[line]).join(" ").trimEnd()).join("\n");
  });
  return rows.join("\n\n");
}

/** Text in the middle of `width` characters, cut if it is longer. */
function centred(text: string, width: number): string {
  const cut = text.slice(0, width);
  return cut.padStart((width + cut.length) >> 1).padEnd(width);
}

const shades = " ░▒▓█";

/** An image as lines of as many characters as it is wide, two rows in each. */
function textOf(image: Pixels, color: boolean): string[] {
  const { height, width } = image;
  return Array.from({ length: Math.ceil(height / 2) }, (_, line) => {
    const chars = Array.from({ length: width }, (_, x) => {
      const top = lightAt(image, 2 * line, x);
      const bottom = 2 * line + 1 < height ? lightAt(image, 2 * line + 1, x) : undefined;
      if (!color) return shades[Math.min(4, Math.floor((brightness(top) + brightness(bottom ?? [0, 0, 0])) / 2 * 5 / 255))];
      const back = bottom ? `;48;2;${bottom.join(";")}` : "";
      return `${escape}[38;2;${top.join(";")}${back}m▀`;
    });
    return chars.join("") + (color ? `${escape}[0m` : "");
  });
}

type Light = readonly [red: number, green: number, blue: number];

function lightAt({ width, channels, bytes }: Pixels, y: number, x: number): Light {
  const at = (y * width + x) * channels;
  return channels === 1 ? [bytes[at], bytes[at], bytes[at]] : [bytes[at], bytes[at + 1], bytes[at + 2]];
}

/** How bright the eye finds it, 0 to 255 (ITU-R BT.709). */
function brightness([red, green, blue]: Light): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** An image made narrower, its proportions kept: each pixel is the mean of the area that it covers. */
function shrunk(image: Pixels, width: number): Pixels {
  if (width === image.width) return image;
  const height = Math.max(1, Math.round(image.height * width / image.width));
  const { channels } = image;
  const across = coverage(image.width, width), down = coverage(image.height, height);
  const bytes = new Uint8ClampedArray(height * width * channels);
  for (let i = 0; i < bytes.length; i++) {
    const channel = i % channels, x = Math.floor(i / channels) % width, y = Math.floor(i / channels / width);
    let light = 0;
    for (const [row, rowShare] of down[y]) {
      for (const [column, share] of across[x]) {
        light += rowShare * share * image.bytes[(row * image.width + column) * channels + channel];
      }
    }
    bytes[i] = light;
  }
  return { ...image, height, width, bytes };
}

/** For each of `to` equal parts of a line of `from` pixels: the pixels it covers, and their shares of it. */
function coverage(from: number, to: number): (readonly [pixel: number, share: number])[][] {
  const length = from / to;
  return Array.from({ length: to }, (_, part) => {
    const start = part * length, end = start + length;
    const first = Math.floor(start);
    return Array.from({ length: Math.min(from, Math.ceil(end)) - first }, (_, i) => {
      const pixel = first + i;
      return [pixel, (Math.min(end, pixel + 1) - Math.max(start, pixel)) / length] as const;
    });
  });
}
