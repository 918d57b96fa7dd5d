/**
 * What a transform of images is: a function of a batch of images, and, if it is random, of a key.
 *
 * Images come first, so that a transform without chance, a function of the images alone, is a transform too: the key that it is given
 * is one argument more. All are built of the library's operations: they run on its devices, inside `jit`, `vmap` and `grad`, and the
 * same key gives the same images.
 *
 * @module
 */
import { asFloat, asTensor } from "../../core/ops/arguments.ts";
import { cast } from "../../core/ops/cast.ts";
import { tensor } from "../../core/ops/creation.ts";
import { reshape } from "../../core/ops/movement.ts";
import { clip, round } from "../../core/ops/unary.ts";
import { ShapeError } from "../../core/errors.ts";
import { type Key, split } from "../../core/random.ts";
import { showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** A transform without chance: images [n, c, h, w], or one image [c, h, w], to the same of another size or with other values. */
export type FixedTransform = (images: Tensor) => Tensor;

/** A transform that may draw on chance: of each image of the batch, something else. */
export type Transform = (images: Tensor, key: Key) => Tensor;

/** The transforms one after the other; none of them draws on chance. */
export function compose(...transforms: readonly FixedTransform[]): FixedTransform;
/**
 * The transforms one after the other, each with a key of its own made from the one that is given.
 *
 * @example
 * ```ts
 * import { datasets, jit, random, tensor } from "../../mod.ts";
 * const { compose, normalize, randomCrop, randomHorizontalFlip, toTensor } = datasets.transforms;
 * const augment = jit(compose(
 *   randomCrop({ size: 32, padding: 4 }),
 *   randomHorizontalFlip(),
 *   toTensor,
 *   normalize({ mean: [0.491, 0.482, 0.447], std: [0.247, 0.243, 0.262] }),
 * ));
 * const images = tensor(new Uint8Array(8 * 3 * 32 * 32), { shape: [8, 3, 32, 32] });
 * console.log(augment(images, random.key(0)).shape); // [8, 3, 32, 32]
 * ```
 */
export function compose(...transforms: readonly Transform[]): Transform;
export function compose(...transforms: readonly Transform[]): Transform {
  return (images, key) => {
    // Only fixed transforms are called without a key.
    const keys = key === undefined ? [] : split(key, transforms.length);
    return transforms.reduce((made, transform, i) => transform(made, keys[i]), images);
  };
}

/**
 * Applies a function of a batch to a batch [n, c, h, w], or to one image [c, h, w] as a batch of one.
 *
 * @throws {ShapeError} If the images have other axes; `what` names the transform.
 */
export function onBatch(images: Tensor, what: string, f: (batch: Tensor) => Tensor): Tensor {
  if (images.rank === 4) return f(images);
  if (images.rank !== 3) {
    throw new ShapeError(
      `Cannot apply ${what} to ${
        showShape(images.shape)
      }: it needs images [batch, channels, height, width], or one without batch`,
      { shape: images.shape },
    );
  }
  const made = f(reshape(images, [1, ...images.shape]));
  return reshape(made, made.shape.slice(1));
}

/** The type of images of bytes: black is 0, white 255. */
export const byteType = "u8";

/** Applies a function that needs fractions: bytes become f32 from 0 to 255, and the nearest bytes again. */
export function inFloat(images: Tensor, f: (images: Tensor) => Tensor): Tensor {
  const made = f(asFloat(images));
  return images.dtype === byteType ? cast(clip(round(made), { min: 0, max: 255 }), byteType) : made;
}

/** One number as it is, or one for each channel as [channels, 1, 1]. */
export function perChannel(value: number | readonly number[], what: string, images: Tensor): Tensor {
  if (typeof value === "number") return asTensor(value);
  const channels = images.shape[1];
  if (value.length !== channels) {
    throw new ShapeError(
      `Cannot apply ${value.length} values of ${what} to images of ${channels} channels: one for each is needed`,
      {
        shape: images.shape,
        values: value,
      },
    );
  }
  return tensor(value, { shape: [channels, 1, 1], dtype: images.dtype });
}
