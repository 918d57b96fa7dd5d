/**
 * A convolutional network on handwritten digits, explained: what goes in, what each part does to shapes and numbers, what comes out.
 *
 * ```sh
 * deno run examples/cnn_explained.ts      # no permission needed: digits that Cotangent draws itself
 * deno run -A examples/cnn_explained.ts   # MNIST, downloaded once
 * ```
 *
 * Convolutions are in `chapters/convolution.ts`, dropout and weight decay in `chapters/regularization.ts`.
 *
 * @module
 */
import { firstImages } from "../datasets/mod.ts";
import {
  crossEntropy,
  data,
  div,
  elu,
  exp,
  gelu,
  item,
  layers,
  leakyRelu,
  logSoftmax,
  nllLoss,
  optimizers,
  relu,
  sigmoid,
  silu,
  softmax,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "../mod.ts";
import { imageFigure, showImages } from "../visual/mod.ts";
import { connections, convolution, sizes } from "./chapters/convolution.ts";
import { onePass } from "./chapters/one_pass.ts";
import { dropouts, weightDecay } from "./chapters/regularization.ts";
import { percent, printTensor } from "./cli/display.ts";
import { digitsCommand, type DigitsTour, withDigits } from "./cli/digits.ts";
import { runExample } from "./cli/example.ts";
import { runChapters } from "./cli/session.ts";
import { imageShape, simple } from "./parts/models.ts";
import { makeTrainer } from "./parts/training.ts";

/** The first images, with their labels above them. */
async function firstDigits({ digits: { name, train, test }, picture }: DigitsTour): Promise<void> {
  const [channels, height, width] = train.shape;
  console.log(
    `${name}: ${train.count} images to learn from, ${test.count} to judge by; ${channels} channel, ${height} x ${width} bytes`,
  );
  const first = firstImages(train, 5);
  console.log(await showImages(first, { labels: first.labels }));
  await picture("first_digits.svg", () => imageFigure(first, { labels: Array.from(first.labels, (label) => `Label: ${label}`) }));
}

/** What may stand after a convolution. */
async function activations(): Promise<void> {
  const x = tensor([-2, -1, -0.5, 0, 0.5, 1, 2]);
  const functions = {
    x: (x: Tensor) => x,
    relu,
    leakyRelu,
    elu,
    sigmoid,
    tanh,
    gelu,
    silu,
    softmax: (x: Tensor) => softmax(x, { axis: 0 }),
  };
  for (const [name, f] of Object.entries(functions)) {
    console.log(name.padEnd(9), Array.from(await data(f(x)), (y) => y.toFixed(4).padStart(7)).join(" "));
  }
}

/** Why a classifier ends in log-softmax: logits as large as 10,000 are no trouble. */
async function logSoftmaxAndLoss(): Promise<void> {
  const logits = tensor([[1e4, 0, -1e4], [1, 2, 3]]);
  const labels = tensor([1, 2], { dtype: "i32" });
  const powers = exp(logits);
  printTensor("exp(z) / sum(exp(z))", div(powers, sum(powers, { axis: [1], keepDims: true })));
  printTensor("softmax", softmax(logits, { axis: 1 }));
  const logs = logSoftmax(logits, { axis: 1 });
  printTensor("log-softmax", logs);
  console.log("negative log likelihood of log-softmax", await item(nllLoss(logs, labels)));
  console.log("cross-entropy of the logits           ", await item(crossEntropy(logits, labels)));
}

/** The network of the page, and a little training. The log-softmax at its end is in the loss, which takes logits. */
async function training({ digits, seed }: DigitsTour): Promise<void> {
  console.log(layers.summary(simple, imageShape));
  const optimizer = optimizers.adam({ learningRate: 1e-3 });
  const { loss, accuracy } = await onePass(makeTrainer(simple, optimizer, digits.train.shape, seed), digits, seed);
  console.log(
    `\none pass over ${digits.train.count} images: loss ${loss.toFixed(4)}, then ${percent(accuracy)} of the test images right`,
  );
}

const command = digitsCommand(
  "cnn_explained.ts",
  "Explains a convolutional network on handwritten digits part by part, and trains it a little.",
);

if (import.meta.main) {
  await runExample(command, (options) =>
    withDigits(options, "cnn_explained.ts", (tour) =>
      runChapters(tour, {
        "The first five digits": firstDigits,
        "What conv2d(1, 32, 3, 1) does, and relu after it": convolution,
        "What size comes out": sizes,
        "Activations": activations,
        "Log-softmax, negative log likelihood, cross-entropy": logSoftmaxAndLoss,
        "Batch norm, residual and dense connections": connections,
        "Dropout": dropouts,
        "Weight decay, with dropout and batch norm": weightDecay,
        "The whole network": training,
      }))());
}
