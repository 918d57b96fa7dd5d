/**
 * Normalisation by the statistics of a batch.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { flag, real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { add, div, mul, sub } from "../core/ops/arithmetic.ts";
import { stopGradient } from "../core/ops/cast.ts";
import { maximum } from "../core/ops/binary.ts";
import { concat } from "../core/ops/concat.ts";
import { full, ones, zeros } from "../core/ops/creation.ts";
import { reshape } from "../core/ops/reshape.ts";
import { aroundMean, mean } from "../core/ops/reduce.ts";
import { scaled } from "../core/ops/normalize.ts";
import { slice } from "../core/ops/slice.ts";
import { sum } from "../core/ops/sum.ts";
import { sqrt } from "../core/ops/unary.ts";
import { fraction, positive } from "../core/ranges.ts";
import { otherAxes, type Shape, showShape } from "../core/shape.ts";
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
      /** y times the scale that the variance gives, and shifted. */
      const rescaled = (variance: Tensor, scale: (by: Tensor) => Tensor) => {
        const deviation = sqrt(add(variance, epsilon));
        const y = scale(perChannel(div("weight" in params ? params.weight : 1, deviation), x.rank));
        return "bias" in params ? add(y, perChannel(params.bias, x.rank)) : y;
      };
      if (mode.kind === "eval" && isRunning(state)) {
        const distance = sub(x, perChannel(state.runningMean, x.rank));
        return [rescaled(state.runningVar, (scale) => mul(distance, scale)), state];
      }
      const axis = otherAxes(x.shape, [1]);
      const { mean, count, degrees, total } = sync ? sharedMean(x, axis) : ownMean(x, axis);
      const { distance, offset, squares } = aroundMean(x, perChannel(mean, x.rank), axis, count, total);
      const summed = reshape(squares, mean.shape);
      const y = rescaled(div(summed, count), (scale) => scaled(distance, offset, scale));
      if (mode.kind === "eval" || !isRunning(state)) return [y, state];
      const next: RunningStatistics = {
        runningMean: blend(state.runningMean, mean, momentum),
        runningVar: blend(state.runningVar, div(summed, degrees), momentum),
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

/** The mean of the elements of each channel, of how many, and how sums of elements become those of all. */
interface Mean {
  readonly mean: Tensor;
  readonly count: Tensor | number;
  /** The degrees of freedom of the elements' distances from their mean. */
  readonly degrees: Tensor | number;
  readonly total?: (sum: Tensor) => Tensor;
}

/** Over the batches of all processes, which may have different numbers of examples. */
function sharedMean(x: Tensor, axis: readonly number[]): Mean {
  const total = sumOverProcesses("normalise");
  const channels = x.shape[1];
  const sums = total(concat([sum(x, { axis }), full([1], x.size / channels)]), "the sums of batchNorm");
  const count = slice(sums, { start: channels, stop: channels + 1 });
  const mean = div(slice(sums, { stop: channels }), count);
  // Of one element in all, the variance is 0 of 1, not of 0.
  const degrees = maximum(sub(count, 1), 1);
  return { mean, count, degrees, total: (squares) => total(squares, "the squares of batchNorm") };
}

function ownMean(x: Tensor, axis: readonly number[]): Mean {
  const count = x.size / x.shape[1];
  if (count >= 2) return { mean: mean(x, { axis }), count, degrees: count - 1 };
  throw new ShapeError(
    `Cannot apply batchNorm to input ${
      showShape(x.shape)
    }: it needs at least two elements per channel for a variance of the batch`,
    { shape: x.shape },
  );
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
