/**
 * Parts of images, each of another size and place, brought to one size.
 *
 * As in `resize`, height and width are each a product with a matrix of weights, here one for each image, made on the device: row i holds how
 * much of each old pixel is in new pixel i, and nothing is of pixels beyond the part. So shapes do not depend on what was drawn.
 *
 * @module
 */
import { argument, checkedInside, flag, numberPair, tensors } from "../../core/kinds.ts";
import { checkOptions, needed, type OptionKinds, optionTable } from "../../core/options.ts";
import { abs, add, div, mul, sub } from "../../core/ops/arithmetic.ts";
import { logicalAnd } from "../../core/ops/logic.ts";
import { maximum, minimum } from "../../core/ops/binary.ts";
import { cast } from "../../core/ops/cast.ts";
import { eq, ge, le, lt } from "../../core/ops/compare.ts";
import { stack } from "../../core/ops/concat.ts";
import { iota } from "../../core/ops/creation.ts";
import { matmul } from "../../core/ops/matmul.ts";
import { broadcastTo, transpose } from "../../core/ops/movement.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { any, argmax } from "../../core/ops/reduce.ts";
import { where } from "../../core/ops/select.ts";
import { split as parts } from "../../core/ops/split.ts";
import { sum } from "../../core/ops/sum.ts";
import { exp, floor, relu, round, sqrt } from "../../core/ops/unary.ts";
import { type Pair, pair, type Two } from "../../core/ops/window.ts";
import { indexType } from "../../core/dtype.ts";
import { ShapeError } from "../../core/errors.ts";
import { type Key, split, uniform } from "../../core/random.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { boxOptions, maxAttempts, middleBox } from "../images/crops.ts";
import type { RandomBoxOptions } from "../images/types.ts";
import { between, inFloat, onBatch } from "./batch.ts";
import type { Transform } from "./transform.ts";

/** Options of `resizedCrop`. */
export interface ResizedCropOptions {
  /** Whether all pixels count where a part becomes smaller, instead of the four nearest. Default true. */
  readonly antialias?: boolean;
}

const antialiasing: OptionKinds<ResizedCropOptions> = { antialias: flag };
const resizedCropOptions = optionTable<ResizedCropOptions>(antialiasing);

/**
 * Parts of images, one of each, resized as by `resize`: [n, c, h, w] becomes [n, c, height, width], of the same type.
 *
 * @param images [n, c, h, w], or one image [c, h, w].
 * @param boxes The top, left, height and width of each part in pixels, whole numbers: [n, 4], or [4] for all images. What is beyond an image is
 * not part of it.
 * @param size [height, width], or one number for both.
 * @throws {RangeError} If a size is not at least 1.
 * @throws {ShapeError} If there are not as many boxes as images, or images have no pixels.
 * @see torchvision's resized_crop
 * @example
 * ```ts
 * import { datasets, tensor, toArray } from "../../mod.ts";
 * const { resizedCrop } = datasets.transforms;
 * const images = tensor([[[[0, 1, 2, 3]]], [[[0, 1, 2, 3]]]]);
 * console.log(await toArray(resizedCrop(images, tensor([[0, 0, 1, 2], [0, 2, 1, 2]]), 1))); // [[[[0.5]]], [[[2.5]]]]
 * ```
 */
export function resizedCrop(images: Tensor, boxes: Tensor, size: Pair, options: ResizedCropOptions = {}): Tensor {
  const { antialias = true } = checkOptions(options, resizedCropOptions, "resizedCrop");
  argument(boxes, tensors, "boxes", "resizedCrop");
  const sizes = pair(size, "size", 1);
  return onBatch(images, "resizedCrop", (batch) => cropped(batch, boxes, sizes, antialias));
}

function cropped(batch: Tensor, boxes: Tensor, [h, w]: Two, antialias: boolean): Tensor {
  const [n, , height, width] = batch.shape;
  if (height === 0 || width === 0) {
    throw new ShapeError(`Cannot resize images ${showShape(batch.shape)}: they have no pixels`, { shape: batch.shape });
  }
  if (boxes.shape.at(-1) !== 4 || boxes.rank > 2 || (boxes.rank === 2 && boxes.shape[0] !== n)) {
    throw new ShapeError(
      `Cannot crop ${n} images by boxes ${showShape(boxes.shape)}: [4] is needed, or [${n}, 4], one for each image`,
      { shape: batch.shape, boxes: boxes.shape },
    );
  }
  return inFloat(batch, (x) => {
    const each = reshape(cast(broadcastTo(boxes, [n, 4]), x.dtype), [n, 1, 1, 4]);
    const [top, left, high, wide] = parts(each, [1, 1, 1, 1], { axis: 3 });
    const rows = weights(top, high, h, height, antialias);
    const columns = weights(left, wide, w, width, antialias);
    return matmul(rows, matmul(x, transpose(columns)));
  });
}

