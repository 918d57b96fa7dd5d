/**
 * Layers from functions.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { aFunction, argument, aString } from "../core/kinds.ts";
import type { Tensor } from "../core/tensor.ts";
import { empty } from "./parameters.ts";
import { type Layer, outputShape } from "./layer.ts";

/**
 * A layer without parameters from a function on batches.
 *
 * ```ts
 * import { layers, mul, random } from "../mod.ts";
 * const twice = layers.fromFunction((x) => mul(x, 2));
 * console.log(twice.init(random.key(0), [3]).output); // [3]
 * ```
 *
 * @param f Must keep the first axis, which is the batch.
 * @param kind What to call it in summaries. Default the function's own name.
 */
export function fromFunction(f: (x: Tensor) => Tensor, kind: string = f?.name): Layer {
  argument(f, aFunction(), "f", "fromFunction");
  argument(kind, aString, "kind", "fromFunction");
  return checkedLayer({
    kind,
    init: (_, inputShape) => ({ params: empty, state: empty, output: outputShape(f, inputShape) }),
    apply: (_params, state, x) => [f(x), state],
  });
}
