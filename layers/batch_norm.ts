/**
 * Normalisation by the statistics of a batch.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { flag, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { tangentType } from "../core/dtype.ts";
import { customVjp } from "../core/grad/custom.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { cast, stopGradient } from "../core/ops/cast.ts";
import { concat } from "../core/ops/concat.ts";
import { full, ones, zeros } from "../core/ops/creation.ts";
import { reshape } from "../core/ops/reshape.ts";
import { mean } from "../core/ops/reduce.ts";
import { slice } from "../core/ops/slice.ts";
import { sum } from "../core/ops/sum.ts";
import { sqrt } from "../core/ops/unary.ts";
import { fraction, positive } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { sumOverProcesses } from "../core/values/processes.ts";
import type { Empty, Layer } from "./layer.ts";
import { empty, normParams } from "./parameters.ts";
import type { NormParams } from "./init.ts";

/** Options of `batchNorm`. */
export interface BatchNormOptions<A extends boolean = true, T extends boolean = true> {
  /** The weight of a new batch in the running statistics, in [0, 1]. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether each channel has a deviation and a mean that are learned. Default true. */
  readonly affine?: A;
  /** Whether to keep running statistics; without them the batch's own are used also after training. Default true. */
  readonly trackRunningStats?: T;
  /**
   * Whether the statistics of a batch are those of the batches of all processes together, which `init` of `distributed/mod.ts` has joined.
   * Default false: each process has its own.
   */
  readonly sync?: boolean;
}

const batchNormOptions = optionTable<BatchNormOptions<boolean, boolean>>({
  momentum: real,
  epsilon: real,
  affine: flag,
  trackRunningStats: flag,
  sync: flag,
});

/** What `batchNorm` learns, [channels] each: `weight`, the new deviation, and `bias`, the new mean; nothing, if it is not `affine`. */
export type BatchNormParams<A extends boolean = true> = NormParams<A>;

/** What `batchNorm` remembers, [channels] each: nothing, if it keeps no running statistics. */
export type BatchNormState<T extends boolean = true> = T extends false ? Empty : RunningStatistics;

/** Statistics of the batches so far, [channels] each. */
export interface RunningStatistics {
  /** The running mean; 0 at the start. */
  readonly runningMean: Tensor;
  /** The running variance, of a sample (divided by count - 1); 1 at the start. */
  readonly runningVar: Tensor;
}

/**
 * Batch normalisation: gives each channel a learned mean and standard deviation,
 * y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
 *
 * While training, mean and variance are those of the batch over all axes but the channels, and the new state is
 * (1 - momentum) old + momentum batch. Else they are the running ones, and the state stays.
 *
 * Input [batch, channels], [batch, channels, length] or [batch, channels, height, width] (PyTorch's BatchNorm1d and BatchNorm2d in one);
 * output the same. Pass the new state on, and use `valueAndGradAux` to get it out of a loss:
 *
 * ```ts
 * import { layers, mean, mul, ones, random, valueAndGradAux } from "../mod.ts";
 * const model = layers.serial({ conv: layers.conv2d({ features: 4, kernel: 3 }), norm: layers.batchNorm() });
 * const { params, state } = model.init(random.key(0), [1, 8, 8]);
 * const { value, aux: nextState, grads } = valueAndGradAux((p: typeof params) => {
 *   const [y, next] = model.apply(p, state, ones([2, 1, 8, 8]), layers.trainMode(random.key(1)));
 *   return [mean(mul(y, y)), next];
 * })(params);
 * console.log(nextState.norm.runningMean.shape, grads.norm.weight.shape); // [4] [4]
 * ```
 *
 * @throws {RangeError} If `momentum` is not in [0, 1], or `epsilon` is not positive.
 * @throws {ShapeError} From `init` and `apply`, if the input has no channels; while training, if a channel has fewer than two
 * elements.
 * @see Ioffe and Szegedy, "Batch normalization", 2015
 */
export function batchNorm<A extends boolean = true, T extends boolean = true>(
  options: BatchNormOptions<A, T> = {},
): Layer<BatchNormParams<A>, BatchNormState<T>> {
  checkOptions(options, batchNormOptions, "batchNorm");
  const momentum = fraction(options.momentum ?? 0.1, "momentum");
  const epsilon = positive(options.epsilon ?? 1e-5, "epsilon");
  const { affine = true as A, trackRunningStats = true as T, sync = false } = options;
  return checkedLayer({
    kind: "batchNorm",
    init: (_, inputShape) => {
      const channels = [channelsOf([1, ...inputShape])];
      const state = trackRunningStats ? { runningMean: zeros(channels), runningVar: ones(channels) } : empty;
      return { params: normParams(affine, channels), state: state as BatchNormState<T>, output: inputShape };
    },
    apply: (params, state, x, mode) => {
      checkChannels(x.shape, { ...params, ...state });
      if (mode.kind === "eval" && isRunning(state)) {
        return [normalize(x, state.runningMean, state.runningVar, params, epsilon), state];
      }
      const batch = sync ? sharedStatistics(x) : statistics(x);
      const y = (sync ? normalize : normalizeByOwn)(x, batch.mean, batch.variance, params, epsilon);
      if (mode.kind === "eval" || !isRunning(state)) return [y, state];
      const next: RunningStatistics = {
        runningMean: blend(state.runningMean, batch.mean, momentum),
        runningVar: blend(state.runningVar, batch.sampleVariance, momentum),
      };
      return [y, next as typeof state];
    },
  });
}

