/**
 * How windows lie over the spatial axes of [batch, channels, ...]: the attributes that convolution and pooling share.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import { pad, permute, reshape, type Tensor } from "../../mod.ts";
import { type Call, limited } from "../call.ts";

/** Windows over spatial axes, one number for each. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** What is added before and after. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** How many elements a window has along an axis. */
const mostTaps = 2 ** 16;

/** How far a window reaches over an axis. */
export function reach(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/**
 * The windows of a node.
 *
 * @param spatial Extents of the spatial axes of the input.
 * @throws {ShapeError} If an attribute has another number of axes.
 */
export function windowsOf(call: Call, spatial: readonly number[], kernel: readonly number[]): Windows {
  const { attributes } = call;
  const all = (name: string, otherwise: number) => {
    const given = attributes.numbers(name, spatial.map(() => otherwise));
    if (given.length === spatial.length && given.every((each) => Number.isInteger(each) && each >= 1)) return given;
    throw new ShapeError(`Cannot lay windows over ${showShape(spatial)}: ${name} is ${showShape(given)}`, {
      spatial,
      [name]: given,
    });
  };
  if (kernel.length !== spatial.length) {
    throw new ShapeError(`Cannot lay windows of ${showShape(kernel)} over ${showShape(spatial)}: their axes differ`, {
      spatial,
      kernel,
    });
  }
  kernel.forEach((extent) => limited(extent, mostTaps, "the extent of its windows"));
  const [stride, dilation] = [all("strides", 1), all("dilations", 1)];
  const auto = attributes.choice("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"], "NOTSET");
  if (auto === "NOTSET") {
    const pads = attributes.numbers("pads", [...spatial, ...spatial].map(() => 0));
    if (pads.length !== 2 * spatial.length) {
      throw new ShapeError(`Cannot pad ${showShape(spatial)} by ${showShape(pads)}: it takes two numbers per axis`, {
        spatial,
        pads,
      });
    }
    return { kernel, stride, dilation, low: pads.slice(0, spatial.length), high: pads.slice(spatial.length) };
  }
  const total = spatial.map((extent, i) => {
    if (auto === "VALID") return 0;
    return Math.max(0, (Math.ceil(extent / stride[i]) - 1) * stride[i] + reach(kernel[i], dilation[i]) - extent);
  });
  const less = total.map((each) => Math.floor(each / 2));
  const more = total.map((each) => Math.ceil(each / 2));
  return { kernel, stride, dilation, ...auto === "SAME_LOWER" ? { low: more, high: less } : { low: less, high: more } };
}

/** Spatial axes with elements added around them. */
export function padSpatial(x: Tensor, low: readonly number[], high: readonly number[], value = 0): Tensor {
  if ([...low, ...high].every((each) => each === 0)) return x;
  return pad(x, { low: [0, 0, ...low], high: [0, 0, ...high], value });
}

/**
 * The sum over the places of a filter's first spatial axis of what a function makes of the images under each: so an axis more is done by
 * functions of images.
 */
export function overDepth(
  volumes: readonly Tensor[],
  f: (images: Tensor, place: number) => Tensor,
  add: (x: Tensor, y: Tensor) => Tensor,
): Tensor {
  const parts = volumes.map((volume, place) => {
    const [n, c, d, h, w] = volume.shape;
    const y = f(reshape(swapDepth(volume), [n * d, c, h, w]), place);
    return swapDepth(reshape(y, [n, d, ...y.shape.slice(1)]));
  });
  return parts.reduce(add);
}

function swapDepth(x: Tensor): Tensor {
  return permute(x, [0, 2, 1, 3, 4]);
}
