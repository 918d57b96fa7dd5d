/**
 * Pooling over signals, images and volumes.
 *
 * @module
 */
import { extremes, isFloat } from "../../core/dtype.ts";
import { ShapeError } from "../../core/errors.ts";
import { contiguousStrides, showShape, sizeOf } from "../../core/shape.ts";
import {
  abs,
  add,
  avgPool2d,
  broadcastTo,
  div,
  gt,
  iota,
  max,
  maximum,
  maxPool2d,
  mean,
  mul,
  ones,
  pow,
  reshape,
  scatterAdd,
  slice,
  sum,
  type Tensor,
  where,
  zeros,
} from "../../mod.ts";
import type { Call, OnnxOp, OpTable } from "../call.ts";
import { padSpatial, reach, type Windows, windowsOf } from "./windows.ts";

/** Windows, wide enough at the end that all of them fit. `low` and `high` are the padding as such, `end` what comes behind it. */
interface Pool extends Windows {
  readonly end: readonly number[];
}

function poolOf(call: Call, x: Tensor): Pool {
  const spatial = x.shape.slice(2);
  if (spatial.length < 1) throw new ShapeError(`Cannot pool ${showShape(x.shape)}: it has no spatial axis`, { shape: x.shape });
  const windows = windowsOf(call, spatial, call.attributes.numbers("kernel_shape"));
  const { kernel, stride, dilation, low, high } = windows;
  const end = spatial.map((extent, i) => {
    const room = extent + low[i] + high[i] - reach(kernel[i], dilation[i]);
    if (!call.attributes.flag("ceil_mode", false)) return 0;
    const steps = Math.ceil(room / stride[i]);
    // A window must begin inside the input or before it.
    const last = steps * stride[i] >= extent + low[i] ? steps - 1 : steps;
    return Math.max(0, last * stride[i] - room);
  });
  return { ...windows, end };
}

/** The elements at one place of the windows along one axis. */
function under(x: Tensor, { kernel, stride, dilation }: Windows, i: number, place: number): Tensor {
  const axis = i + 2;
  const room = x.shape[axis] - reach(kernel[i], dilation[i]);
  if (room < 0) {
    throw new ShapeError(`Cannot pool ${showShape(x.shape)} by windows of ${showShape(kernel)}: none fits`, { kernel });
  }
  const start = place * dilation[i];
  return slice(x, { axis, start, stop: start + room + 1, step: stride[i] });
}

/** What a function of two makes of all elements under each window, axis by axis. */
function fold(x: Tensor, windows: Windows, f: (x: Tensor, y: Tensor) => Tensor): Tensor {
  return windows.kernel.reduce((y, places, i) => {
    return Array.from({ length: places }, (_, place) => under(y, windows, i, place)).reduce((a, b) => f(a, b));
  }, x);
}

function least(x: Tensor): number {
  return isFloat(x.dtype) ? -Infinity : extremes(x.dtype)[0];
}

function padded(x: Tensor, { low, high, end }: Pool, value: number): Tensor {
  return padSpatial(x, low, high.map((each, i) => each + end[i]), value);
}

function maxPool(call: Call): Tensor | readonly Tensor[] {
  const x = call.computed(0);
  const pool = poolOf(call, x);
  if (call.wanted[1]) return maxWithPlaces(call, x, pool);
  return call.like(0, fastMax(x, pool) ?? fold(padded(x, pool, least(x)), pool, maximum));
}

/** The fast way for images whose padding is as `maxPool2d` has it. */
function fastMax(x: Tensor, pool: Pool): Tensor | undefined {
  const { kernel, stride, dilation, low, high, end } = pool;
  const isEven = low.every((each, i) => each === high[i] && end[i] === 0 && each <= kernel[i] / 2);
  if (kernel.length !== 2 || !isFloat(x.dtype)) return undefined;
  const [images, padding] = isEven ? [x, low] : [padded(x, pool, -Infinity), [0, 0]];
  return maxPool2d(images, { kernel: two(kernel), stride: two(stride), dilation: two(dilation), padding: two(padding) });
}

function two(list: readonly number[]): [number, number] {
  return [list[0], list[1]];
}

/** A value and where it was. */
interface Placed {
  readonly value: Tensor;
  readonly place: Tensor;
}

