/**
 * Optimizers: pairs of pure functions that turn gradients into updates.
 *
 * @module
 */
export { applyUpdates, type Optimizer, type OptimizerState } from "./optimizer.ts";
export { type LearningRate, type Schedule } from "./rate.ts";
export { sgd, type SgdOptions } from "./sgd.ts";
