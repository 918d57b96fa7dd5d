/**
 * How transforms apply to a batch or to one image, and to bytes as to fractions.
 *
 * @module
 */
import { full } from "../../core/ops/creation.ts";
import { type Key, uniform } from "../../core/random.ts";
import { argument, tensors } from "../../core/kinds.ts";
import { constantOf } from "../../core/ops/constant.ts";
import { asFloat, cast } from "../../core/ops/cast.ts";
import { tensor } from "../../core/ops/from_values.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { clip, round } from "../../core/ops/unary.ts";
import { ShapeError } from "../../core/errors.ts";
import { type Shape, showShape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/**
 * Applies a function of a batch to a batch [n, c, h, w], or to one image [c, h, w] as a batch of one.
 *
 * @throws {ShapeError} If the images have other axes; `what` names the transform.
 */
export function onBatch(images: Tensor, what: string, f: (batch: Tensor) => Tensor): Tensor {
  argument(images, tensors, "images", what);
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

/** One number itself, or one for each channel as [channels, 1, 1]. */
export function perChannel(value: number | readonly number[], what: string, images: Tensor): Tensor {
  if (typeof value === "number") return constantOf(value, images.dtype);
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

/** Numbers uniform in an interval that may be one number. */
export function between(key: Key, shape: Shape, [low, high]: readonly [number, number]): Tensor {
  return low === high ? full(shape, low) : uniform(key, shape, { min: low, max: high });
}
