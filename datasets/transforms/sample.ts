/**
 * Reading images at other positions than their pixels': what crops and rotations are made of.
 *
 * @module
 */
import { checkHolds, defaultFloat, indexType } from "../../core/dtype.ts";
import { abs, add, div, mul, sub } from "../../core/ops/arithmetic.ts";
import { logicalAnd } from "../../core/ops/logic.ts";
import { maximum, minimum } from "../../core/ops/binary.ts";
import { cast } from "../../core/ops/cast.ts";
import { ge, lt } from "../../core/ops/compare.ts";
import { concat } from "../../core/ops/concat.ts";
import { constantOf } from "../../core/ops/constant.ts";
import { iota } from "../../core/ops/creation.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { pad } from "../../core/ops/pad.ts";
import { where } from "../../core/ops/select.ts";
import { split } from "../../core/ops/split.ts";
import { takeAlongAxis } from "../../core/ops/take.ts";
import { clip, floor, relu, round } from "../../core/ops/unary.ts";
import type { Tensor } from "../../core/tensor.ts";
import { inFloat } from "./batch.ts";
import type { Interpolation, PaddingMode } from "./modes.ts";

/**
 * The pixels of each image at rows [n, h, 1] or [n, h, w] and columns [n, 1, w] or [n, h, w], which must be within it: [n, c, h, w].
 */
function pixels(images: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [n, c, height, width] = images.shape;
  const at = add(mul(rows, width), columns);
  const [, h, w] = at.shape;
  const chosen = takeAlongAxis(reshape(images, [n, c, height * width]), reshape(at, [n, 1, h * w]));
  return reshape(chosen, [n, c, h, w]);
}

/** Whether positions are within an axis. */
function within(at: Tensor, extent: number): Tensor {
  return logicalAnd(ge(at, 0), lt(at, extent));
}

/** Positions of i32 brought into an axis from at most its extent beyond. */
function brought(at: Tensor, extent: number, mode: PaddingMode): Tensor {
  switch (mode) {
    case "constant":
    case "edge":
      return maximum(minimum(at, extent - 1), 0);
    case "reflect": {
      const distance = abs(at);
      return minimum(distance, sub(2 * (extent - 1), distance));
    }
    case "symmetric": {
      const distance = where(lt(at, 0), sub(-1, at), at);
      return minimum(distance, sub(2 * extent - 1, distance));
    }
  }
}

/** Images where `inside` [n, h, w] holds, else the value; bytes stay bytes. */
function filled(images: Tensor, inside: Tensor, fill: number): Tensor {
  const [n, h, w] = inside.shape;
  return where(reshape(inside, [n, 1, h, w]), images, constantOf(fill, images.dtype));
}

/** The pixels at rows and columns of i32, shaped as those of `pixels`, which may be beyond the edge. */
export function pixelsAt(images: Tensor, rows: Tensor, columns: Tensor, mode: PaddingMode, fill: number): Tensor {
  const [, , height, width] = images.shape;
  const found = pixels(images, brought(rows, height, mode), brought(columns, width, mode));
  return mode === "constant" ? filled(found, logicalAnd(within(rows, height), within(columns, width)), fill) : found;
}

/**
 * Images read at positions between their pixels: y and x [n, h, w] count pixels from the centre of the first. Beyond the edge is `fill`.
 */
export function sampled(images: Tensor, y: Tensor, x: Tensor, interpolation: Interpolation, fill: number): Tensor {
  checkHolds(images.dtype, fill);
  if (interpolation === "bilinear") return inFloat(images, (values) => blended(values, y, x, fill));
  return pixelsAt(images, cast(round(y), indexType), cast(round(x), indexType), "constant", fill);
}

/** The mean of the four pixels around each position, weighted by nearness. */
function blended(values: Tensor, y: Tensor, x: Tensor, fill: number): Tensor {
  const [n, channels, height, width] = values.shape;
  // A frame of one pixel stands for all that is beyond the edge.
  const framed = pad(values, { low: [0, 0, 1, 1], high: [0, 0, 1, 1], value: fill });
  // Every pixel carries its coordinates in two more channels: its weight is then that of the pixel which was read. Two kernels may round a
  // position that is all but whole to different sides, one for reading and one for the weight.
  const frame = [n, 1, height + 2, width + 2];
  const located = concat([framed, ...[2, 3].map((axis) => cast(iota(frame, axis), values.dtype))], { axis: 1 });
  const [down, across] = [clip(add(y, 1), { min: 0, max: height + 1 }), clip(add(x, 1), { min: 0, max: width + 1 })];
  const [top, left] = [minimum(cast(floor(down), indexType), height), minimum(cast(floor(across), indexType), width)];
  const nearness = (position: Tensor, found: Tensor) =>
    relu(sub(1, abs(sub(reshape(position, [n, 1, ...position.shape.slice(1)]), found))));
  const corners = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([below, beside]) => {
    const found = pixels(located, add(top, below), add(left, beside));
    const [value, row, column] = split(found, [channels, 1, 1], { axis: 1 });
    return mul(value, mul(nearness(down, row), nearness(across, column)));
  });
  return corners.reduce((sum, corner) => add(sum, corner));
}

/** The position of each row [1, h, 1] and column [1, 1, w] of a picture, counted from its centre: f32. */
export function fromCentre(height: number, width: number): readonly [y: Tensor, x: Tensor] {
  const centred = (shape: readonly number[], axis: number) => sub(cast(iota(shape, axis), defaultFloat), div(shape[axis] - 1, 2));
  return [centred([1, height, 1], 1), centred([1, 1, width], 2)];
}
