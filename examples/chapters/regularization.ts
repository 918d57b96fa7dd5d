/**
 * What keeps a network from learning its examples by heart: dropout of several kinds, and weight decay beside it.
 *
 * @module
 */
import {
  arange,
  cast,
  div,
  eq,
  eye,
  flatten,
  item,
  layers,
  max,
  mean,
  norm,
  ones,
  optimizers,
  relu,
  reshape,
  scaledDotProductAttention,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { percent, printTensor, shapeText } from "../cli/display.ts";
import type { DigitsTour } from "../cli/digits.ts";
import { onePass } from "./one_pass.ts";
import { makeTrainer } from "../parts/training.ts";

const { batchNorm, conv2d, dropout, dropout2d, embedding, evalMode, linear, maxPool2d, serial, trainMode } = layers;

/** In training some numbers become 0 and the others grow, so that the mean stays; in evaluation nothing happens. */
export async function dropouts({ key }: DigitsTour): Promise<void> {
  const words = embedding({ numEmbeddings: 40, features: 100 });
  const [vectors] = words.apply(words.init(key, [10]).params, {}, reshape(arange(40), [4, 10]), evalMode);
  const cases = [
    ["features, dropout(0.5)", dropout(0.5), ones([4, 1000])],
    ["channels, dropout2d(0.25)", dropout2d(0.25), ones([4, 250, 2, 2])],
    ["vectors of words, dropout(0.2)", dropout(0.2), vectors],
  ] as const;
  const effect = async (x: Tensor, y: Tensor) => {
    const zero = await item(mean(cast(eq(y, 0), "f32"))), factor = await item(max(div(y, x)));
    return `${percent(zero)} are 0, the others times ${factor.toFixed(2)}`;
  };
  for (const [name, layer, x] of cases) {
    for (const mode of [trainMode(key), evalMode]) {
      const [y] = layer.apply({}, {}, x, mode);
      console.log(name.padEnd(30), mode.kind.padEnd(5), shapeText(x.shape), await effect(x, y));
    }
  }
  const [drops] = dropout2d(0.25).apply({}, {}, ones([1, 8, 2, 2]), trainMode(key));
  printTensor("\nWhole channels are dropped, here of 2 x 2", flatten(drops, { start: 2 }));

  // Queries and keys of zeros look everywhere alike; with the unit vectors for values one sees the weights themselves.
  const still = zeros([1, 4, 4]);
  const attend = (p: number) => scaledDotProductAttention(still, still, eye(4), { dropout: { p, key } });
  printTensor("\nAttention weights without dropout", attend(0));
  printTensor("with dropout of 0.25", attend(0.25));
}

/** A network with all of it: noise while training, channels of equal spread. */
export const regularized = serial({
  conv: conv2d({ features: 16, kernel: 3, bias: false }),
  norm: batchNorm(),
  relu,
  pool: maxPool2d({ kernel: 2 }),
  drop2d: dropout2d(0.1),
  flatten: layers.flatten(),
  fc: linear({ features: 64 }),
  act: relu,
  drop: dropout(0.5),
  head: linear({ features: 10 }),
});

/** Each does its own, and weights that shrink, too. The decay leaves out biases and scales. */
export async function weightDecay({ digits, seed }: DigitsTour): Promise<void> {
  for (const weightDecay of [0, 0.03]) {
    const optimizer = optimizers.sgd({ learningRate: 0.02, momentum: 0.9, weightDecay, decayMask: (_, x) => x.rank > 1 });
    const { state, loss, accuracy } = await onePass(makeTrainer(regularized, optimizer, digits.train.shape, seed), digits, seed);
    const params = state.params as layers.ParamsOf<typeof regularized>;
    const sizes = await Promise.all([params.fc.weight, params.norm.weight].map((x) => item(norm(x))));
    console.log(
      `weight decay ${weightDecay}: loss ${loss.toFixed(4)}, ${percent(accuracy)} right; ` +
        `norm of fc.weight ${sizes[0].toFixed(2)}, of norm.weight ${sizes[1].toFixed(2)}`,
    );
  }
}