function isRunning(state: Empty | RunningStatistics): state is RunningStatistics {
  return "runningMean" in state;
}

/** A number per channel, in a shape that broadcasts against [batch, channels, ...]. */
function perChannel(x: Tensor, rank: number): Tensor {
  return reshape(x, [x.size, ...new Array<number>(rank - 2).fill(1)]);
}

function normalize(x: Tensor, mean: Tensor, variance: Tensor, params: NormParams<boolean>, epsilon: number): Tensor {
  const deviation = sqrt(add(variance, epsilon));
  const scale = "weight" in params ? div(params.weight, deviation) : div(1, deviation);
  const scaled = mul(sub(x, perChannel(mean, x.rank)), perChannel(scale, x.rank));
  return "bias" in params ? add(scaled, perChannel(params.bias, x.rank)) : scaled;
}

/**
 * Normalisation by the elements' own mean and variance. The derivative is written out, with all that goes through the statistics: of the m
 * elements of a channel, deviation s and scale w / s it is
 *
 * x' = w / s (y' - sum(y') / m - (x - mean) sum(y' (x - mean)) / (m s^2));  w' = sum(y' (x - mean)) / s;  b' = sum(y')
 *
 * Two sums over the elements give all of it. Found step by step it takes four, of which those of the distances are 0 but for rounding.
 */
function normalizeByOwn(x: Tensor, mean: Tensor, variance: Tensor, params: NormParams<boolean>, epsilon: number): Tensor {
  const apply = customVjp(
    (x: Tensor, params: NormParams<boolean>) => {
      const saved = { x, mean, deviation: sqrt(add(variance, epsilon)), params };
      return [normalize(x, mean, variance, params, epsilon), saved] as const;
    },
    ({ x, mean, deviation, params }, g) => {
      const axis = allButChannels(x);
      const distance = sub(x, perChannel(mean, x.rank));
      const [total, along] = [sum(g, { axis }), sum(mul(g, distance), { axis })];
      const scale = "weight" in params ? div(params.weight, deviation) : div(1, deviation);
      const share = div(scale, -x.size / x.shape[1]);
      const slope = mul(share, div(along, mul(deviation, deviation)));
      const own = add(mul(g, perChannel(scale, x.rank)), mul(distance, perChannel(slope, x.rank)));
      const derivative = add(own, perChannel(mul(share, total), x.rank));
      const typed = (derivative: Tensor, { dtype }: Tensor) => cast(derivative, tangentType(dtype) ?? derivative.dtype);
      const ofParams = "weight" in params
        ? { weight: typed(div(along, deviation), params.weight), bias: typed(total, params.bias) }
        : params;
      return [typed(derivative, x), ofParams];
    },
  );
  return apply(x, params);
}

interface Statistics {
  readonly mean: Tensor;
  /** The squared distances divided by the count: what the batch is normalised with. */
  readonly variance: Tensor;
  /** The same divided by the count - 1: what is expected of other batches. */
  readonly sampleVariance: Tensor;
}

const allButChannels = (x: Tensor): number[] => x.shape.map((_, i) => i).filter((i) => i !== 1);

/** The statistics of the batches of all processes, which may have different numbers of examples. */
function sharedStatistics(x: Tensor): Statistics {
  const total = sumOverProcesses("normalise");
  const axis = allButChannels(x);
  const channels = x.shape[1];
  const sums = total(concat([sum(x, { axis }), full([1], x.size / channels)]), "the sums of batchNorm");
  const count = slice(sums, { start: channels, stop: channels + 1 });
  const center = div(slice(sums, { stop: channels }), count);
  const distance = sub(x, perChannel(center, x.rank));
  const squares = total(sum(mul(distance, distance), { axis }), "the squares of batchNorm");
  return { mean: center, variance: div(squares, count), sampleVariance: div(squares, sub(count, 1)) };
}

function statistics(x: Tensor): Statistics {
  const axis = allButChannels(x);
  const count = x.size / x.shape[1];
  if (count < 2) {
    throw new ShapeError(
      `Cannot apply batchNorm to input ${
        showShape(x.shape)
      }: it needs at least two elements per channel for a variance of the batch`,
      { shape: x.shape },
    );
  }
  const center = mean(x, { axis });
  const distance = sub(x, perChannel(center, x.rank));
  const squares = sum(mul(distance, distance), { axis });
  return { mean: center, variance: div(squares, count), sampleVariance: div(squares, count - 1) };
}

/** The statistics are not learned: no derivative goes through them. */
function blend(old: Tensor, batch: Tensor, momentum: number): Tensor {
  return add(mul(old, 1 - momentum), mul(stopGradient(batch), momentum));
}

function channelsOf(shape: Shape): number {
  if (shape.length < 2) {
    throw new ShapeError(`Cannot apply batchNorm to input ${showShape(shape)}: it needs axes [batch, channels, ...]`, { shape });
  }
  return shape[1];
}

/** Checks parameters and state; the error names the first that has another number of channels. */
function checkChannels(shape: Shape, known: Readonly<Record<string, Tensor>>): void {
  const channels = channelsOf(shape);
  for (const [name, { size }] of Object.entries(known)) {
    if (size === channels) continue;
    throw new ShapeError(
      `Cannot apply batchNorm to input ${showShape(shape)}: it has ${channels} channels, the ${name} has ${size}`,
      { shape, [name]: [size] },
    );
  }
}
