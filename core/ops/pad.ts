/**
 * Tensors with more around them: a constant, or their own elements mirrored, repeated or from the other side.
 *
 * @module
 */
import { checkHolds } from "../dtype.ts";
import { anyNumber, oneOf, wholeList } from "../kinds.ts";
import { checkOptions, needed, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor, literal } from "./literal.ts";
import { concat } from "./concat.ts";
import { apply } from "./define.ts";
import { broadcastTo } from "./movement.ts";
import { padOp, slice } from "./slice.ts";

/** Options of `pad`: how many elements to add along each axis, and which. */
export interface PadOptions {
  /** Elements before the first, per axis. */
  readonly low: readonly number[];
  /** Elements after the last, per axis. */
  readonly high: readonly number[];
  /** Elements between any two, per axis (default none); for a constant only. */
  readonly interior?: readonly number[];
  /** The constant to add (default 0). */
  readonly value?: number;
  /**
   * What to add: "constant" (default); "reflect", x mirrored at its first and last element, which are not repeated; "replicate", the
   * first and last element; "circular", what lies at the other end.
   */
  readonly mode?: "constant" | "reflect" | "replicate" | "circular";
}

const padOptions = optionTable<PadOptions>({
  low: needed(wholeList),
  high: needed(wholeList),
  interior: wholeList,
  value: anyNumber,
  mode: oneOf("constant", "reflect", "replicate", "circular"),
});

type Mode = Exclude<PadOptions["mode"], undefined | "constant">;

/** How many elements before the first and after the last an axis of some extent can give. */
const reach: Readonly<Record<Mode, (extent: number) => number>> = {
  reflect: (extent) => Math.max(0, extent - 1),
  replicate: (extent) => extent === 0 ? 0 : Infinity,
  circular: (extent) => extent,
};

/** What is added before x, and after it. */
const borders: Readonly<Record<Mode, (x: Tensor, axis: number, low: number, high: number) => readonly [Tensor, Tensor]>> = {
  reflect: (x, axis, low, high) => {
    const extent = x.shape[axis];
    return [
      slice(x, { axis, start: low, stop: 0, step: -1 }),
      slice(x, { axis, start: extent - 2, stop: extent - 2 - high - extent, step: -1 }),
    ];
  },
  replicate: (x, axis, low, high) => {
    const extended = (edge: Tensor, count: number) => broadcastTo(edge, x.shape.map((extent, i) => i === axis ? count : extent));
    return [extended(slice(x, { axis, stop: 1 }), low), extended(slice(x, { axis, start: -1 }), high)];
  },
  circular: (x, axis, low, high) => {
    return [slice(x, { axis, start: x.shape[axis] - low }), slice(x, { axis, stop: high })];
  },
};

/**
 * x with elements added around its own: zeros, another constant (which may also come between them), or its own elements again.
 *
 * ```ts
 * import { pad, tensor, toArray } from "../../mod.ts";
 * const x = tensor([1, 2, 3]);
 * console.log(await toArray(pad(x, { low: [2], high: [1] }))); // [0, 0, 1, 2, 3, 0]
 * console.log(await toArray(pad(x, { low: [2], high: [1], mode: "reflect" }))); // [3, 2, 1, 2, 3, 2]
 * console.log(await toArray(pad(x, { low: [2], high: [1], mode: "replicate" }))); // [1, 1, 1, 2, 3, 3]
 * console.log(await toArray(pad(x, { low: [2], high: [1], mode: "circular" }))); // [2, 3, 1, 2, 3, 1]
 * ```
 *
 * @throws {DTypeError} If x is of integers that do not hold the value.
 * @throws {ShapeError} If the lists do not have one number of at least 0 per axis, or x is too small to be mirrored or repeated so far.
 * @throws {RangeError} If the mode is not a constant and there is an `interior`, or there is no such mode.
 */
export function pad(x: TensorLike, options: PadOptions): Tensor {
  const { low, high, interior, value = 0, mode = "constant" } = checkOptions(options, padOptions, "pad");
  const tensor = asTensor(x);
  const inner = interior ?? tensor.shape.map(() => 0);
  for (const list of [low, high, inner]) {
    if (list.length !== tensor.rank || list.some((each) => each < 0)) {
      throw new ShapeError(
        `Cannot pad ${showShape(tensor.shape)} by [${list.join(", ")}]: one number of at least 0 per axis is needed`,
        { shape: tensor.shape, padding: list },
      );
    }
  }
  if (mode === "constant") {
    checkHolds(tensor.dtype, literal(value));
    return apply(padOp, [tensor], { low, high, interior: inner, value: literal(value) });
  }
  if (inner.some((each) => each > 0)) {
    throw new RangeError(`Cannot pad between elements in mode "${mode}": only a constant can be there`);
  }
  return tensor.shape.reduce((padded, extent, axis) => {
    const most = Math.max(low[axis], high[axis]);
    if (most === 0) return padded;
    if (most > reach[mode](extent)) {
      throw new ShapeError(
        `Cannot pad axis ${axis} of ${showShape(tensor.shape)} by ${most} in mode "${mode}": its extent allows ${
          reach[mode](extent)
        }`,
        { shape: tensor.shape, axis, padding: most, mode },
      );
    }
    const [before, after] = borders[mode](padded, axis, low[axis], high[axis]);
    return concat([before, padded, after], { axis });
  }, tensor);
}
