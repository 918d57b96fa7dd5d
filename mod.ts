/**
 * Cotangent: functional machine learning for Deno. Pure functions over immutable tensors, function transforms, and two fast devices.
 *
 * @module
 */
import "./core/execution/print.ts";
import "./core/execution/nan_checks.ts";

export { type DType, type TypedArray } from "./core/dtype.ts";
export * from "./core/errors.ts";
export { type Shape } from "./core/shape.ts";
export { type Scalar, Tensor, type TensorLike } from "./core/tensor.ts";
export { type TracedNumber } from "./core/traced_number.ts";
export { type Leaf, mapLeaves, treeLeaves, treeMap, treeMapWithPath, treeTensors } from "./core/tree.ts";
export { type Mask, type MaskTree } from "./core/mask.ts";
export { orThrow, type Outcome, OutcomeError } from "./core/or_throw.ts";
export { withArgs } from "./core/with_args.ts";

export {
  arange,
  type CreationOptions,
  empty,
  eye,
  type EyeOptions,
  full,
  fullLike,
  iota,
  linspace,
  type LinspaceOptions,
  meshgrid,
  ones,
  zeros,
} from "./core/ops/creation.ts";
export { fromBytes, type FromBytesOptions, type NestedArray, tensor, type TensorOptions } from "./core/ops/from_values.ts";
export { onesLike, zerosLike } from "./core/ops/constant.ts";
export { abs, add, div, mul, neg, reciprocal, sign, square, sub } from "./core/ops/arithmetic.ts";
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  cbrt,
  ceil,
  clip,
  cos,
  cosh,
  erf,
  exp,
  exp2,
  expm1,
  floor,
  isFinite,
  isInf,
  isNaN,
  log,
  log10,
  log1p,
  log2,
  relu,
  round,
  rsqrt,
  sigmoid,
  silu,
  sin,
  sinh,
  sqrt,
  tan,
  tanh,
  trunc,
} from "./core/ops/unary.ts";
export { bitwiseAnd, bitwiseOr, bitwiseXor, logicalAnd, logicalNot, logicalOr, shiftLeft, shiftRight } from "./core/ops/logic.ts";
export { digamma, lgamma, polygamma } from "./core/ops/gamma.ts";
export { erfc, erfinv, gudermannian, isru, softsign } from "./core/ops/special.ts";
export { atan2, hypot } from "./core/ops/polar.ts";
export { floorDivide, logAddExp, maximum, minimum, pow, rem, remainder } from "./core/ops/binary.ts";
export { eq, ge, gt, le, lt, ne } from "./core/ops/compare.ts";
export { where } from "./core/ops/select.ts";
export { cast, stopGradient } from "./core/ops/cast.ts";
export {
  all,
  any,
  argmax,
  argmin,
  type ArgOptions,
  countNonzero,
  logSumExp,
  max,
  mean,
  min,
  std,
  variance,
  type VarianceOptions,
} from "./core/ops/reduce.ts";
export { type ReduceOptions, sum } from "./core/ops/sum.ts";
export { broadcastTo, expandDims, flatten, flip, moveAxis, permute, squeeze, swapAxes, transpose } from "./core/ops/movement.ts";
export { reshape } from "./core/ops/reshape.ts";
export { type IndexRange, slice, type SliceRange } from "./core/ops/slice.ts";
export { chunk, split, unstack } from "./core/ops/split.ts";
export { pad, type PadOptions } from "./core/ops/pad.ts";
export { concat, repeat, roll, stack, tile } from "./core/ops/concat.ts";
export { take, takeAlongAxis } from "./core/ops/take.ts";
export { argsort, median, quantile, sort, type SortOptions, type TopK, topK, type TopKOptions } from "./core/ops/sort.ts";
export { scatterAdd } from "./core/ops/scatter.ts";
export { addAt, at, type Index, type Indices, type Positions, setAt } from "./core/ops/index.ts";
export { dynamicSlice, dynamicUpdateSlice } from "./core/ops/dynamic.ts";
export { prod } from "./core/ops/prod.ts";
export { norm, normalize, type NormalizeOptions, type NormOptions } from "./core/ops/norm.ts";
export { cummax, cummin, cumprod, cumsum, type CumulativeOptions, logCumSumExp } from "./core/ops/cumulative.ts";
export { dot, matmul } from "./core/ops/matmul.ts";
export { einsum, inner, outer, tensordot, type TensordotOptions } from "./core/ops/einsum.ts";
export { diag, diagonal, type DiagonalOptions, type OffsetOptions, trace, tril, triu } from "./core/ops/triangular.ts";
export { conv1d, type Conv1dOptions, conv2d, type Conv2dOptions, type PaddingMode } from "./core/ops/conv.ts";
export {
  convTranspose1d,
  type ConvTranspose1dOptions,
  convTranspose2d,
  type ConvTranspose2dOptions,
} from "./core/ops/conv_transpose.ts";
export {
  avgPool1d,
  type AvgPool1dOptions,
  avgPool2d,
  type AvgPool2dOptions,
  maxPool1d,
  type MaxPool1dOptions,
  maxPool2d,
  type MaxPool2dOptions,
} from "./core/ops/pool.ts";
export { interpolate, type InterpolateOptions } from "./core/ops/interpolate.ts";
export { adaptiveAvgPool2d, adaptiveMaxPool2d, globalAvgPool2d, type GlobalPoolOptions } from "./core/ops/adaptive_pool.ts";
export { type Padding, type Pair, type Side, type Sides } from "./core/ops/window.ts";
export {
  groupNorm,
  type GroupNormOptions,
  instanceNorm,
  type InstanceNormOptions,
  layerNorm,
  type LayerNormOptions,
  rmsNorm,
  type RmsNormOptions,
} from "./core/ops/normalize.ts";
export { gelu, mish, selu, softplus } from "./core/ops/activations.ts";
export {
  type AxisOptions,
  celu,
  elu,
  glu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  oneHot,
  prelu,
  relu6,
  softmax,
} from "./core/ops/nn.ts";
export {
  crossEntropy,
  type CrossEntropyOptions,
  focalLoss,
  type FocalLossOptions,
  nllLoss,
  type NllLossOptions,
  polyLoss,
  type PolyLossOptions,
} from "./core/ops/class_losses.ts";
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  binaryFocalLoss,
  type BinaryFocalLossOptions,
  huberLoss,
  type HuberLossOptions,
  klDivergence,
  type KlDivergenceOptions,
  l1Loss,
  type LossOptions,
  mseLoss,
  smoothL1Loss,
  type SmoothL1LossOptions,
} from "./core/ops/losses.ts";
export { l1Penalty, l2Penalty, type PenaltyOptions } from "./core/ops/penalties.ts";
export {
  cosineEmbeddingLoss,
  type CosineEmbeddingLossOptions,
  cosineSimilarity,
  type CosineSimilarityOptions,
  tripletMarginLoss,
  type TripletMarginLossOptions,
} from "./core/ops/vector_losses.ts";

