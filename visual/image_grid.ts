/**
 * Many images as one PNG file, side by side.
 *
 * @module
 */
import { rangeKinds } from "./option_kinds.ts";
import { real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { atLeast } from "./check.ts";
import { encodePng } from "./deps.ts";
import { batchPixels, type Images, type Pixels, type RangeOptions } from "./pixels.ts";

/** How to lay out images. */
export interface ImageGridOptions extends RangeOptions {
  /** Images in a row, at most as many as there are. Default 8. */
  readonly columns?: number;
  /** Pixels of the file along each side of a pixel. Default 1. */
  readonly scale?: number;
  /** Pixels between images, before scaling. Default 2. */
  readonly padding?: number;
  /** The brightness of what no image covers, from 0 (black) to 1 (white). Default 1. */
  readonly background?: number;
}

const imageGridOptions = optionTable<ImageGridOptions>({
  ...rangeKinds,
  columns: real,
  scale: real,
  padding: real,
  background: real,
});

/**
 * Images in a grid, row by row, as the bytes of a PNG file.
 *
 * @param images [count, channels, height, width] with 1 or 3 channels, [count, height, width], or [height, width].
 * @throws {ShapeError} If the shape is none of these, or has no elements.
 * @throws {RangeError} If an option is not in its range.
 * @example
 * ```ts
 * import { imageGrid } from "./mod.ts";
 * import { random } from "../mod.ts";
 *
 * const noise = random.uniform(random.key(0), [12, 3, 16, 16]);
 * const file = `${await Deno.makeTempDir()}/noise.png`;
 * await Deno.writeFile(file, await imageGrid(noise, { columns: 4, scale: 4 }));
 * ```
 */
export async function imageGrid(images: Images, options: ImageGridOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions(options, imageGridOptions, "imageGrid");
  return pngOf(arrange(await batchPixels(images, "make a grid of images", options), options));
}

/** One image as a PNG file. */
export function pngOf({ width, height, channels, bytes }: Pixels): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encodePng({ width, height, channels, data: bytes }));
}

/** A batch as one image. */
export function arrange(pixels: Pixels, options: Omit<ImageGridOptions, "range"> = {}): Pixels {
  const { scale = 1, padding = 2, background = 1 } = options;
  const columns = Math.min(options.columns ?? 8, pixels.count);
  atLeast("lay out images", 1, { columns, scale });
  atLeast("lay out images", 0, { padding });
  if (!(background >= 0 && background <= 1)) {
    throw new RangeError(`Cannot make a grid of images with background ${background}: it must be from 0 to 1`);
  }
  const { count, channels } = pixels;
  const height = scale * (Math.ceil(count / columns) * (pixels.height + padding) - padding);
  const width = scale * (columns * (pixels.width + padding) - padding);
  if (height * width * channels > 2 ** 30) {
    throw new RangeError(`Cannot lay out images as ${width} by ${height} pixels: more than 2^30 numbers`);
  }
  const bytes = new Uint8ClampedArray(height * width * channels).fill(255 * background);
  for (let image = 0; image < count; image++) {
    const top = Math.floor(image / columns) * (pixels.height + padding) * scale;
    const left = (image % columns) * (pixels.width + padding) * scale;
    for (let y = 0; y < pixels.height * scale; y++) {
      const from = (image * pixels.height + Math.floor(y / scale)) * pixels.width;
      const to = (top + y) * width + left;
      for (let x = 0; x < pixels.width * scale; x++) {
        for (let channel = 0; channel < channels; channel++) {
          bytes[(to + x) * channels + channel] = pixels.bytes[(from + Math.floor(x / scale)) * channels + channel];
        }
      }
    }
  }
  return { count: 1, height, width, channels, bytes };
}

/** Image `index` of a batch, sharing its bytes. */
export function imageAt({ height, width, channels, bytes }: Pixels, index: number): Pixels {
  const size = height * width * channels;
  return { count: 1, height, width, channels, bytes: bytes.subarray(index * size, (index + 1) * size) };
}
