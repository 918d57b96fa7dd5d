/**
 * What a transform of images is: a function of a batch of images, and, if it is random, of a key.
 *
 * Images come first, so that a transform without chance, a function of the images alone, is a transform too: the key that it is given
 * is one argument more. All are built of the library's operations: they run on its devices, inside `jit`, `vmap` and `grad`, and the
 * same key gives the same images.
 *
 * @module
 */
import { aFunction, argument, tensors } from "../../core/kinds.ts";
import { type Key, split } from "../../core/random.ts";
import type { Tensor } from "../../core/tensor.ts";

/**
 * A deterministic transform: from images [n, c, h, w], or one image [c, h, w], to the same of another size or with other values.
 */
export type FixedTransform = (images: Tensor) => Tensor;

/** A transform that may be random: each image of the batch gets random numbers of its own. */
export type Transform = (images: Tensor, key: Key) => Tensor;

/** Applies transforms one after the other; none of them is random. */
export function compose(...transforms: readonly FixedTransform[]): FixedTransform;
/**
 * Applies transforms one after the other, each with a key of its own made from the given one.
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
  for (const transform of transforms) argument(transform, aFunction(), "transform", "compose");
  return (images, key) => {
    // Only fixed transforms are called without a key.
    const keys = key === undefined ? [] : split(key, transforms.length);
    return transforms.reduce(
      (made, transform, i) => argument(transform(made, keys[i]), tensors, "what a transform gave", "compose"),
      images,
    );
  };
}
