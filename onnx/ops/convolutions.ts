/**
 * Convolutions of signals, images and volumes, and their transposes.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { runOf, sliceRuns } from "../../core/ops/slice.ts";
import { showShape } from "../../core/shape.ts";
import { add, at, conv1d, conv2d, convTranspose1d, convTranspose2d, pad, reshape, slice, type Tensor } from "../../mod.ts";
import type { Call, OpTable } from "../call.ts";
import { overDepth, padSpatial, reach, type Windows, windowsOf } from "./windows.ts";

/** How a filter is laid over the input. */
interface Layout extends Windows {
  readonly groups: number;
}

function layoutOf(call: Call, x: Tensor, weight: Tensor): Layout {
  const spatial = x.shape.slice(2);
  if (spatial.length < 1 || spatial.length > 3 || weight.rank !== x.rank) {
    throw new ShapeError(
      `Cannot convolve ${showShape(x.shape)} with ${
        showShape(weight.shape)
      }: both need a batch or outputs, channels, and 1 to 3 spatial axes`,
      { shape: x.shape, weight: weight.shape },
    );
  }
  return { ...windowsOf(call, spatial, weight.shape.slice(2)), groups: call.attributes.number("group", 1) };
}

/** The convolution of 1 to 3 spatial axes. */
function convolve(x: Tensor, weight: Tensor, { stride, dilation, low, high, groups }: Layout): Tensor {
  if (low.length === 1) {
    return conv1d(x, weight, { stride: stride[0], dilation: dilation[0], padding: [low[0], high[0]], groups });
  }
  const sides = low.map((before, i) => [before, high[i]] as const).slice(-2) as [
    readonly [number, number],
    readonly [number, number],
  ];
  const flat = { stride: lastTwo(stride), dilation: lastTwo(dilation), padding: sides, groups };
  if (low.length === 2) return conv2d(x, weight, flat);
  const padded = padSpatial(x, [low[0], 0, 0], [high[0], 0, 0]);
  const depth = padded.shape[2] - reach(weight.shape[2], dilation[0]);
  const volumes = Array.from({ length: weight.shape[2] }, (_, place) => {
    return slice(padded, { axis: 2, start: place * dilation[0], stop: place * dilation[0] + depth + 1, step: stride[0] });
  });
  return overDepth(volumes, (images, place) => conv2d(images, at(weight, [":", ":", place]), flat), add);
}

function lastTwo(list: readonly number[]): [number, number] {
  return [list.at(-2)!, list.at(-1)!];
}

/** With one number per channel added. */
function addBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias ? add(y, reshape(bias, [bias.size, ...y.shape.slice(2).map(() => 1)])) : y;
}

/** The convolution that a node's attributes say. */
export function convolveBy(call: Call, x: Tensor, weight: Tensor): Tensor {
  return convolve(x, weight, layoutOf(call, x, weight));
}

function conv(call: Call): Tensor {
  return call.lifted((x, weight, bias) => addBias(convolveBy(call, x, weight), bias));
}

/** All that the filter reaches, of which padding then cuts off the sides. */
function spread(x: Tensor, weight: Tensor, { stride, dilation, groups }: Layout): Tensor {
  if (stride.length === 1) return convTranspose1d(x, weight, { stride: stride[0], dilation: dilation[0], groups });
  const flat = { stride: lastTwo(stride), dilation: lastTwo(dilation), groups };
  if (stride.length === 2) return convTranspose2d(x, weight, flat);
  const places = weight.shape[2];
  return overDepth(
    Array.from({ length: places }, (_, place) => {
      const [before, after] = [place * dilation[0], (places - 1 - place) * dilation[0]];
      return pad(x, { low: [0, 0, before, 0, 0], high: [0, 0, after, 0, 0], interior: [0, 0, stride[0] - 1, 0, 0] });
    }),
    (images, place) => convTranspose2d(images, at(weight, [":", ":", place]), flat),
    add,
  );
}

function convTranspose(call: Call): Tensor {
  const { attributes } = call;
  return call.lifted((x, weight, bias) => {
    const layout = layoutOf(call, x, weight);
    const full = spread(x, weight, layout);
    const spatial = full.shape.slice(2);
    const extra = attributes.numbers("output_padding", spatial.map(() => 0));
    const wanted = attributes.optional("output_shape")?.slice(-spatial.length);
    const auto = attributes.choice("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"], "NOTSET");
    const isSame = auto === "SAME_UPPER" || auto === "SAME_LOWER";
    const sides = spatial.map((extent, i) => {
      const out = wanted?.[i] ?? (isSame ? x.shape[i + 2] * layout.stride[i] : undefined);
      if (out === undefined) return auto === "VALID" ? [0, extra[i]] : [-layout.low[i], extra[i] - layout.high[i]];
      const cut = extent + extra[i] - out;
      const less = Math.floor(cut / 2);
      return auto === "SAME_UPPER" ? [-less, extra[i] + less - cut] : [less - cut, extra[i] - less];
    });
    return addBias(widened(full, sides), bias);
  });
}

/** Spatial axes with elements added, or cut off where numbers are negative. */
function widened(x: Tensor, sides: readonly (readonly number[])[]): Tensor {
  const cut = sliceRuns(
    x,
    x.shape.map((extent, axis) => {
      const [low, high] = sides[axis - 2] ?? [0, 0];
      return runOf({ start: Math.max(0, -low), stop: extent + Math.min(0, high) }, extent);
    }),
  );
  return padSpatial(cut, sides.map(([low]) => Math.max(0, low)), sides.map(([, high]) => Math.max(0, high)));
}

/** What these ops do. */
export const convolutions: OpTable = { Conv: conv, ConvTranspose: convTranspose };