/** How much of each of `old` pixels is in each of `size` new ones that parts become, which begin at `start`: [n, 1, size, old]. */
function weights(start: Tensor, extent: Tensor, size: number, old: number, antialias: boolean): Tensor {
  const scale = div(extent, size);
  const reach = antialias ? maximum(scale, 1) : 1;
  const centre = add(start, sub(mul(add(cast(iota([1, 1, size, 1], 2), start.dtype), 0.5), scale), 0.5));
  const at = cast(iota([1, 1, 1, old], 3), start.dtype);
  // A triangle around the centre, as in `resize`.
  const height = relu(sub(1, div(abs(sub(at, centre)), reach)));
  const inside = where(logicalAnd(ge(at, start), lt(at, add(start, extent))), height, 0);
  return div(inside, sum(inside, { axis: 3, keepDims: true }));
}

/** Options of `randomResizedCrop`. */
export interface RandomResizedCropOptions extends RandomBoxOptions, ResizedCropOptions {
  /** Height and width that the parts become: one number for both, or two. */
  readonly size: Pair;
}

const randomResizedCropOptions = optionTable<RandomResizedCropOptions>({
  size: needed(checkedInside()),
  scale: numberPair,
  ratio: numberPair,
  ...antialiasing,
});

/**
 * Cuts from each image a part whose area, ratio of width to height (uniform in its logarithm) and place are drawn by the key, and resizes it: [n,
 * c, h, w] becomes [n, c, height, width], of the same type. If none of ten parts fits an image, its middle is taken, of the nearest ratio.
 *
 * For images in files see `imageFolder`, which cuts before they have one size.
 *
 * @throws {RangeError} If an option is out of its range.
 * @throws {ShapeError} When it is applied: if images have no pixels.
 * @see Szegedy et al., "Going deeper with convolutions", 2014; torchvision's RandomResizedCrop
 * @example
 * ```ts
 * import { datasets, random, zeros } from "../../mod.ts";
 * const crop = datasets.transforms.randomResizedCrop({ size: 24, scale: [0.5, 1] });
 * console.log(crop(zeros([8, 3, 32, 40]), random.key(0)).shape); // [8, 3, 24, 24]
 * ```
 */
export function randomResizedCrop(options: RandomResizedCropOptions): Transform {
  const { size, antialias = true, ...drawn } = checkOptions(options, randomResizedCropOptions, "randomResizedCrop");
  const sizes = pair(size, "size", 1);
  const box = boxOptions(drawn);
  return (images, key) =>
    onBatch(images, "randomResizedCrop", (batch) => cropped(batch, randomBoxes(key, batch, box), sizes, antialias));
}

/** The part of each image: [n, 4] of top, left, height and width. */
function randomBoxes(key: Key, { shape: [n, , height, width] }: Tensor, { scale, ratio }: Required<RandomBoxOptions>): Tensor {
  const [ofArea, ofRatio, ofTop, ofLeft] = split(key, 4);
  const area = mul(between(ofArea, [n, maxAttempts], scale), height * width);
  const aspect = exp(between(ofRatio, [n, maxAttempts], [Math.log(ratio[0]), Math.log(ratio[1])]));
  const [heights, widths] = [round(sqrt(div(area, aspect))), round(sqrt(mul(area, aspect)))];
  const fits = [[heights, height], [widths, width]].map(([sizes, most]) => logicalAnd(ge(sizes, 1), le(sizes, most)))
    .reduce(logicalAnd);
  const first = eq(iota([n, maxAttempts], 1), argmax(cast(fits, indexType), { axis: 1, keepDims: true }));
  const found = any(fits, { axis: 1 });
  const middle = middleBox(height, width, ratio);
  const chosen = (sizes: Tensor, other: number) => where(found, sum(where(first, sizes, 0), { axis: 1 }), other);
  const [high, wide] = [chosen(heights, middle.height), chosen(widths, middle.width)];
  const start = (chance: Key, extent: number, size: Tensor, other: number) => {
    const room = sub(extent, size);
    // Rounded, the product may be one more than there is room.
    return where(found, minimum(floor(mul(uniform(chance, [n]), add(room, 1))), room), other);
  };
  return stack([start(ofTop, height, high, middle.top), start(ofLeft, width, wide, middle.left), high, wide], { axis: 1 });
}
