/**
 * Fan in and fan out of weights, from their shapes.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { type Shape, showShape, sizeOf } from "../../core/shape.ts";

/** How many inputs one output sees, and how many outputs one input reaches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * The fans of a weight.
 *
 * @throws {ShapeError} If it has fewer than 2 axes.
 */
export function fansOf(shape: Shape): Fans {
  if (shape.length < 2) {
    throw new ShapeError(
      `Cannot scale a start of shape ${showShape(shape)} by its fans: a weight needs 2 axes or more, [outputs, inputs, ...]; ` +
        "use constant, uniform or normal",
      { shape },
    );
  }
  const taps = sizeOf(shape.slice(2));
  return { fanIn: shape[1] * taps, fanOut: shape[0] * taps };
}
