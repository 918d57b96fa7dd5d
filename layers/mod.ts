/**
 * Layers: records of two functions, `init` and `apply`, and `serial`, which makes a model of them.
 *
 * Activations are not layers: `relu` and the others are functions, which `serial` takes as stages, too.
 *
 * @module
 */
export * from "./attention.ts";
export type * from "./cell_types.ts";
export type * from "./channels.ts";
export * from "./compose.ts";
export * from "./connections.ts";
export * from "./conv.ts";
export * from "./conv_transpose.ts";
export * from "./dropout.ts";
export * from "./embedding.ts";
export * from "./from_function.ts";
export * from "./init.ts";
export * as initializers from "./initializers/mod.ts";
export * from "./layer.ts";
export * from "./layer_norm.ts";
export * from "./linear.ts";
export * from "./batch_norm.ts";
export * from "./pool.ts";
export * from "./recurrent.ts";
export * from "./recurrent_cell.ts";
export * from "./serial.ts";
export * from "./flatten.ts";
export * from "./state_dict.ts";
export * from "./summary.ts";
export * from "./transformer.ts";
export * from "./multi_head_attention.ts";
export * from "./named.ts";
export * as zoo from "./zoo/mod.ts";
