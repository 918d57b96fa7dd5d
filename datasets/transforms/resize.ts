/**
 * Images of another size.
 *
 * Height and width are resized one after the other, each as a product with a matrix of weights, which is made on the host: its row i
 * says how much of each old pixel is in new pixel i. So the derivative is the product with the transposed matrix, and smoothing
 * before making smaller is only a matter of wider rows.
 *
 * @module
 */
import { asFloat } from "../../core/ops/arguments.ts";
import { tensor } from "../../core/ops/creation.ts";
import { matmul } from "../../core/ops/matmul.ts";
import { take } from "../../core/ops/take.ts";
import { type Pair, pair } from "../../core/ops/window.ts";
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Interpolation } from "./sample.ts";
import { type FixedTransform, inFloat, onBatch } from "./transform.ts";

/** Options of `resize`. */
export interface ResizeOptions {
  /** How places between pixels are read. Default "bilinear". */
  readonly interpolation?: Interpolation;
  /** Whether "bilinear" takes all pixels into account when images become smaller, instead of the four nearest. Default true. */
  readonly antialias?: boolean;
}

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
export function resize(size: Pair, { interpolation = "bilinear", antialias = true }: ResizeOptions = {}): FixedTransform {
  const sizes = pair(size, "size", 1);
  return (images) =>
    onBatch(images, "resize", (batch) => {
      const [, , height, width] = batch.shape;
      if (height === 0 || width === 0) {
        throw new ShapeError(`Cannot resize images ${showShape(images.shape)}: they have no pixels`, { shape: images.shape });
      }
      const shorter = Math.min(height, width);
      const [h, w] = typeof size === "number" ? [height, width].map((extent) => Math.floor(extent * size / shorter)) : sizes;
      if (interpolation === "nearest") return take(take(batch, nearest(height, h), { axis: 2 }), nearest(width, w), { axis: 3 });
      return inFloat(batch, (x) => {
        const wide = width === w ? x : matmul(x, weights(width, w, antialias, x, true));
        return height === h ? wide : matmul(weights(height, h, antialias, x, false), wide);
      });
    });
}

/** The old pixel for each new one: that in which its left end lies, as PyTorch's "nearest". */
function nearest(old: number, size: number): Tensor {
  return tensor(Int32Array.from({ length: size }, (_, i) => Math.min(old - 1, Math.floor(i * old / size))));
}

/** How much of each of `old` pixels is in each of `size` new ones: [size, old], or [old, size] if transposed. */
function weights(old: number, size: number, antialias: boolean, like: Tensor, transposed: boolean): Tensor {
  const scale = old / size;
  // A triangle around the centre; a wider one takes in every old pixel that the new one covers.
  const reach = antialias ? Math.max(1, scale) : 1;
  const matrix = new Float64Array(size * old);
  for (let i = 0; i < size; i++) {
    const centre = Math.max(antialias ? -Infinity : 0, (i + 0.5) * scale - 0.5);
    const row = Array.from({ length: old }, (_, j) => Math.max(0, 1 - Math.abs(j - centre) / reach));
    const total = row.reduce((sum, weight) => sum + weight, 0);
    row.forEach((weight, j) => matrix[transposed ? j * size + i : i * old + j] = weight / total);
  }
  return tensor(matrix, { shape: transposed ? [old, size] : [size, old], dtype: asFloat(like).dtype });
}
