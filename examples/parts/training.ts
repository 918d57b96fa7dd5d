/**
 * Training a network on images: the step and the test as pure functions, compiled.
 *
 * @module
 */
import type { Batch } from "../../datasets/mod.ts";
import {
  add,
  applyUpdates,
  argmax,
  cast,
  crossEntropy,
  div,
  eq,
  jit,
  layers,
  mul,
  optimizers,
  random,
  type Scalar,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  valueAndGradAux,
  zeros,
} from "../../mod.ts";
import type { Model } from "./models.ts";

/** All that changes from step to step. */
export interface TrainState {
  readonly params: object;
  /** The network's running statistics, if it has any. */
  readonly state: object;
  readonly optim: optimizers.OptimizerState;
  /** f32[2]: the sum of the losses and the number of right answers since they were last set to zero. */
  readonly totals: Tensor;
}

/** How a network is trained and tested. */
export interface Trainer {
  /** The state before the first step. */
  readonly initial: TrainState;
  /** One step on a batch; `count` (the steps before it) chooses what is dropped. The old state and the batch are used up. */
  step(train: TrainState, batch: Batch, count: number): TrainState;
  /** The sum of the losses on a batch and the number of right answers, without learning: f32[2]. The batch is used up. */
  test(train: TrainState, batch: Batch): Tensor;
}

/** Totals of nothing. */
export function noTotals(): Tensor {
  return zeros([2]);
}

/** Of several processes that train together: which one this is, and the mean of what all have. */
export interface Sharing {
  readonly rank: number;
  average<T>(tree: T): T;
}

/** One process. */
const alone: Sharing = { rank: 0, average: (tree) => tree };

/** A trainer for a network on images of a shape (channels, height, width); the seed makes its randomness. */
export function makeTrainer(
  model: Model,
  optimizer: optimizers.Optimizer,
  imageShape: readonly number[],
  seed: number,
  { rank, average }: Sharing = alone,
): Trainer {
  const [initKey, firstDropKey] = random.split(random.key(seed));
  const dropKey = rank === 0 ? firstDropKey : random.foldIn(firstDropKey, rank);

  const loss = (params: object, state: object, { images, labels }: Tensors, mode: layers.Mode) => {
    const [logits, next] = model.apply(params, state, normalized(images, mnistPixels), mode);
    return [crossEntropy(logits, labels), { state: next, right: countRight(logits, labels) }] as const;
  };

  const step = jit((train: TrainState, batch: Tensors, count: Scalar): TrainState => {
    const mode = layers.trainMode(random.foldIn(dropKey, count));
    const { value, aux, grads } = valueAndGradAux(loss)(train.params, train.state, batch, mode);
    const shared = average({ grads, state: aux.state });
    const [updates, optim] = optimizer.update(shared.grads, train.optim, train.params);
    return {
      params: applyUpdates(train.params, updates),
      state: shared.state,
      optim,
      totals: add(train.totals, totalsOf(value, aux.right, batch)),
    };
  }, { donate: [0, 1] });

  const test = jit((params: object, state: object, batch: Tensors) => {
    const [value, { right }] = loss(params, state, batch, layers.evalMode);
    return totalsOf(value, right, batch);
  }, { donate: [2] });

  const { params, state } = model.init(initKey, imageShape);
  return {
    initial: { params, state, optim: optimizer.init(params), totals: noTotals() },
    step: (train, batch, count) => step(train, toTensors(batch), count),
    test: ({ params, state }, batch) => test(params, state, toTensors(batch)),
  };
}

/** A batch as it goes to the device: bytes, u8[count, channels, height, width], and classes, i32[count]. */
type Tensors = { readonly images: Tensor; readonly labels: Tensor };

/** Takes the batch's arrays: nothing is copied, and when the tensors are donated their memory is free at once. */
function toTensors({ images, labels, shape }: Batch): Tensors {
  return { images: tensor(images, { shape, copy: false }), labels: tensor(labels, { copy: false }) };
}

/** Mean and deviation of pixels, white being 1. */
export interface PixelStatistics {
  readonly mean: number;
  readonly deviation: number;
}

/** Those of MNIST's training images. */
export const mnistPixels: PixelStatistics = { mean: 0.1307, deviation: 0.3081 };

/** Bytes as pixels with mean 0 and deviation 1, as the network likes them. */
export function normalized(images: Tensor, { mean, deviation }: PixelStatistics): Tensor {
  return div(sub(div(cast(images, "f32"), 255), mean), deviation);
}

function countRight(logits: Tensor, labels: Tensor): Tensor {
  return sum(cast(eq(argmax(logits, { axis: 1 }), labels), "f32"));
}

function totalsOf(meanLoss: Tensor, right: Tensor, { labels }: Tensors): Tensor {
  return stack([mul(meanLoss, labels.size), right]);
}
