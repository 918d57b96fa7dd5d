/**
 * Which part of an image is cut out: in the middle, or drawn at random, as torchvision does; on the host, for the loader's workers and for
 * the transforms.
 *
 * @module
 */
import type { RandomStream } from "../../core/random_stream.ts";
import { ordered, positive } from "../../core/ranges.ts";
import type { Box } from "./resample.ts";
import type { RandomBoxOptions } from "./types.ts";

/** The nearest integer, of two the even one: how Python rounds. */
export function roundEven(x: number): number {
  const down = Math.floor(x);
  const over = x - down;
  return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
}

/** Of how many rectangles the first that fits is cut out. */
export const maxAttempts = 10;

/** The options with torchvision's defaults, checked. */
export function boxOptions({ scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: RandomBoxOptions): Required<RandomBoxOptions> {
  ordered(scale, "scale");
  positive(scale[1], "the largest scale");
  ordered(ratio, "ratio");
  positive(ratio[0], "the least ratio");
  return { scale, ratio };
}

/** The largest rectangle in the middle of an image whose ratio of width to height is between two numbers, rounded to pixels. */
export function middleBox(height: number, width: number, [least, most]: readonly [number, number]): Box {
  const ratio = width / height;
  const [h, w] = ratio < least
    ? [Math.min(height, roundEven(width / least)), width]
    : ratio > most
    ? [height, Math.min(width, roundEven(height * most))]
    : [height, width];
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: Math.max(1, h), width: Math.max(1, w) };
}

/** A rectangle drawn at random: the first of ten that fits, or else the middle. */
export function randomBox(
  height: number,
  width: number,
  options: RandomBoxOptions,
  random: RandomStream,
): Box {
  const { scale, ratio } = boxOptions(options);
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const area = height * width * random.uniform(...scale);
    const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const [w, h] = [roundEven(Math.sqrt(area * aspect)), roundEven(Math.sqrt(area / aspect))];
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { top: random.below(height - h + 1), left: random.below(width - w + 1), height: h, width: w };
  }
  return middleBox(height, width, ratio);
}
