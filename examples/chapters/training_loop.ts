/**
 * A training loop, spelt out: batches, forward, loss, gradient, update, and the accuracy on images it has not seen.
 *
 * @module
 */
import { type Batch, batches, type ImageDataset, type ImageSet } from "../../datasets/mod.ts";
import {
  applyUpdates,
  argmax,
  cast,
  crossEntropy,
  data,
  div,
  eq,
  item,
  jit,
  layers,
  mean,
  optimizers,
  random,
  stack,
  type Tensor,
  tensor,
  valueAndGradAux,
} from "../../mod.ts";

/** The part of the rows whose largest logit is that of the label. */
export function accuracyOf(logits: Tensor, labels: Tensor): Tensor {
  return mean(cast(eq(argmax(logits, { axis: 1 }), labels), "f32"));
}

/** All that changes from step to step. */
interface Training {
  readonly params: object;
  /** Moving averages of batch norm. */
  readonly state: object;
  readonly optim: optimizers.OptimizerState;
}

/** Trains a network for some epochs and prints loss and accuracy after each. Gives the loss of every step. */
export async function trainLoop(
  model: layers.AnyLayer,
  { train, test }: ImageDataset,
  { epochs, seed }: { readonly epochs: number; readonly seed: number },
): Promise<number[]> {
  const key = random.key(seed);
  const optimizer = optimizers.adam({ learningRate: 0.003 });

  const step = jit((before: Training, images: Tensor, labels: Tensor) => {
    const lossOf = (params: object) => {
      const [logits, state] = model.apply(params, before.state, images, layers.trainMode(key)); // forward
      return [crossEntropy(logits, labels), state] as const; // loss
    };
    const { value, aux: state, grads } = valueAndGradAux(lossOf)(before.params); // gradient
    const [updates, optim] = optimizer.update(grads, before.optim, before.params);
    const params = applyUpdates(before.params, updates); // update
    return [{ params, state, optim }, value] as const;
  }, { donate: [0] });

  const predict = jit((params: object, state: object, images: Tensor) => model.apply(params, state, images, layers.evalMode)[0]);

  const { params, state } = model.init(key, train.shape);
  let now: Training = { params, state, optim: optimizer.init(params) };
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const ofEpoch: Tensor[] = [];
    for (const batch of batches(train, { batchSize: 64, shuffle: seed, epoch })) {
      const [next, loss] = step(now, imagesOf(batch), tensor(batch.labels));
      now = next;
      ofEpoch.push(loss);
    }
    losses.push(...await data(stack(ofEpoch))); // read when the steps are on their way, not after each
    const accuracy = await testAccuracy(test, (images) => predict(now.params, now.state, images));
    console.log(`  epoch ${epoch + 1}: last loss ${losses[losses.length - 1].toFixed(4)}, test accuracy ${accuracy.toFixed(4)}`);
  }
  return losses;
}

/** The mean over all images: each batch counts for as many as it has. */
async function testAccuracy(set: ImageSet, predict: (images: Tensor) => Tensor): Promise<number> {
  let right = 0;
  for (const batch of batches(set, { batchSize: 500 })) {
    right += batch.count * await item(accuracyOf(predict(imagesOf(batch)), tensor(batch.labels)));
  }
  return right / set.count;
}

/** Bytes as numbers from 0 to 1. */
function imagesOf({ images, shape }: Batch): Tensor {
  return div(cast(tensor(images, { shape }), "f32"), 255);
}
