/**
 * Initializers: functions from a key and a shape to a tensor, made by functions of their options. Layers take them as
 * `weightInit` and `biasInit`.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const { initializers, linear } = layers;
 * const layer = linear({ features: 10, weightInit: initializers.heNormal(), biasInit: initializers.constant(0) });
 * console.log(layer.init(random.key(0), [784]).params.weight.shape); // [10, 784]
 * ```
 *
 * @module
 */
export * from "./distributions.ts";
export * from "./orthogonal.ts";
export * from "./variance_scaling.ts";
