/**
 * Other colours: light, contrast, saturation.
 *
 * @module
 */
import { type Kind, kindOf, numberPair } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { add, mul, sub } from "../../core/ops/arithmetic.ts";
import { mean } from "../../core/ops/reduce.ts";
import { slice } from "../../core/ops/slice.ts";
import { clip } from "../../core/ops/unary.ts";
import { ShapeError } from "../../core/errors.ts";
import { split } from "../../core/random.ts";
import { nonNegative, ordered } from "../../core/ranges.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Transform } from "./transform.ts";
import { between, byteType, inFloat, onBatch } from "./batch.ts";

/** The range of a random factor: a number b stands for factors from max(0, 1 - b) to 1 + b, or the two factors themselves. */
export type Jitter = number | readonly [number, number];

/** Options of `colorJitter`. */
export interface ColorJitterOptions {
  /** By how much values are multiplied. Default 0: not at all. */
  readonly brightness?: Jitter;
  /** By how much the distance from the image's mean grey is multiplied. Default 0. */
  readonly contrast?: Jitter;
  /** By how much the distance from each pixel's grey is multiplied: three channels. Default 0. */
  readonly saturation?: Jitter;
}

const jitters: Kind<Jitter> = kindOf(
  "a number or two numbers",
  (value) => typeof value === "number" || numberPair.holds(value),
  "number",
);
const colorJitterOptions = optionTable<ColorJitterOptions>({
  brightness: jitters,
  contrast: jitters,
  saturation: jitters,
});

/** The two factors of a jitter, or nothing if they change nothing. */
function factors(jitter: Jitter, name: string): readonly [number, number] | undefined {
  const [low, high] = typeof jitter === "number" ? [Math.max(0, 1 - nonNegative(jitter, name)), 1 + jitter] : jitter;
  ordered([low, high], name);
  return low === 1 && high === 1 ? undefined : [low, high];
}

/** The brightness of each pixel: [n, 1, h, w]. */
function grey(images: Tensor, what: string): Tensor {
  const channels = images.shape[1];
  if (channels === 1) return images;
  if (channels !== 3) {
    throw new ShapeError(`Cannot change the ${what} of images ${showShape(images.shape)}: 1 or 3 channels are needed`, {
      shape: images.shape,
    });
  }
  const channel = (i: number, weight: number) => mul(slice(images, { axis: 1, start: i, stop: i + 1 }), weight);
  return add(add(channel(0, 0.2989), channel(1, 0.587)), channel(2, 0.114));
}

/**
 * Changes brightness, then contrast, then saturation of each image, by factors drawn by the key.
 *
 * Values stay in [0, 1], bytes in [0, 255].
 *
 * @throws {RangeError} If a factor would be negative, or two are not in order.
 * @throws {ShapeError} When it is applied: if contrast or saturation is to change and there are not 1 or 3 channels.
 * @see PyTorch's ColorJitter (which changes them in an order drawn again each time)
 * @example
 * ```ts
 * import { datasets, full, random } from "../../mod.ts";
 * const jitter = datasets.transforms.colorJitter({ brightness: 0.2, contrast: 0.2 });
 * console.log(jitter(full([8, 3, 4, 4], 0.5), random.key(0)).shape); // [8, 3, 4, 4]
 * ```
 */
export function colorJitter(options: ColorJitterOptions): Transform {
  const { brightness = 0, contrast = 0, saturation = 0 } = checkOptions(options, colorJitterOptions, "colorJitter");
  const changes = [
    { range: factors(brightness, "brightness"), anchor: () => asTensor(0) },
    {
      range: factors(contrast, "contrast"),
      anchor: (x: Tensor) => mean(grey(x, "contrast"), { axis: [1, 2, 3], keepDims: true }),
    },
    { range: factors(saturation, "saturation"), anchor: (x: Tensor) => grey(x, "saturation") },
  ];
  return (images, key) =>
    onBatch(images, "colorJitter", (batch) => {
      const top = batch.dtype === byteType ? 255 : 1;
      const keys = split(key, changes.length);
      return inFloat(batch, (x) =>
        changes.reduce((x, { range, anchor }, i) => {
          if (!range) return x;
          const factor = between(keys[i], [x.shape[0], 1, 1, 1], range);
          const still = anchor(x);
          return clip(add(still, mul(factor, sub(x, still))), { min: 0, max: top });
        }, x));
    });
}
