/**
 * Images with their labels as one figure: SVG, because a browser writes better than we would into pixels.
 *
 * @module
 */
import { labelKind, rangeKinds } from "./option_kinds.ts";
import { aString, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { extent } from "./axis.ts";
import { atLeast } from "./check.ts";
import { arrange, imageAt, pngOf } from "./image_grid.ts";
import { batchPixels, type Images, type RangeOptions } from "./pixels.ts";
import { element, svgDocument, text, widthOf } from "./svg.ts";

/** How to draw a figure of images. */
export interface ImageFigureOptions extends RangeOptions {
  /** What to write above each image: as many as there are images. Default: nothing. */
  readonly labels?: ArrayLike<string | number>;
  /** What to write above them all. Default: nothing. */
  readonly title?: string;
  /** Images in a row, at most as many as there are. Default 8. */
  readonly columns?: number;
  /** Points along each side of a pixel. Default: the integer that makes an image about 112 points wide. */
  readonly scale?: number;
}

const imageFigureOptions = optionTable<ImageFigureOptions>({
  ...rangeKinds,
  labels: labelKind,
  title: aString,
  columns: real,
  scale: real,
});

/**
 * Images in a grid, each under its label, as an SVG document.
 *
 * @param images [count, channels, height, width] with 1 or 3 channels, [count, height, width], or [height, width]; or a batch or
 * a set of `datasets`.
 * @throws {ShapeError} If the shape is none of these, or has no elements.
 * @throws {RangeError} If there are not as many labels as images, or an option is not in its range.
 * @example
 * ```ts
 * import { imageFigure } from "./mod.ts";
 * import { datasets } from "../mod.ts";
 *
 * const digits = datasets.syntheticDigits({ train: 5, test: 0 }).train;
 * const figure = await imageFigure(digits, { labels: digits.labels, title: "The first five digits" });
 * await Deno.writeTextFile(`${await Deno.makeTempDir()}/digits.svg`, figure);
 * ```
 */
export async function imageFigure(images: Images, options: ImageFigureOptions = {}): Promise<string> {
  checkOptions(options, imageFigureOptions, "imageFigure");
  const pixels = await batchPixels(images, "draw a figure of images", options);
  const { count } = pixels;
  const { labels, title, scale = Math.max(1, Math.round(112 / pixels.width)) } = options;
  const columns = Math.min(options.columns ?? 8, count);
  atLeast("draw a figure of images", 1, { columns, scale });
  checkLabels(labels, count);
  const [width, height] = [pixels.width * scale, pixels.height * scale];
  const [gap, head, titleHead] = [12, labels ? 22 : 0, title ? 34 : 0];
  const column = extent([width, ...Array.from(labels ?? [], (label) => widthOf(label, labelSize))])[1] + gap;
  const row = head + height + gap;
  const total = [
    Math.ceil(Math.max(gap + columns * column, 2 * gap + widthOf(title ?? "", titleSize))),
    gap + titleHead + Math.ceil(count / columns) * row,
  ];
  const left = (total[0] - columns * column) / 2;
  const parts = Array.from({ length: count }, (_, i) => {
    const centre = left + (i % columns + 0.5) * column;
    const y = gap + titleHead + Math.floor(i / columns) * row + head;
    const image = element("image", {
      x: centre - width / 2,
      y,
      width,
      height,
      style: "image-rendering:pixelated",
      href: `data:image/png;base64,${pngOf(arrange(imageAt(pixels, i), { scale })).toBase64()}`,
    });
    return (labels ? text(labels[i], centre, y - 7, labelSize) : "") + image;
  });
  return svgDocument(total[0], total[1], [...(title ? [text(title, total[0] / 2, 30, titleSize)] : []), ...parts]);
}

const [labelSize, titleSize] = [14, 18];

/** Checks that there are as many labels as images, if there are any. */
export function checkLabels(labels: ArrayLike<string | number> | undefined, count: number): void {
  if (labels && labels.length !== count) {
    throw new RangeError(`Cannot label ${count} images with ${labels.length} labels: give one for each`);
  }
}
