/**
 * Transforms that move pixels: crops, flips, rotations.
 *
 * @module
 */
import { anyNumber, argument, checkedInside, type Kind, kindOf, numberPair, oneOf } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { add, mul, sub } from "../../core/ops/arithmetic.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { iota } from "../../core/ops/creation.ts";
import { broadcastTo, flip } from "../../core/ops/movement.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { pad } from "../../core/ops/pad.ts";
import { where } from "../../core/ops/select.ts";
import { slice } from "../../core/ops/slice.ts";
import { cos, sin } from "../../core/ops/unary.ts";
import { type Pair, pair } from "../../core/ops/window.ts";
import { defaultFloat, isFloat } from "../../core/dtype.ts";
import { ShapeError } from "../../core/errors.ts";
import { bernoulli, type Key, randint, split } from "../../core/random.ts";
import { fraction } from "../../core/ranges.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor, TensorLike } from "../../core/tensor.ts";
import { roundEven } from "../images/crops.ts";
import { fromCentre, pixelsAt, sampled } from "./sample.ts";
import type { Interpolation, PaddingMode } from "./modes.ts";
import type { FixedTransform, Transform } from "./transform.ts";
import { between, onBatch } from "./batch.ts";

/** Options of `randomCrop`. */
export interface RandomCropOptions {
  /** Height and width of what is cut out: one number for both, or two. */
  readonly size: Pair;
  /** How far beyond the edge a crop may begin and end: one number, or [vertical, horizontal]. Default 0. */
  readonly padding?: Pair;
  /** What is beyond the edge. Default "constant". */
  readonly paddingMode?: PaddingMode;
  /** The value beyond the edge with paddingMode "constant". Default 0. */
  readonly fill?: number;
}

const randomCropOptions = optionTable<RandomCropOptions>({
  size: needed(checkedInside()),
  padding: checkedInside(),
  paddingMode: oneOf("constant", "edge", "reflect", "symmetric"),
  fill: anyNumber,
});

/**
 * Cuts from each image a part of one size, at a position drawn by the key, all positions equally likely.
 *
 * Images [n, c, h, w] become [n, c, size, size], of the same type.
 *
 * @throws {RangeError} If a size is not at least 1, or a padding not at least 0.
 * @throws {ShapeError} When it is applied: if the padded images are smaller than the crop, or there is too little to mirror.
 * @see PyTorch's RandomCrop
 * @example
 * ```ts
 * import { datasets, random, zeros } from "../../mod.ts";
 * const crop = datasets.transforms.randomCrop({ size: 32, padding: 4, paddingMode: "reflect" });
 * console.log(crop(zeros([8, 3, 32, 32]), random.key(0)).shape); // [8, 3, 32, 32]
 * ```
 */
export function randomCrop(options: RandomCropOptions): Transform {
  const { size, padding = 0, paddingMode = "constant", fill = 0 } = checkOptions(options, randomCropOptions, "randomCrop");
  const [h, w] = pair(size, "size", 1);
  const [vertical, horizontal] = pair(padding, "padding", 0);
  return (images, key) =>
    onBatch(images, "randomCrop", (batch) => {
      const [n, , height, width] = batch.shape;
      const room = [height + 2 * vertical - h, width + 2 * horizontal - w];
      if (Math.min(...room) < 0) {
        throw new ShapeError(
          `Cannot crop [${h}, ${w}] from images ${
            showShape(images.shape)
          } with padding [${vertical}, ${horizontal}]: they are smaller`,
          { shape: images.shape, size: [h, w], padding: [vertical, horizontal] },
        );
      }
      checkPadding([height, width], [vertical, horizontal], paddingMode);
      const [down, across] = split(key);
      const rows = sub(add(iota([n, h, 1], 1), randint(down, [n, 1, 1], { max: room[0] + 1 })), vertical);
      const columns = sub(add(iota([n, 1, w], 2), randint(across, [n, 1, 1], { max: room[1] + 1 })), horizontal);
      // Without padding nothing is beyond the edge.
      return pixelsAt(batch, rows, columns, vertical === 0 && horizontal === 0 ? "edge" : paddingMode, fill);
    });
}

function checkPadding(extents: readonly number[], paddings: readonly number[], mode: PaddingMode): void {
  const most = { constant: Infinity, edge: Infinity, reflect: -1, symmetric: 0 }[mode];
  if (most === Infinity || paddings.every((padding, i) => padding <= extents[i] + most)) return;
  throw new ShapeError(
    `Cannot pad images of [${extents}] by [${paddings}] with paddingMode "${mode}": there is too little to mirror`,
    {
      shape: extents,
      padding: paddings,
      mode,
    },
  );
}

/**
 * The middle of the images, of one size; smaller images get zeros around them. Which of two middles: as PyTorch's CenterCrop.
 *
 * @param size Height and width of what is cut out: one number for both, or two.
 * @throws {RangeError} If a size is not at least 1.
 * @example
 * ```ts
 * import { datasets, zeros } from "../../mod.ts";
 * console.log(datasets.transforms.centerCrop(28)(zeros([8, 1, 32, 40])).shape); // [8, 1, 28, 28]
 * ```
 */
export function centerCrop(size: Pair): FixedTransform {
  const sizes = pair(size, "size", 1);
  return (images) =>
    onBatch(images, "centerCrop", (batch) =>
      sizes.reduce((made, count, i) => {
        const axis = 2 + i;
        const missing = Math.max(0, count - made.shape[axis]);
        const around = (amount: number) => made.shape.map((_, each) => each === axis ? amount : 0);
        const wide = missing === 0
          ? made
          : pad(made, { low: around(Math.floor(missing / 2)), high: around(Math.ceil(missing / 2)) });
        const start = roundEven((wide.shape[axis] - count) / 2);
        return slice(wide, { axis, start, stop: start + count });
      }, batch));
}

