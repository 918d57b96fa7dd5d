/**
 * Optimizers: pairs of pure functions that turn gradients into updates, parts to chain, and schedules for their learning rates.
 *
 * @module
 */
export { accumulateGradients, type AccumulateGradientsOptions } from "./accumulate.ts";
export { adadelta, type AdadeltaOptions } from "./adadelta.ts";
export { adagrad, type AdagradOptions } from "./adagrad.ts";
export { adam, type AdamOptions, adamW } from "./adam.ts";
export {
  type AverageState,
  exponentialMovingAverage,
  type ExponentialMovingAverageOptions,
  type ParameterAverage,
} from "./average.ts";
export { chain } from "./chain.ts";
export { clipByGlobalNorm, clipByValue, globalNorm } from "./clip.ts";
export { addDecayedWeights, type DecayOptions } from "./decay.ts";
export { gradientNorms, type GradientNormsOptions } from "./gradient_norms.ts";
export { lion, type LionOptions } from "./lion.ts";
export { applyUpdates, type Optimizer, type OptimizerState } from "./optimizer.ts";
export { masked, partition, setToZero } from "./partition.ts";
export { type LearningRate, type RateFunction, type Schedule } from "./rate.ts";
export { rmsprop, type RmspropOptions } from "./rmsprop.ts";
export * as schedules from "./schedules.ts";
export { sgd, type SgdOptions } from "./sgd.ts";
