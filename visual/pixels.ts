/**
 * From tensors to pixels: what counts as a batch of images, and how its numbers become bytes.
 *
 * @module
 */
import { argument, isRecord, type Kind, kindOf } from "../core/kinds.ts";
import { defaultFloat, type DType, dtypeOfArray, isInteger, type TypedArray } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { data } from "../core/execution/read.ts";
import { type Shape, showShape, sizeOf } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";

/** Images on the host. A batch or a set of `datasets` is one. */
export interface ImageArray {
  /** The pixels, in row-major order. */
  readonly images: TypedArray;
  /** The shape of `images`; or of one of them, if it has three axes and there is a `count`. */
  readonly shape: Shape;
  /** How many images there are. */
  readonly count?: number;
}

/**
 * Images: a tensor, or an array with its shape. The axes are [count, channels, height, width] with 1 channel (grey) or 3 (red,
 * green, blue), or [count, height, width], or [height, width] for one image.
 */
export type Images = Tensor | ImageArray;

/** How values map to brightness. */
export interface RangeOptions {
  /**
   * The values of black and of full light; those outside are clamped, NaN is black. Default: [0, 1] for floats and bool,
   * [0, 255] for integers.
   */
  readonly range?: readonly [black: number, white: number];
}

/** Images of bytes, each row by row with its channels together, as PNG files have them. */
export interface Pixels {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly bytes: Uint8ClampedArray;
}

/** What images are read for: `what` completes "cannot ...". */
type Layout = { readonly what: string; readonly single: boolean };

/** The pixels of a batch. Not async: a shape that cannot be one shows where it was given. */
export function batchPixels(images: Images, what: string, options: RangeOptions = {}): Promise<Pixels> {
  return readPixels(images, { what, single: false }, options);
}

/** The pixels of one image: [channels, height, width] or [height, width]. */
export function imagePixels(image: Images, what: string, options: RangeOptions = {}): Promise<Pixels> {
  return readPixels(image, { what, single: true }, options);
}

const imageKind: Kind<Images> = kindOf(
  "a tensor, or { images, shape } with a typed array",
  (value) =>
    value instanceof Tensor ||
    isRecord(value) && ArrayBuffer.isView(value.images) && Array.isArray(value.shape) && value.shape.every(Number.isInteger),
);

function readPixels(images: Images, layout: Layout, options: RangeOptions): Promise<Pixels> {
  argument(images, imageKind, "images", layout.what);
  const dtype = images instanceof Tensor ? images.dtype : dtypeOfArray(images.images) ?? defaultFloat;
  const shape = fourAxes(images, layout);
  const [black, white] = limits(dtype, layout.what, options);
  const convert = (values: TypedArray) => toPixels(values, shape, black, 255 / (white - black));
  return images instanceof Tensor ? data(images).then(convert) : Promise.resolve(convert(images.images));
}

type FourAxes = readonly [count: number, channels: 1 | 3, height: number, width: number];

/** The shape with all four axes. */
function fourAxes(images: Images, { what, single }: Layout): FourAxes {
  const { shape } = images;
  const full = single
    ? shape.length === 3 ? [1, ...shape] : [1, 1, ...shape]
    : images instanceof Tensor || images.count === undefined || shape.length !== 3
    ? shape.length === 4 ? shape : shape.length === 3 ? [shape[0], 1, shape[1], shape[2]] : [1, 1, ...shape]
    : [images.count, ...shape];
  const [count, channels, height, width] = full;
  const refuse = (why: string) => new ShapeError(`Cannot ${what} of shape ${showShape(shape)}: ${why}`, { shape });
  if (full.length !== 4) {
    throw refuse(`the axes must be ${single ? "[channels, height, width]" : "[count, channels, height, width]"}`);
  }
  if (channels !== 1 && channels !== 3) throw refuse(`an image has 1 channel (grey) or 3 (red, green, blue), not ${channels}`);
  if (count * height * width === 0) throw refuse("there is nothing to see");
  if (!(images instanceof Tensor) && images.images.length !== sizeOf(full)) {
    throw refuse(`that is ${sizeOf(full)} numbers, but there are ${images.images.length}`);
  }
  return [count, channels, height, width];
}

/** The values of black and white. */
function limits(dtype: DType, what: string, { range }: RangeOptions): readonly [number, number] {
  if (range === undefined) return isInteger(dtype) ? [0, 255] : [0, 1];
  const [black, white] = range;
  if (!(Number.isFinite(white - black) && black !== white)) {
    throw new RangeError(
      `Cannot ${what} with the range [${black}, ${white}]: it must be two different numbers whose difference is finite`,
    );
  }
  return range;
}

/** Bytes, channels last. The clamped array rounds, clamps, and makes NaN 0. */
function toPixels(values: TypedArray, [count, channels, height, width]: FourAxes, black: number, scale: number): Pixels {
  const bytes = new Uint8ClampedArray(values.length);
  const area = height * width;
  for (let image = 0; image < count; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (image * channels + channel) * area;
      const to = image * channels * area + channel;
      for (let i = 0; i < area; i++) bytes[to + i * channels] = (values[from + i] - black) * scale;
    }
  }
  return { count, height, width, channels, bytes };
}
