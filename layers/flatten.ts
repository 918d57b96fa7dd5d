/**
 * Layers that only change the shape.
 *
 * @module
 */
import { flatten as merge } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import type { Layer } from "./layer.ts";
import { fromFunction } from "./from_function.ts";

/**
 * Flattens all axes but the batch into one: for the step from convolutions to linear layers.
 *
 * Input [batch, ...], output [batch, product of the rest].
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.flatten().init(random.key(0), [20, 4, 4]).output); // [320]
 * ```
 */
export function flatten(): Layer {
  // An input of a batch axis only has one feature per example.
  return fromFunction((x) => x.rank === 1 ? reshape(x, [x.size, 1]) : merge(x, { start: 1 }), "flatten");
}
