/**
 * Batch norm written out by hand, beside the layer.
 *
 * @module
 */
import {
  abs,
  add,
  div,
  item,
  layers,
  max,
  mean,
  mul,
  ones,
  random,
  reshape,
  type Shape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { shapeText } from "../cli/display.ts";

/** For features, [batch, features], the statistics are over the batch; for channels of images also over height and width. */
export async function batchNormByHand({ key }: { readonly key: random.Key }): Promise<void> {
  await compare(key, [64, 120], [0]);
  await compare(key, [64, 6, 24, 24], [0, 2, 3]);
}

/** How far layer and formula are apart, in training, in the moving averages, and in evaluation. */
async function compare(key: random.Key, shape: Shape, axis: number[]): Promise<void> {
  const [xKey, gammaKey, betaKey] = random.split(key, 3);
  const x = add(mul(random.normal(xKey, shape), 3), 2);
  const channels = [shape[1]];
  const gamma = random.normal(gammaKey, channels), beta = random.normal(betaKey, channels); // stretch and shift
  const layer = layers.batchNorm();
  const before = { runningMean: zeros(channels), runningVar: ones(channels) };
  const [trained, after] = layer.apply({ weight: gamma, bias: beta }, before, x, layers.trainMode(key));
  const [evaluated] = layer.apply({ weight: gamma, bias: beta }, after, x, layers.evalMode);

  const perChannel = (v: Tensor) => reshape(v, [1, shape[1], ...shape.slice(2).map(() => 1)]);
  const normalize = (center: Tensor, variance: Tensor) => {
    const standard = div(sub(x, perChannel(center)), sqrt(add(perChannel(variance), 1e-5)));
    return add(mul(perChannel(gamma), standard), perChannel(beta));
  };
  const center = mean(x, { axis });
  const squares = square(sub(x, perChannel(center)));
  const variance = mean(squares, { axis });
  // The moving average is of what other batches will show: the sum divided by one less than the count.
  const count = x.size / shape[1];
  const movingMean = add(mul(0.9, before.runningMean), mul(0.1, center));
  const movingVar = add(mul(0.9, before.runningVar), mul(0.1, div(sum(squares, { axis }), count - 1)));

  const apart = async (a: Tensor, b: Tensor) => (await item(max(abs(sub(a, b))))).toExponential(0);
  console.log(`${shapeText(shape)}: mean and variance over axes ${axis}, ${channels} of each`);
  console.log(`  training: layer and formula are at most ${await apart(trained, normalize(center, variance))} apart`);
  console.log(
    `  moving mean ${await apart(after.runningMean, movingMean)}, variance ${await apart(after.runningVar, movingVar)}`,
  );
  console.log(`  evaluation: ${await apart(evaluated, normalize(movingMean, movingVar))}`);
}
