/**
 * Erasing parts of images, so that nothing comes to rely on any one of them.
 *
 * @module
 */
import { type Kind, kindOf, numberPair, real } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { add, div, mul, sub } from "../../core/ops/arithmetic.ts";
import { logicalAnd } from "../../core/ops/logic.ts";
import { cast } from "../../core/ops/cast.ts";
import { eq, ge, lt } from "../../core/ops/compare.ts";
import { iota } from "../../core/ops/creation.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { argmax } from "../../core/ops/reduce.ts";
import { sum } from "../../core/ops/sum.ts";
import { where } from "../../core/ops/select.ts";
import { exp, floor, round, sqrt } from "../../core/ops/unary.ts";
import { indexType, isFloat } from "../../core/dtype.ts";
import { DTypeError } from "../../core/errors.ts";
import { bernoulli, type Key, normal, split, uniform } from "../../core/random.ts";
import { fraction, ordered, positive } from "../../core/ranges.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Transform } from "./transform.ts";
import { between, onBatch, perChannel } from "./batch.ts";

/** Options of `randomErasing`; the defaults are PyTorch's. */
export interface RandomErasingOptions {
  /** The probability of erasing something. Default 0.5. */
  readonly p?: number;
  /** The share of the image that is erased, between two numbers of at least 0. Default [0.02, 0.33]. */
  readonly scale?: readonly [number, number];
  /** Height by width of what is erased, between two numbers above 0. Default [0.3, 3.3]. */
  readonly ratio?: readonly [number, number];
  /** What to put there: a number, one for each channel, or "random" (normal noise). Default 0. */
  readonly value?: number | readonly number[] | "random";
}

const erasures: Kind<number | readonly number[] | "random"> = kindOf(
  'a number, a list of numbers or "random"',
  (value) =>
    value === "random" || typeof value === "number" ||
    Array.isArray(value) && Array.from(value).every((each) => typeof each === "number"),
);
const randomErasingOptions = optionTable<RandomErasingOptions>({
  p: real,
  scale: numberPair,
  ratio: numberPair,
  value: erasures,
});

/** How many rectangles are drawn for an image, the first of them that fits being erased. */
const maxAttempts = 10;

/**
 * Erases a rectangle of each image with probability `p`: its area, its ratio of height to width (uniform in its logarithm) and its position
 * are drawn by the key. If none of ten rectangles is smaller than the image, nothing is erased.
 *
 * @throws {RangeError} If an option is out of its range.
 * @throws {DTypeError} When it is applied: if the images have no fractions and the value is "random", or none that they hold.
 * @see Zhong, Zheng, Kang, Li and Yang, "Random erasing data augmentation", 2017; PyTorch's RandomErasing
 * @example
 * ```ts
 * import { datasets, item, mean, ones, random } from "../../mod.ts";
 * const erase = datasets.transforms.randomErasing({ p: 1, scale: [0.25, 0.25] });
 * console.log(await item(mean(erase(ones([8, 1, 32, 32]), random.key(0))))); // 0.747...
 * ```
 */
export function randomErasing(options: RandomErasingOptions = {}): Transform {
  const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = checkOptions(
    options,
    randomErasingOptions,
    "randomErasing",
  );
  fraction(p, "p");
  ordered(scale, "scale");
  ordered(ratio, "ratio");
  positive(ratio[0], "the least ratio");
  return (images, key) =>
    onBatch(images, "randomErasing", (batch) => {
      if (value === "random" && !isFloat(batch.dtype)) {
        throw new DTypeError(
          `Cannot erase images of type ${batch.dtype} with noise: make fractions of them first, with toTensor`,
          {
            dtype: batch.dtype,
          },
        );
      }
      const [position, noise] = split(key);
      const erased = value === "random" ? cast(normal(noise, batch.shape), batch.dtype) : perChannel(value, "value", batch);
      return where(rectangles(position, batch, p, scale, ratio), erased, batch);
    });
}

/** For each image the rectangle to erase, or nothing: bool [n, 1, h, w]. */
function rectangles(
  key: Key,
  { shape: [n, , height, width] }: Tensor,
  p: number,
  scale: readonly [number, number],
  ratio: readonly [number, number],
): Tensor {
  const [toErase, ofArea, ofRatio, ofTop, ofLeft] = split(key, 5);
  const area = mul(between(ofArea, [n, maxAttempts], scale), height * width);
  const aspect = exp(between(ofRatio, [n, maxAttempts], [Math.log(ratio[0]), Math.log(ratio[1])]));
  const [heights, widths] = [round(sqrt(mul(area, aspect))), round(sqrt(div(area, aspect)))];
  const fits = logicalAnd(lt(heights, height), lt(widths, width));
  const first = eq(iota([n, maxAttempts], 1), argmax(cast(fits, indexType), { axis: 1, keepDims: true }));
  // Of what is not to be erased nothing is chosen, and both sizes are 0.
  const chosen = logicalAnd(logicalAnd(first, fits), bernoulli(toErase, p, [n, 1]));
  const covered = (axis: number, extent: number, sizes: Tensor, chance: Key) => {
    const size = sum(where(chosen, sizes, 0), { axis: 1 });
    const start = floor(mul(uniform(chance, [n]), add(sub(extent, size), 1)));
    const at = sub(iota([n, 1, height, width].map((each, i) => i === axis || i === 0 ? each : 1), axis), perImage(start));
    return logicalAnd(ge(at, 0), lt(at, perImage(size)));
  };
  return logicalAnd(covered(2, height, heights, ofTop), covered(3, width, widths, ofLeft));
}

/** One number for each image: [n] as [n, 1, 1, 1]. */
function perImage(x: Tensor): Tensor {
  return reshape(x, [-1, 1, 1, 1]);
}