/** The largest element under each window, and its index among all elements of x, counted along rows or columns of the images. */
function maxWithPlaces(call: Call, x: Tensor, pool: Pool): readonly Tensor[] {
  const spatial = x.shape.slice(2);
  const byColumns = call.attributes.flag("storage_order", false);
  const strides = byColumns ? contiguousStrides([...spatial].reverse()).reverse() : contiguousStrides(spatial);
  const image = reshape(iota([x.shape[0] * x.shape[1]], 0), [x.shape[0], x.shape[1], ...spatial.map(() => 1)]);
  const index = strides.reduce(
    (at, stride, i) => add(at, mul(iota(x.shape, i + 2), stride)),
    broadcastTo(mul(image, sizeOf(spatial)), x.shape),
  );
  const start: Placed = { value: padded(x, pool, least(x)), place: padded(index, pool, 0) };
  const { value, place } = pool.kernel.reduce((y, places, i) => {
    const parts = Array.from({ length: places }, (_, at) => ({
      value: under(y.value, pool, i, at),
      place: under(y.place, pool, i, at),
    }));
    return parts.reduce((best, next) => {
      const better = gt(next.value, best.value);
      return { value: where(better, next.value, best.value), place: where(better, next.place, best.place) };
    });
  }, start);
  return [call.like(0, value), place];
}

function averagePool(call: Call): Tensor {
  return call.lifted((x) => {
    const pool = poolOf(call, x);
    const { kernel, dilation } = pool;
    const all = padded(x, pool, 0);
    const isImage = kernel.length === 2 && dilation.every((each) => each === 1);
    const average = isImage
      ? avgPool2d(all, { kernel: two(kernel), stride: two(pool.stride) })
      : div(fold(all, pool, add), sizeOf(kernel));
    if ([...pool.low, ...pool.high, ...pool.end].every((each) => each === 0)) return average;
    // The share of each window that counts: the input, and its padding if that is included.
    const counted = call.attributes.flag("count_include_pad", false)
      ? padSpatial(
        ones(padSpatial(x, pool.low, pool.high).shape.map((extent, i) => i < 2 ? 1 : extent)),
        pool.low.map(() => 0),
        pool.end,
      )
      : padded(ones(x.shape.map((extent, i) => i < 2 ? 1 : extent)), pool, 0);
    return div(average, div(fold(counted, pool, add), sizeOf(kernel)));
  });
}

/** (sum of |x|^p)^(1/p) under each window. */
function lpPool(call: Call): Tensor {
  const p = call.attributes.number("p", 2);
  return call.lifted((x) => {
    const pool = poolOf(call, x);
    return pow(fold(padded(pow(abs(x), p), pool, 0), pool, add), 1 / p);
  });
}

function overSpace(f: (x: Tensor, options: { axis: readonly number[]; keepDims: boolean }) => Tensor): OnnxOp {
  return (call) => call.lifted((x) => f(x, { axis: x.shape.map((_, i) => i).slice(2), keepDims: true }));
}

/** Elements put back to where a pool found them, zeros elsewhere. */
function maxUnpool(call: Call): Tensor {
  const x = call.tensor(0);
  const places = call.tensor(1);
  const spatial = x.shape.slice(2);
  const { kernel, stride, low, high } = windowsOf(call, spatial, call.attributes.numbers("kernel_shape"));
  const natural = [
    ...x.shape.slice(0, 2),
    ...spatial.map((extent, i) => (extent - 1) * stride[i] - low[i] - high[i] + kernel[i]),
  ];
  const filled = reshape(scatterAdd(zeros([sizeOf(natural)]), reshape(places, [x.size]), reshape(x, [x.size])), natural);
  const shape = call.has(2) ? call.ints(2) : natural;
  return padSpatial(filled, spatial.map(() => 0), spatial.map((_, i) => shape[i + 2] - natural[i + 2]));
}

/** What these ops do. */
export const pools: OpTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalMaxPool: overSpace(max),
  GlobalAveragePool: overSpace(mean),
  GlobalLpPool: (call) => {
    const p = call.attributes.number("p", 2);
    return overSpace((x, options) => pow(sum(pow(abs(x), p), options), 1 / p))(call);
  },
  MaxUnpool: maxUnpool,
};
