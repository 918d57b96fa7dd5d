/**
 * The training step that the benches time, the same as in `bench/peers`: forward, cross-entropy, gradients, SGD with momentum, and
 * the loss read back.
 *
 * @module
 */
import { imageShape, type ModelName, models } from "../examples/parts/models.ts";
import { crossEntropy, item, jit, layers, optimizers, random, type Scalar, type Tensor, tensor, valueAndGrad } from "../mod.ts";

/** A model being trained; each call is a step on one and the same batch, as the peers', and gives its loss. */
export function trainingStep(name: ModelName, batch: number): () => Promise<number> {
  const model = models[name] as layers.Layer<object, object>;
  const { params, state } = model.init(random.key(0), imageShape);
  const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.5 });
  let train = { params, optim: optimizer.init(params) };
  const key = random.key(1);

  const step = jit((s: typeof train, images: Tensor, labels: Tensor, count: Scalar) => {
    const loss = (p: object) => {
      const [logits] = model.apply(p, state, images, layers.trainMode(random.foldIn(key, count)));
      return crossEntropy(logits, labels);
    };
    const [value, grads] = valueAndGrad(loss)(s.params);
    const [updates, optim] = optimizer.update(grads, s.optim, s.params);
    return [value, { params: optimizers.applyUpdates(s.params, updates), optim }] as const;
  }, { donate: [0] });

  const pixels = Float32Array.from({ length: batch * 784 }, (_, i) => 1.7 * Math.sin(i * 12.9898));
  const images = tensor(pixels, { shape: [batch, ...imageShape] });
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i * 7 % 10));
  let count = 0;
  return async () => {
    const [loss, next] = step(train, images, labels, count++);
    train = next;
    return await item(loss);
  };
}
