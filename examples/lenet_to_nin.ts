/**
 * From LeNet to NiN: what a training loop counts and does, the shapes inside four networks, a walk through a model, batch norm.
 *
 * ```sh
 * deno run examples/lenet_to_nin.ts
 * deno run -A examples/lenet_to_nin.ts   # MNIST, downloaded once
 * ```
 *
 * The loop itself is in `chapters/training_loop.ts`, batch norm by hand in `chapters/batch_norm.ts`.
 *
 * @module
 */
import { batches } from "../datasets/mod.ts";
import { argmax, item, layers, relu, type Shape, tensor } from "../mod.ts";
import { lineChart, showLineChart } from "../visual/mod.ts";
import { batchNormByHand } from "./chapters/batch_norm.ts";
import { printTensor, shapeText } from "./cli/display.ts";
import { digitsCommand, type DigitsTour, withDigits } from "./cli/digits.ts";
import { runExample } from "./cli/example.ts";
import { runChapters } from "./cli/session.ts";
import { accuracyOf, trainLoop } from "./chapters/training_loop.ts";

const { conv2d, dropout, flatten, linear, maxPool2d, namedParameters, namedStages, sequential, serial, summary, zoo } = layers;

/** The index of the largest number in each row is the answer; the mean of right and wrong is the accuracy. */
async function accuracy(): Promise<void> {
  const logits = tensor([[0.1, 0.3, 0.6], [0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3]]);
  const labels = tensor([2, 0, 2, 1], { dtype: "i32" });
  printTensor("logits", logits);
  printTensor("argmax in each row", argmax(logits, { axis: 1 }));
  printTensor("labels", labels);
  console.log(`accuracy: ${await item(accuracyOf(logits, labels))}`);
}

/** An epoch is a pass over all images, an iteration a step on one batch. */
function counts({ digits: { train } }: DigitsTour): void {
  for (const batchSize of [64, 500, 1]) {
    console.log(
      `${train.count} images, batch size ${batchSize}: an epoch has ${batches(train, { batchSize }).length} iterations`,
    );
  }
}

/** Feature maps: how many there are is the number of channels, how large they are is height and width. Nothing is computed. */
function featureMaps({ key }: DigitsTour): void {
  const print = (name: string, model: layers.AnyLayer, image: Shape, depth: number) => {
    console.log(`${name}, input ${shapeText([1, ...image])}`);
    for (const [stage, { output, stages }] of namedStages(model.init(key, image), { depth })) {
      const partsFollow = stages && stage.split(".").length < depth;
      if (!partsFollow) console.log(`${stage} output shape: ${shapeText([1, ...output])}`);
    }
  };
  print("LeNet", zoo.leNet(), [1, 28, 28], 2);
  print("AlexNet", zoo.alexNet(), [1, 224, 224], 2);
  print("VGG-11", vggByBlocks([[1, 64], [1, 128], [2, 256], [2, 512], [2, 512]]), [1, 224, 224], 1);
  print("NiN", zoo.nin(), [1, 224, 224], 1);
}

/** Blocks of some 3 x 3 convolutions and a pool, numbered from 1, then linear layers: a sequence whose stages have names. */
export function vggByBlocks(blocks: readonly (readonly [convolutions: number, features: number])[]): layers.AnyLayer {
  const named = blocks.map(([convolutions, features], i) => [`vgg_block_${i + 1}`, zoo.vggBlock({ convolutions, features })]);
  const hidden = [linear({ features: 4096 }), relu, dropout(0.5)];
  return serial({
    ...Object.fromEntries(named),
    fc: sequential(flatten(), ...hidden, ...hidden, linear({ features: 10 })),
  });
}

/** A model inside a model: walked to the bottom, or one level only. */
function walk({ key }: DigitsTour): void {
  const model = serial({
    conv1: conv2d({ features: 64, kernel: 3 }),
    conv2: conv2d({ features: 64, kernel: 3 }),
    maxpool1: maxPool2d({ kernel: 2 }),
    features: serial({ conv3: conv2d({ features: 128, kernel: 3 }), conv4: conv2d({ features: 128, kernel: 3 }), relu1: relu }),
  });
  const image = [3, 32, 32];
  console.log("Every module:");
  for (const [i, [name, { kind }]] of namedStages(model).entries()) console.log(`${i + 1} - ${name}: ${kind}`);
  console.log("Its children only:");
  for (const [i, [name, { kind }]] of namedStages(model, { depth: 1 }).entries()) console.log(`${i + 1} - ${name}: ${kind}`);
  const { params } = model.init(key, image);
  console.log("Every parameter:");
  for (const [name, { shape }] of namedParameters(params)) console.log(`${name} ${shapeText(shape)}`);
  console.log("Those of features.conv3 only:");
  for (const [name, { shape }] of namedParameters(params.features.conv3)) console.log(`${name} ${shapeText(shape)}`);
  console.log(`\n${summary(model, image)}`);
}

/** With sigmoid LeNet is slow to begin; with a batch norm before every sigmoid it learns from the start. */
async function train({ digits, smoke, seed, picture }: DigitsTour): Promise<void> {
  const series: Record<string, number[]> = {};
  for (const norm of [false, true]) {
    const name = norm ? "LeNet with batch norm" : "LeNet";
    console.log(name);
    series[name] = await trainLoop(zoo.leNet({ norm }), digits, { epochs: smoke ? 1 : 3, seed });
  }
  const chart = { series, xLabel: "step", yLabel: "loss" };
  console.log(`\n${showLineChart({ ...chart, height: 12 })}`);
  await picture("lenet_losses.svg", () => lineChart({ ...chart, title: "LeNet without and with batch norm" }));
}

const command = digitsCommand(
  "lenet_to_nin.ts",
  "Goes from LeNet to NiN: counting, shapes, walking through a model, batch norm, and a training loop spelt out.",
);

if (import.meta.main) {
  await runExample(command, (options) =>
    withDigits(options, "lenet_to_nin.ts", (tour) =>
      runChapters(tour, {
        "Accuracy": accuracy,
        "Epochs, batches, iterations": counts,
        "Feature maps": featureMaps,
        "Walking through a model": walk,
        "Batch norm by hand": batchNormByHand,
        "Training LeNet without and with batch norm": train,
      }))());
}
