/**
 * Indices as users give them, checked and counted from the front.
 *
 * @module
 */
import { indexType, isBool, isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { normalizeAxis, type Shape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ask, TracedNumber } from "../traced_number.ts";
import { asTensor } from "./literal.ts";
import { add } from "./arithmetic.ts";
import { maximum, minimum } from "./binary.ts";
import { cast } from "./cast.ts";
import { lt } from "./compare.ts";
import { firstOutside } from "./known.ts";
import { iota, zeros } from "./creation.ts";
import { broadcastTo } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { where } from "./select.ts";

/**
 * An index along an axis of `shape`, counted from the front.
 *
 * @throws {TypeError} If it is not whole.
 * @throws {ShapeError} If the axis is empty.
 * @throws {RangeError} If there is no such position.
 */
export function normalizeIndex(at: number, shape: Shape, axis: number, what: string): number {
  if (!Number.isInteger(at)) {
    throw new TypeError(`Cannot ${what} ${showShape(shape)} at ${at}: a position must be an integer`);
  }
  const extent = shape[axis];
  if (extent === 0) {
    throw new ShapeError(`Cannot ${what} ${showShape(shape)} at ${at} along axis ${axis}: it is empty`, { shape, axis });
  }
  if (at < -extent || at >= extent) {
    throw new RangeError(
      `Cannot ${what} ${showShape(shape)} at ${at} along axis ${axis}: positions are ${-extent} to ${extent - 1}`,
    );
  }
  return at < 0 ? at + extent : at;
}

/**
 * Indices along an axis of `shape` as i32 that count from the front and lie in range: negative ones count from the end, and those
 * outside that are known on the device only are clamped (a program there cannot raise an error).
 *
 * @throws {RangeError} If one is known to be outside.
 * @throws {DTypeError} If they are not integers.
 * @throws {ShapeError} If there are some, but the axis is empty.
 */
export function normalizeIndices(indices: TensorLike, shape: Shape, axis: number, what: string): Tensor {
  if (typeof indices === "number") return cast(normalizeIndex(indices, shape, axis, what), indexType);
  const isTraced = indices instanceof TracedNumber;
  if (isTraced) checkPosition(indices, shape, axis, what);
  const list = asTensor(indices, isTraced ? indexType : undefined);
  if (!isInteger(list.dtype)) {
    const remedy = isBool(list.dtype) ? "choose by a mask with where(mask, x, y)" : 'use cast(indices, "i32")';
    throw new DTypeError(`Cannot ${what} by indices of type ${list.dtype}: they must be integers, ${remedy}`, {
      dtype: list.dtype,
    });
  }
  const size = shape[axis];
  if (size === 0 && list.size > 0) {
    throw new ShapeError(`Cannot ${what} ${showShape(shape)} by index along axis ${axis}: it is empty`, { shape, axis });
  }
  const outside = firstOutside(list, -size, size);
  if (outside) {
    throw new RangeError(
      `Cannot ${what} ${showShape(shape)} at ${outside.value} along axis ${axis}: positions are ${-size} to ${
        size - 1
      }, and element ` +
        `${outside.position} of the indices names none`,
    );
  }
  const whole = cast(list, indexType);
  const fromFront = where(lt(whole, 0), add(whole, size), whole);
  return maximum(minimum(fromFront, size - 1), 0);
}

/** Checks that what a traced number stands for is a position; errors as of `normalizeIndex`. */
export function checkPosition(at: TracedNumber<Tensor>, shape: Shape, axis: number, what: string): void {
  ask(at, `position of ${shape[axis]}`, (value) => normalizeIndex(value, shape, axis, what) >= 0);
}

/** Indices along an axis, one per element, as arguments of `gather`. */
interface AlongAxis {
  /** The first axis of the block that is indexed as one list. */
  readonly from: number;
  /** One tensor of indices per axis of the block. */
  readonly indices: readonly Tensor[];
  /** Of what is chosen. */
  readonly shape: Shape;
}

/** @throws {ShapeError} If indices of a shape do not go beside the elements of a tensor along an axis. */
function checkAlong(shape: Shape, indices: Shape, axis: number, what: string): void {
  const wrong = indices.length !== shape.length
    ? `both must have ${shape.length} axes; whole rows are read by take, and added to by addAt`
    : indices.flatMap((extent, i) =>
      i === axis || extent === shape[i] || extent === 1 || shape[i] === 1
        ? []
        : [`at axis ${i} the extents differ and neither is 1`]
    )[0];
  if (wrong === undefined) return;
  throw new ShapeError(
    `Cannot ${what} ${showShape(shape)} along axis ${axis} by indices of shape ${showShape(indices)}: ${wrong}`,
    { shape, indices, axis },
  );
}

/**
 * How `indices` choose along an axis of `shape`. Axes along which the indices are constant (extent 1) stay out of the block where they
 * are at its ends: whole rows are moved then.
 *
 * @throws {ShapeError} If the other axes do not fit.
 */
export function indicesAlong(shape: Shape, indices: TensorLike, axis: number, what: string): AlongAxis {
  const at = normalizeAxis(axis, shape.length, what);
  // Before the values: of indices for another axis or function, what does not fit is the shape.
  checkAlong(shape, asTensor(indices).shape, at, what);
  const list = normalizeIndices(indices, shape, at, what);
  const out = shape.map((extent, i) => i === at || extent === 1 ? list.shape[i] : extent);
  const varying = list.shape.flatMap((extent, i) => i === at || extent !== 1 ? [i] : []);
  const [from, to] = [varying[0], varying[varying.length - 1] + 1];
  const block = out.slice(from, to);
  const indexAlong = (_: number, i: number) => {
    const each = from + i;
    if (each === at) return broadcastTo(reshape(list, list.shape.slice(from, to)), block);
    return shape[each] === 1 ? zeros(block, { dtype: indexType }) : iota(block, i);
  };
  return { from, indices: block.map(indexAlong), shape: out };
}
