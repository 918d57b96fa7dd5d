/**
 * Initializers of any type from numbers drawn as f32.
 *
 * @module
 */
import { defaultFloat } from "../../core/dtype.ts";
import { cast } from "../../core/ops/cast.ts";
import type { Key } from "../../core/random.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Initializer } from "../init.ts";

/** An initializer of any type from a way to draw f32 numbers. */
export function drawn(draw: (key: Key, shape: Shape) => Tensor): Initializer {
  return (key, shape, { dtype = defaultFloat } = {}) => cast(draw(key, shape), dtype);
}
