/**
 * Optimizers: pairs of pure functions that turn gradients into updates, parts to chain, and schedules for their learning rates.
 *
 * @module
 */
export * from "./accumulate.ts";
export * from "./adadelta.ts";
export * from "./adagrad.ts";
export * from "./adam.ts";
export * from "./average.ts";
export * from "./chain.ts";
export * from "./clip.ts";
export * from "./decay.ts";
export * from "./gradient_norms.ts";
export * from "./lion.ts";
export * from "./optimizer.ts";
export * from "./partition.ts";
export type * from "./rate.ts";
export * from "./rmsprop.ts";
export * as schedules from "./schedules/mod.ts";
export * from "./sgd.ts";
