/**
 * Photographs from the file to the network: a data set, transforms, a loader with workers, and a log that TensorBoard opens.
 *
 * ```sh
 * deno run examples/loader_and_board.ts                 # no permission needed: shapes that the example draws, shown in the terminal
 * deno run -A examples/loader_and_board.ts --log logs   # CIFAR-10, downloaded once; then: tensorboard --logdir logs
 * ```
 *
 * @module
 */
import { batches, firstImages, type ImageDataset, loader, transforms } from "../datasets/mod.ts";
import { pipe, TaskEither } from "../deps.ts";
import { at, concat, item, jit, layers, max, maxPool2d, min, random, relu, repeat, sigmoid, type Tensor } from "../mod.ts";
import { tensor } from "../mod.ts";
import { showImages, type SummaryWriter } from "../visual/mod.ts";
import { logFlag, withLog } from "./cli/board.ts";
import { colorNotes, loadColors } from "./cli/color_data.ts";
import { integer, notEmpty } from "./cli/command.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import type { Failure } from "./cli/failure.ts";
import { runChapters } from "./cli/session.ts";

const { colorJitter, compose, normalize, randomCrop, randomErasing, randomHorizontalFlip, resize, toTensor } = transforms;

const command = exampleCommand(
  "loader_and_board.ts",
  "Loads pictures in batches, transforms them, and logs them for TensorBoard.",
  { data: "synthetic", limit: 200 },
)
  .option("--data <source>", "auto, cifar10, synthetic, or a folder (see below)", notEmpty, "auto")
  .option("--limit <count>", "use only the first <count> pictures", integer(64), 1280)
  .option("--epochs <count>", "passes over the pictures", integer(1), 2)
  .option("--workers <count>", "threads that make batches", integer(0, 64), 2)
  .option(...logFlag)
  .addHelpText("after", colorNotes);

/** What the chapters have. */
interface Tour extends Omit<ReturnType<typeof command.opts>, "log"> {
  readonly set: ImageDataset;
  readonly log?: SummaryWriter;
}

/** The first pictures of the test set, as fractions from 0 to 1: [count, 3, 32, 32]. */
function firstPictures({ test }: ImageDataset, count: number): Tensor {
  const [{ images, shape }] = batches(test, { batchSize: count });
  return toTensor(tensor(images, { shape }));
}

/** One picture as a tensor, and with the name of its class; ten go to the log, one by one. */
async function look({ set, log }: Tour): Promise<void> {
  const { name, classNames, test } = set;
  console.log(`${name}: ${test.count} pictures of ${classNames.length} classes, each`, test.shape);
  const pictures = firstPictures(set, 10);
  const target = test.labels[0];
  console.log(at(pictures, 0));
  console.log(target, classNames[target]);
  const labels = Array.from(test.labels.subarray(0, 4), (label) => classNames[label]);
  console.log(await showImages(at(pictures, { stop: 4 }), { labels, width: 19 }));
  for (let i = 0; i < 10; i++) await log?.image("test_set", at(pictures, i), i);
}

/** Transforms one after the other are a transform again; what they draw by chance depends on the key alone. */
async function transform({ set, log, seed }: Tour): Promise<void> {
  const picture = firstPictures(set, 1);
  const normalized = normalize({ mean: [0.491, 0.482, 0.447], std: [0.247, 0.243, 0.262] })(picture);
  console.log("normalised:", await item(min(normalized)), "to", await item(max(normalized)));
  const augment = jit(compose(
    randomCrop({ size: 32, padding: 4, paddingMode: "edge" }),
    randomHorizontalFlip(),
    colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4 }),
    randomErasing({ p: 0.3 }),
  ));
  const augmented = augment(repeat(picture, 16, { axis: 0 }), random.key(seed));
  console.log(await showImages(at(augmented, { stop: 4 }), { width: 19 }));
  await log?.images("augmented", augmented, 0);
}

/** A loader gives batches in another order each epoch, made ahead by workers; what does not fill a batch is left out. */
async function load({ set: { test }, log, seed, epochs, workers }: Tour): Promise<void> {
  const loaded = loader(test, {
    batchSize: 64,
    shuffle: seed,
    dropLast: true,
    workers,
    transform: ({ images, labels, shape }) => ({ images: toTensor(tensor(images, { shape })), targets: labels }),
  });
  for (let epoch = 0; epoch < epochs; epoch++) {
    let step = 0;
    for await (const { images, targets } of loaded.epoch(epoch)) {
      if (step === 0) console.log(`epoch ${epoch}: batches of`, images.shape, `that begin with ${targets.subarray(0, 8)} ...`);
      await log?.images(`Epoch: ${epoch}`, images, step);
      step++;
    }
    console.log(`epoch ${epoch}: ${step} batches`);
  }
}

/** What a convolution, a pool and activations make of pictures. Of six channels three can be seen. */
async function layersOnPictures({ set, log, seed }: Tour): Promise<void> {
  const conv = layers.conv2d({ features: 6, kernel: 3, stride: 1, padding: 0 });
  const { params, state } = conv.init(random.key(seed), set.test.shape);
  const input = firstPictures(set, 64);
  const [convolved] = conv.apply(params, state, input, layers.evalMode);
  console.log("all channels of the convolution", convolved.shape);
  const outputs = {
    "input": input,
    "convolution": at(convolved, [":", { stop: 3 }]),
    "max-pool": maxPool2d(input, { kernel: 3, ceilMode: false }),
    "relu, sigmoid": sigmoid(relu(normalize({ mean: 0.5, std: 0.1 })(input))),
  };
  for (const [name, images] of Object.entries(outputs)) {
    console.log(name, images.shape);
    await log?.images(name, images, 0);
  }
  const seen = Object.values(outputs).map((images) => resize(32)(at(images, { stop: 1 })));
  console.log(await showImages(concat(seen), { labels: Object.keys(outputs), width: 19 }));
}

/** All chapters, with the pictures loaded and the log open. */
function tour({ log: folder, ...options }: ReturnType<typeof command.opts>): TaskEither.TaskEither<Failure, void> {
  const chapters = (set: ImageDataset) => async (log?: SummaryWriter) => {
    await runChapters<Tour>({ ...options, set: { ...set, test: firstImages(set.test, options.limit) }, log }, {
      "A data set": look,
      "Transforms": transform,
      "A loader": load,
      "Layers on pictures": layersOnPictures,
    });
    console.log(log ? `\nThe log: tensorboard --logdir ${folder}` : "\nFor a log that TensorBoard opens: -A --log FOLDER");
  };
  return pipe(loadColors(options), TaskEither.flatMap((set) => withLog(folder, chapters(set))));
}

if (import.meta.main) await runExample(command, (options) => tour(options)());
