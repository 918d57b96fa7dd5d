/**
 * A convolutional network small enough to look inside: it decides whether nine numbers are all equal.
 *
 * Two filters of 2 x 2, ten numbers in all, learn it in 40,000 steps of one example each. They run as 200 programs, one for each epoch.
 * Not every start gets there: with some `--seed`s the answers stay wrong, as they do for about as many seeds of the note's own program.
 *
 * ```sh
 * deno run examples/detector.ts
 * deno run -A examples/detector.ts --pictures pictures   # its chart, too
 * ```
 *
 * @module
 */
import {
  applyUpdates,
  arange,
  binaryCrossEntropy,
  broadcastTo,
  cast,
  concat,
  data,
  jit,
  layers,
  leakyRelu,
  ones,
  optimizers,
  random,
  reshape,
  scan,
  show,
  sigmoid,
  type Tensor,
  tensor,
  valueAndGrad,
  zeros,
} from "../mod.ts";
import { lineChart, showLineChart } from "../visual/mod.ts";
import { gradient, severalPasses, updates } from "./chapters/updates.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { picturesFlag, withPictures, type WritePicture } from "./cli/pictures.ts";
import { runChapters } from "./cli/session.ts";

/** The network: [batch, 1, 3, 3] becomes [batch, 1, 1, 1]. */
export const model = layers.serial({
  conv1: layers.conv2d({ features: 1, kernel: 2 }),
  act1: leakyRelu,
  conv2: layers.conv2d({ features: 1, kernel: 2 }),
  act2: sigmoid,
});
type Params = layers.ParamsOf<typeof model>;

/** How sure the network is that all nine numbers of an image are equal: [batch, 1, 3, 3] becomes [batch, 1, 1, 1]. */
function detect(params: Params, images: Tensor): Tensor {
  return model.apply(params, {}, images, layers.evalMode)[0];
}

const optimizer = optimizers.adadelta({ learningRate: 0.5 });

interface Training {
  readonly params: Params;
  readonly optim: optimizers.OptimizerState;
}

/** An image, [1, 1, 3, 3], and 1 if its numbers are equal, else 0: [1, 1, 1, 1]. */
interface Sample {
  readonly image: Tensor;
  readonly equal: Tensor;
}

/** One step: loss, gradient, update. */
function step({ params, optim }: Training, { image, equal }: Sample): readonly [Training, Tensor] {
  const [loss, grads] = valueAndGrad((p: Params) => binaryCrossEntropy(detect(p, image), equal))(params);
  const [updates, next] = optimizer.update(grads, optim, params);
  return [{ params: applyUpdates(params, updates), optim: next }, loss];
}

/** A step for each row of the samples, and the losses they saw. */
const trainEpoch = jit((training: Training, samples: Sample) => scan(step, training, samples));

/** 100 images of nine equal numbers, -50 to 49, then 100 of noise between -50 and 50. */
function makeSamples(key: random.Key): Sample {
  const levels = reshape(cast(arange(-50, 50), "f32"), [100, 1, 1, 1, 1]);
  const noise = random.uniform(key, [100, 1, 1, 3, 3], { min: -50, max: 50 });
  return {
    image: concat([broadcastTo(levels, noise.shape), noise]),
    equal: concat([ones([100, 1, 1, 1, 1]), zeros([100, 1, 1, 1, 1])]),
  };
}

const questions = [
  [[200, 200, 200], [200, 200, 200], [200, 200, 200]],
  [[11.11, 11.11, 11.11], [11.11, 11.11, 11.11], [11.11, 11.11, 11.11]],
  [[10, -43, 7], [49, 50, -51], [39, -59, 71]],
  [[5.6, 9.8, 100], [12, 65, 6], [0.7, 43, 4]],
];

/** What the chapters have. */
interface Tour {
  readonly key: random.Key;
  readonly picture: WritePicture;
}

/** 200 epochs, with the parameters printed every 20. Gives the loss of the last image of each class, every 5 epochs. */
async function train(start: Params, samples: Sample) {
  const epochs: number[] = [], equalLoss: number[] = [], noiseLoss: number[] = [];
  let state: Training = { params: start, optim: optimizer.init(start) };
  for (let epoch = 0; epoch < 200; epoch++) {
    const [next, losses] = trainEpoch(state, samples);
    state = next;
    if (epoch % 20 === 0) printParams(`epoch ${epoch}`, state.params);
    if (epoch % 5 !== 0) continue;
    const values = await data(losses);
    epochs.push(epoch);
    equalLoss.push(values[99]);
    noiseLoss.push(values[199]);
  }
  return { params: state.params, epochs, equalLoss, noiseLoss };
}

function printParams(when: string, params: Params): void {
  const lines = layers.namedParameters(params).map(([name, value]) => `  ${name} ${show(reshape(value, [-1]))}`);
  console.log([`${when}:`, ...lines].join("\n"));
}

/** Trains the network, plots how it went, and asks it. Not every beginning comes to an end as good: about half of the seeds do. */
async function areAllEqual({ key, picture }: Tour): Promise<void> {
  const [initKey, noiseKey] = random.split(key);
  const start = model.init(initKey, [1, 3, 3]).params;
  const { params, epochs, equalLoss, noiseLoss } = await train(start, makeSamples(noiseKey));
  printParams("in the end", params);

  const chart = { series: { "loss of the equal": equalLoss, "loss of the noise": noiseLoss }, x: epochs, xLabel: "epoch" };
  console.log(`\n${showLineChart({ ...chart, height: 12 })}\n`);
  await picture("detector_losses.svg", () => lineChart({ ...chart, title: "Are all nine numbers equal?" }));

  const answers = await data(detect(params, tensor(questions.map((rows) => [rows]))));
  for (const [i, rows] of questions.entries()) {
    console.log(`${JSON.stringify(rows)}: ${answers[i] > 0.5 ? "equal" : "not equal"} (${answers[i].toFixed(4)})`);
  }
}

const command = exampleCommand(
  "detector.ts",
  "Trains a network of ten numbers to tell whether nine numbers are all equal, and shows what a training step is made of.",
).option(...picturesFlag);

if (import.meta.main) {
  await runExample(
    command,
    ({ seed, pictures }) =>
      withPictures(pictures, (picture) =>
        runChapters({ key: random.key(seed), picture }, {
          "Are all nine numbers equal?": areAllEqual,
          "What a gradient is": gradient,
          "What an update does": updates,
          "Several backward passes before one update": severalPasses,
        }))(),
  );
}
