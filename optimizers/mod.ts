/**
 * Optimizers: pairs of pure functions that turn gradients into updates, parts to chain, and schedules for their learning rates.
 *
 * @module
 */
export { adadelta, type AdadeltaOptions } from "./adadelta.ts";
export { adam, type AdamOptions, adamW } from "./adam.ts";
export { chain } from "./chain.ts";
export { clipByGlobalNorm, globalNorm } from "./clip.ts";
export { gradientNorms, type GradientNormsOptions } from "./gradient_norms.ts";
export { applyUpdates, type Optimizer, type OptimizerState } from "./optimizer.ts";
export { type LearningRate, type RateFunction, type Schedule } from "./rate.ts";
export * as schedules from "./schedules.ts";
export { sgd, type SgdOptions } from "./sgd.ts";
