/**
 * How long gradients are, layer by layer: what shows that they vanish or explode.
 *
 * @module
 */
import { argument, aTree, oneOf } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { Tensor } from "../core/tensor.ts";
import { treeLeaves } from "../core/tree.ts";
import { globalNorm } from "./clip.ts";

/** Options of `gradientNorms`. */
export interface GradientNormsOptions {
  /** Whether there is one norm per layer, of all its tensors, or one per tensor. Default "layer". */
  readonly per?: "layer" | "tensor";
}

const gradientNormsOptions = optionTable<GradientNormsOptions>({ per: oneOf("layer", "tensor") });

/**
 * The norm of the gradients of each layer by its dotted name, in the order of the layers: if they shrink from one to the next towards the
 * input, gradients vanish; if they grow, they explode. Works on parameters and updates, too, and inside `jit`.
 *
 * ```ts
 * import { grad, item, layers, mean, ones, optimizers, random, sigmoid } from "../mod.ts";
 * const { linear, serial } = layers;
 * const model = serial({ a: linear({ features: 8 }), sigmoid, b: linear({ features: 1 }) });
 * const { params, state } = model.init(random.key(0), [4]);
 * const grads = grad((p: typeof params) => mean(model.apply(p, state, ones([1, 4]), layers.evalMode)[0]))(params);
 * for (const [layer, norm] of Object.entries(optimizers.gradientNorms(grads))) console.log(layer, await item(norm));
 * // a 0.295..., b 1.716...
 * ```
 *
 * @param grads A tree of tensors, as `grad` gives it.
 * @returns Scalars by name; what belongs to no layer has the name "".
 */
export function gradientNorms(grads: object, options: GradientNormsOptions = {}): Record<string, Tensor> {
  const { per = "layer" } = checkOptions(options, gradientNormsOptions, "gradientNorms");
  argument(grads, aTree, "grads", "gradientNorms");
  const named = treeLeaves(grads).flatMap(({ path, value }) => value instanceof Tensor ? [{ path, value }] : []);
  const groups = Map.groupBy(named, ({ path }) => per === "tensor" ? path : path.slice(0, Math.max(0, path.lastIndexOf("."))));
  return Object.fromEntries(Array.from(groups, ([name, leaves]) => [name, globalNorm(leaves.map(({ value }) => value))]));
}