/** Mirrors each image along an axis or not, drawn by the key. */
function randomFlip(name: string, axis: number, p: number): Transform {
  fraction(p, "p");
  return (images, key) =>
    onBatch(images, name, (batch) => where(bernoulli(key, p, [batch.shape[0], 1, 1, 1]), flip(batch, { axis }), batch));
}

/**
 * Mirrors each image, left to right, with probability `p`.
 *
 * @param p The probability. Default 0.5.
 * @throws {RangeError} If p is not a probability.
 * @example
 * ```ts
 * import { datasets, random, tensor, toArray } from "../../mod.ts";
 * const mirror = datasets.transforms.randomHorizontalFlip(1);
 * console.log(await toArray(mirror(tensor([[[1, 2, 3]]]), random.key(0)))); // [[[3, 2, 1]]]
 * ```
 */
export function randomHorizontalFlip(p: number = 0.5): Transform {
  return randomFlip("randomHorizontalFlip", 3, p);
}

/**
 * Mirrors each image, top to bottom, with probability `p`.
 *
 * ```ts
 * import { datasets, random, tensor, toArray } from "../../mod.ts";
 * const flip = datasets.transforms.randomVerticalFlip(1);
 * console.log(await toArray(flip(tensor([[[1, 2], [3, 4]]]), random.key(0)))); // [[[3, 4], [1, 2]]]
 * ```
 *
 * @param p The probability. Default 0.5.
 * @throws {RangeError} If p is not a probability.
 */
export function randomVerticalFlip(p: number = 0.5): Transform {
  return randomFlip("randomVerticalFlip", 2, p);
}

/** Options of `rotate` and `randomRotation`. */
export interface RotationOptions {
  /** How positions between pixels are read. Default "nearest". */
  readonly interpolation?: Interpolation;
  /** The value of what comes from beyond the edge. Default 0. */
  readonly fill?: number;
}

const angles: Kind<number | readonly [number, number]> = kindOf(
  "a number or two numbers",
  (value) => typeof value === "number" || numberPair.holds(value),
  "number",
);
const rotationOptions = optionTable<RotationOptions>({ interpolation: oneOf("nearest", "bilinear"), fill: anyNumber });

/**
 * Images turned about their centre, counter-clockwise, within their frame.
 *
 * @param images [n, c, h, w], or one image [c, h, w].
 * @param degrees One angle for all images, or one for each: [n].
 * @throws {ShapeError} If there are not as many angles as images.
 * @see PyTorch's (torchvision's) rotate
 * @example
 * ```ts
 * import { datasets, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(datasets.transforms.rotate(tensor([[[1, 2], [3, 4]]]), 90))); // [[[2, 4], [1, 3]]]
 * ```
 */
export function rotate(
  images: Tensor,
  degrees: TensorLike,
  options: RotationOptions = {},
): Tensor {
  const { interpolation = "nearest", fill = 0 } = checkOptions(options, rotationOptions, "rotate");
  return onBatch(images, "rotate", (batch) => {
    const [n, , height, width] = batch.shape;
    const angles = asTensor(degrees, isFloat(batch.dtype) ? batch.dtype : defaultFloat);
    if (angles.rank > 1 || (angles.rank === 1 && angles.shape[0] !== n)) {
      throw new ShapeError(
        `Cannot rotate ${showShape(images.shape)} by angles ${showShape(angles.shape)}: one is needed, or one for each image`,
        { shape: images.shape, angles: angles.shape },
      );
    }
    const turn = broadcastTo(reshape(mul(angles, Math.PI / 180), [-1, 1, 1]), [n, 1, 1]);
    const [y, x] = fromCentre(height, width);
    const [c, s] = [cos(turn), sin(turn)];
    // Where each pixel of the result comes from: turned back. Rows count downwards.
    const fromX = add(sub(mul(c, x), mul(s, y)), (width - 1) / 2);
    const fromY = add(add(mul(s, x), mul(c, y)), (height - 1) / 2);
    return sampled(batch, fromY, fromX, interpolation, fill);
  });
}

/**
 * Turns each image about its centre by an angle drawn by the key.
 *
 * @param degrees Angles are uniform in [-degrees, degrees), or between the two that are given; positive is counter-clockwise.
 * @throws {RangeError} If the angles are not finite, or the first is larger than the second.
 * @example
 * ```ts
 * import { datasets, random, zeros } from "../../mod.ts";
 * const turn = datasets.transforms.randomRotation(15, { interpolation: "bilinear" });
 * console.log(turn(zeros([8, 1, 28, 28]), random.key(0)).shape); // [8, 1, 28, 28]
 * ```
 */
export function randomRotation(degrees: number | readonly [number, number], options: RotationOptions = {}): Transform {
  checkOptions(options, rotationOptions, "randomRotation");
  argument(degrees, angles, "degrees", "randomRotation");
  const [min, max] = typeof degrees === "number" ? [-degrees, degrees] : degrees;
  if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max)) {
    throw new RangeError(`Cannot rotate by angles from ${min} to ${max}: they must be finite and in order`);
  }
  const turns = (key: Key, n: number) => between(key, [n], [min, max]);
  return (images, key) => onBatch(images, "randomRotation", (batch) => rotate(batch, turns(key, batch.shape[0]), options));
}
