/**
 * Images of another size.
 *
 * With smoothing, height and width are each a product with a matrix of weights, which is made on the host: its row i holds how much of each
 * old pixel is in new pixel i. So the derivative is the product with the transposed matrix, and the more the images shrink, the wider
 * are the rows.
 *
 * @module
 */
import { flag, oneOf } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { tensor } from "../../core/ops/from_values.ts";
import { interpolate } from "../../core/ops/interpolate.ts";
import { matmul } from "../../core/ops/matmul.ts";
import { transpose } from "../../core/ops/movement.ts";
import { type Pair, pair } from "../../core/ops/window.ts";
import { type DType, hostArray } from "../../core/dtype.ts";
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Interpolation } from "./modes.ts";
import type { FixedTransform } from "./transform.ts";
import { inFloat, onBatch } from "./batch.ts";

/** Options of `resize`. */
export interface ResizeOptions {
  /** How positions between pixels are read. Default "bilinear". */
  readonly interpolation?: Interpolation;
  /** Whether "bilinear" takes all pixels into account when images become smaller, instead of the four nearest. Default true. */
  readonly antialias?: boolean;
}

const resizeOptions = optionTable<ResizeOptions>({ interpolation: oneOf("nearest", "bilinear"), antialias: flag });

/**
 * Images of another size: [n, c, h, w] becomes [n, c, height, width], of the same type.
 *
 * Pixels are squares: the centre of new pixel i is at (i + 0.5) old / new - 0.5, as PyTorch has it without `align_corners`.
 *
 * @param size [height, width], or one number for the shorter side, the other keeping the proportion (rounded down).
 * @throws {RangeError} If a size is not at least 1.
 * @throws {ShapeError} When it is applied: if the images have no pixels.
 * @see PyTorch's interpolate, torchvision's Resize
 * @example
 * ```ts
 * import { datasets, tensor, toArray, zeros } from "../../mod.ts";
 * const { resize } = datasets.transforms;
 * console.log(resize(224)(zeros([8, 3, 32, 48])).shape); // [8, 3, 224, 336]
 * console.log(await toArray(resize([1, 4])(tensor([[[0, 4]]])))); // [[[0, 1, 3, 4]]]
 * ```
 */
export function resize(size: Pair, options: ResizeOptions = {}): FixedTransform {
  const { interpolation = "bilinear", antialias = true } = checkOptions(options, resizeOptions, "resize");
  const sizes = pair(size, "size", 1);
  return (images) =>
    onBatch(images, "resize", (batch) => {
      const [, , height, width] = batch.shape;
      if (height === 0 || width === 0) {
        throw new ShapeError(`Cannot resize images ${showShape(images.shape)}: they have no pixels`, { shape: images.shape });
      }
      const shorter = Math.min(height, width);
      const [h, w] = typeof size === "number" ? [height, width].map((extent) => Math.floor(extent * size / shorter)) : sizes;
      return inFloat(batch, (x) => {
        if (interpolation === "nearest" || !antialias) return interpolate(x, { size: [h, w], mode: interpolation });
        return matmul(weights(height, h, x.dtype), matmul(x, transpose(weights(width, w, x.dtype))));
      });
    });
}

/** How much of each of `old` pixels is in each of `size` new ones: [size, old]. */
function weights(old: number, size: number, dtype: DType): Tensor {
  const scale = old / size;
  // A triangle around the centre; a wider one takes in every old pixel that the new one covers.
  const reach = Math.max(1, scale);
  const matrix = hostArray("f64", size * old) as Float64Array;
  for (let i = 0; i < size; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const row = Array.from({ length: old }, (_, j) => Math.max(0, 1 - Math.abs(j - centre) / reach));
    const total = row.reduce((sum, weight) => sum + weight, 0);
    row.forEach((weight, j) => matrix[i * old + j] = weight / total);
  }
  return tensor(matrix, { shape: [size, old], dtype });
}
