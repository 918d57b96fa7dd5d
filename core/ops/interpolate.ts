/**
 * Images in another size, read between their pixels: what decoders enlarge features with where they do not learn how.
 *
 * @module
 */
import { checkedInside, flag } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { checkBytes, hostArrayOf, indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { quoted } from "../quoted.ts";
import { positive } from "../ranges.ts";
import { showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { add, mul } from "./arithmetic.ts";
import { repeat } from "./concat.ts";
import { fromHost } from "./from_values.ts";
import { take } from "./take.ts";
import { imageAxes, type Pair, pair } from "./window.ts";

/** Options of `interpolate`: `size` or `scaleFactor`, and how to read. A pair is [vertical, horizontal]. */
export interface InterpolateOptions {
  /** Height and width of the output. */
  readonly size?: Pair;
  /** What height and width are multiplied by (and rounded down); need not be whole. */
  readonly scaleFactor?: Pair;
  /** The pixel whose area covers a position ("nearest", default), or a mixture of the four around it ("bilinear"). */
  readonly mode?: "nearest" | "bilinear";
  /**
   * For "bilinear": whether the centres of the outermost pixels stay where they are, instead of the edges of the image. Default false.
   */
  readonly alignCorners?: boolean;
}

const interpolateOptions = optionTable<InterpolateOptions>({
  size: checkedInside(),
  scaleFactor: checkedInside(),
  mode: checkedInside(),
  alignCorners: flag,
});

/**
 * Images enlarged or made smaller.
 *
 * ```ts
 * import { interpolate, tensor, toArray } from "../../mod.ts";
 * const x = tensor([[[[0, 4]]]]);
 * console.log(await toArray(interpolate(x, { size: [1, 4] }))); // [[[[0, 0, 4, 4]]]]
 * console.log(await toArray(interpolate(x, { size: [1, 4], mode: "bilinear" }))); // [[[[0, 1, 3, 4]]]]
 * ```
 *
 * "bilinear" reads four pixels, also where the output is much smaller: average first, as with `avgPool2d`, if that matters.
 *
 * @param x [batch, channels, height, width]
 * @throws {ShapeError} If x does not have four axes, an image has no elements, or nothing would be left of it.
 * @throws {OutOfMemoryError} If the result would be too large for memory.
 * @throws {RangeError} If there is not one of `size` and `scaleFactor`, or an option is out of its range.
 */
export function interpolate(x: TensorLike, options: InterpolateOptions): Tensor {
  checkOptions(options, interpolateOptions, "interpolate");
  const images = asFloat(x);
  const [, , h, w] = imageAxes(images.shape, "interpolate");
  const { mode = "nearest", alignCorners = false } = options;
  if (mode !== "nearest" && mode !== "bilinear") {
    throw new RangeError(`mode must be "nearest" or "bilinear", but is ${quoted(mode)}`);
  }
  if (alignCorners && mode === "nearest") throw new RangeError('alignCorners is for mode "bilinear", but the mode is "nearest"');
  const axes = gridsOf([h, w], options);
  if (axes.some(({ extent, out }) => extent < 1 || out < 1)) {
    const size = axes.map(({ out }) => out);
    throw new ShapeError(`Cannot interpolate images ${showShape(images.shape)} to size ${showShape(size)}: there is no element`, {
      shape: images.shape,
      size,
    });
  }
  checkBytes(images.dtype, images.shape[0] * images.shape[1] * axes[0].out * axes[1].out);
  return axes.reduce(
    (read, grid, i) => mode === "nearest" ? nearest(read, i + 2, grid) : linear(read, i + 2, grid, alignCorners),
    images,
  );
}

/** Places along one axis. */
interface Grid {
  readonly extent: number;
  readonly out: number;
  /** How many elements of the input there are to one of the output. */
  readonly step: number;
}

function gridsOf(extents: readonly number[], { size, scaleFactor }: InterpolateOptions): Grid[] {
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new RangeError("Cannot interpolate: it needs either a size or a scaleFactor");
  }
  if (size !== undefined) {
    const outs = pair(size, "size", 1, Infinity);
    return extents.map((extent, i) => ({ extent, out: outs[i], step: extent / outs[i] }));
  }
  const factors = typeof scaleFactor === "number" ? [scaleFactor, scaleFactor] : scaleFactor!;
  return extents.map((extent, i) => {
    const factor = positive(factors[i], "scaleFactor");
    return { extent, out: Math.floor(extent * factor), step: 1 / factor };
  });
}

function nearest(x: Tensor, axis: number, { extent, out, step }: Grid): Tensor {
  const times = out / extent;
  if (Number.isInteger(times) && step === 1 / times) return times === 1 ? x : repeat(x, times, { axis });
  return pick(x, axis, indices(out, (i) => Math.min(extent - 1, Math.floor(i * step + rounding))));
}

/** Bound of the rounding error of a whole position in double precision. */
const rounding = 1e-9;

/** The mean of the two neighbours of each position, weighted by nearness. */
function linear(x: Tensor, axis: number, { extent, out, step }: Grid, alignCorners: boolean): Tensor {
  const position = alignCorners
    ? (i: number) => out === 1 ? 0 : i * (extent - 1) / (out - 1)
    : (i: number) => Math.max(0, (i + 0.5) * step - 0.5);
  const low = (i: number) => Math.min(extent - 1, Math.floor(position(i)));
  const share = (i: number) => Math.min(1, position(i) - low(i));
  const weights = (at: (i: number) => number) => fromHost(hostArrayOf(x.dtype, out, at), axis === 2 ? [out, 1] : [out], x.dtype);
  const below = mul(pick(x, axis, indices(out, low)), weights((i) => 1 - share(i)));
  const above = mul(pick(x, axis, indices(out, (i) => Math.min(extent - 1, low(i) + 1))), weights(share));
  return add(below, above);
}

function indices(count: number, index: (i: number) => number): Tensor {
  return fromHost(hostArrayOf(indexType, count, index), [count], indexType);
}

function pick(x: Tensor, axis: number, indices: Tensor): Tensor {
  return take(x, indices, { axis });
}