export {
  type Argnum,
  type Chosen,
  grad,
  type GradOptions,
  valueAndGrad,
  valueAndGradAux,
  type ValueAuxGrads,
} from "./core/grad/grad.ts";
export { vjp } from "./core/grad/vjp.ts";
export { jvp } from "./core/grad/jvp.ts";
export { checkpoint } from "./core/grad/checkpoint.ts";
export { customVjp } from "./core/grad/custom.ts";
export { hessian, type Jacobian, jacobian } from "./core/grad/jacobian.ts";
export { type InAxis, vmap, type VmapOptions } from "./core/grad/vmap.ts";
export { scan, type ScanOptions } from "./core/grad/scan.ts";
export { checkGradients, type CheckGradientsOptions, GradientError } from "./core/execution/check_gradients.ts";
export { jit, type JitOptions } from "./core/execution/jit.ts";
export type { HoldsNumber, HoldsRefused, MayBeTraced, Refusal, Refused } from "./core/execution/refused.ts";
export { realize } from "./core/execution/realize.ts";
export { compileCount } from "./core/execution/tensor_program.ts";
export { data, item, type Nested, type NestedNumbers, toArray, toBytes } from "./core/execution/read.ts";
export { show } from "./core/execution/print.ts";
export * as debug from "./core/execution/debug.ts";
export type { DeviceName } from "./core/values/device.ts";
export { type DeviceInfo, deviceInfo, type DeviceOptions, setDevice } from "./core/execution/current_device.ts";

export * as random from "./core/random.ts";
export * as linalg from "./linalg/mod.ts";
export * as layers from "./layers/mod.ts";
export { type AttentionOptions, scaledDotProductAttention } from "./layers/attention.ts";
export * as optimizers from "./optimizers/mod.ts";
export { applyUpdates } from "./optimizers/optimizer.ts";
export * as datasets from "./datasets/mod.ts";
export * as formats from "./formats/mod.ts";
export * as checkpoints from "./formats/checkpoints/mod.ts";
