/**
 * Layers: records of two functions, `init` and `apply`, and `serial`, which makes a model of them.
 *
 * Activations are no layers: `relu` and its like are functions, and functions are stages of `serial` as they are.
 *
 * @module
 */
export {
  type AttentionOptions,
  type AttentionParams,
  crossAttention,
  type CrossAttentionOptions,
  multiHeadAttention,
  type MultiHeadAttentionOptions,
  scaledDotProductAttention,
} from "./attention.ts";
export { compose, type Stage, type StageFunctions, type StageParams, type Stages, type StageState } from "./compose.ts";
export {
  denseConnection,
  type JoinOptions,
  parallel,
  residual,
  type ResidualOptions,
  type ResidualStages,
} from "./connections.ts";
export { type ChannelOptions, conv1d, type Conv1dLayerOptions, conv2d, type Conv2dLayerOptions } from "./conv.ts";
export {
  convTranspose1d,
  type ConvTranspose1dLayerOptions,
  convTranspose2d,
  type ConvTranspose2dLayerOptions,
} from "./conv_transpose.ts";
export { dropout, dropout2d } from "./dropout.ts";
export { embedding, type EmbeddingOptions, type EmbeddingParams } from "./embedding.ts";
export { type InitOptions, keyFor, type WeightBias } from "./init.ts";
export * as initializers from "./initializers.ts";
export { type Initializer } from "./initializers.ts";
export {
  type AnyLayer,
  type Empty,
  evalMode,
  fromFunction,
  type Initial,
  type Layer,
  type Mode,
  outputShape,
  type ParamsOf,
  type StateOf,
  trainMode,
} from "./layer.ts";
export {
  groupNorm,
  type GroupNormLayerOptions,
  instanceNorm,
  type InstanceNormLayerOptions,
  layerNorm,
  type LayerNormLayerOptions,
  type NormParams,
} from "./layer_norm.ts";
export { linear, type LinearLayerOptions } from "./linear.ts";
export { batchNorm, type BatchNormOptions, type BatchNormParams, type BatchNormState, type RunningStatistics } from "./norm.ts";
export { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool1d, avgPool2d, globalAvgPool2d, maxPool1d, maxPool2d } from "./pool.ts";
export {
  type CellParams,
  gru,
  gruCell,
  type GruState,
  lstm,
  lstmCell,
  type LstmState,
  type RecurrentOptions,
  type RecurrentParams,
} from "./recurrent.ts";
export { type Numbered, sequence, serial } from "./serial.ts";
export { flatten } from "./shape.ts";
export {
  type Loaded,
  loadStateDict,
  type Numbers,
  type StateDict,
  stateDict,
  type StateDictError,
  type StoredTensor,
} from "./state_dict.ts";
export { summary } from "./summary.ts";
export { transformerEncoderLayer, type TransformerOptions, type TransformerParams } from "./transformer.ts";
export { namedParameters, namedStages, type Staged, type WalkOptions } from "./walk.ts";
export * as zoo from "./zoo/mod.ts";
