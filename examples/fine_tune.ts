/**
 * Teaches a network from elsewhere, an ONNX file, the classes of a folder of pictures: its last layer is replaced by a new one, which learns;
 * with `--all` the other weights learn too, a tenth as fast.
 *
 * ```sh
 * deno run -A examples/fine_tune.ts resnet18.onnx flowers --save flowers.onnx   # flowers has a subfolder for each class
 * deno run examples/fine_tune.ts --smoke      # no file, no permission: a network that has just learned digits learns letters
 * deno run -A examples/fine_tune.ts --smoke   # the same by files, in a folder for a while
 * ```
 *
 * The new layer is `parts/new_head.ts`, a step and a test `parts/fine_tuning.ts`, and what `--smoke` learns `chapters/letters_after_digits.ts`.
 *
 * @module
 */
import { join } from "node:path";
import { isGranted, reading, writing } from "../core/permissions.ts";
import {
  type Batch,
  type ImageFolder,
  imageFolder,
  type ImageSet,
  type Loader,
  loader,
  showDatasetError,
  split,
  transforms,
  type Words,
} from "../datasets/mod.ts";
import { Either, pipe, TaskEither } from "../deps.ts";
import { Option } from "../dev_deps.ts";
import { add, item, jit, random, softmax, type Tensor, tensor, zeros } from "../mod.ts";
import * as onnx from "../onnx/mod.ts";
import { digitNetwork, writePictures } from "./chapters/letters_after_digits.ts";
import { decimal, integer, notEmpty } from "./cli/command.ts";
import { lossText, percent, shapeText } from "./cli/display.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { failed, type Failure, misused } from "./cli/failure.ts";
import { type Examples, makeTuner, type Tuned, type Tuner } from "./parts/fine_tuning.ts";
import { letterPictures, letters } from "./parts/letter_pictures.ts";
import { withNewHead } from "./parts/new_head.ts";
import { mnistPixels } from "./parts/training.ts";

const { compose, normalize, randomCrop, randomHorizontalFlip, toTensor } = transforms;

/** Mean and deviation of pixels as networks learned them, white being 1. */
const pixelKinds = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  mnist: { mean: mnistPixels.mean, std: mnistPixels.deviation },
  centred: { mean: 0.5, std: 0.5 },
  unit: { mean: 0, std: 1 },
} as const;

const command = exampleCommand("fine_tune.ts", "Teaches an imported network the classes of a folder of pictures.", {
  pixels: "mnist",
})
  .usage("[options] MODEL FOLDER")
  .argument("[model]", "an ONNX file of a network that gives a number for each of its classes")
  .argument("[folder]", "PNG and JPEG files in a subfolder for each class")
  .option("--head <prefix>", "how the names of the layer to replace begin (default: the last)", notEmpty)
  .option("--all", "let all weights learn, others than the new ones a tenth as fast")
  .option("--size <pixels>", "height and width of pictures, for a network that takes any", integer(1), 224)
  .addOption(
    new Option("--pixels <kind>", "mean and deviation of pixels").choices(["imagenet", "mnist", "centred", "unit"] as const)
      .default("imagenet" as const),
  )
  .option("--flip", "learn from pictures in a mirror, too")
  .option("--epochs <count>", "passes over the pictures", integer(1), 8)
  .option("--batch <count>", "pictures in a step", integer(1), 16)
  .option("--lr <rate>", "learning rate of the new layer", decimal("a number above 0", (rate) => rate > 0), 0.01)
  .option("--workers <count>", "threads that decode pictures", integer(0, 64), 0)
  .option("--save <file>", "write the network with its new layer as an ONNX file that gives probabilities", notEmpty);

type Options = ReturnType<typeof command.opts>;

/** Pictures of a folder, or drawn ones. */
type Pictures = ImageFolder | ImageSet;

/** What there is to learn, and from what. */
interface Task {
  readonly model: onnx.Model;
  readonly pictures: Pictures;
  readonly classNames: readonly string[];
}

async function fineTune({ model, pictures, classNames }: Task, options: Options): Promise<Either.Either<Failure, void>> {
  const network = withNewHead(model, pictures.shape, classNames.length, random.key(options.seed), options.head);
  if (Either.isLeft(network)) return Either.left(failed(`Cannot give the network a new last layer: ${network.left}`));
  const { head, outputs } = network.right;
  const [train, test] = splitPictures(pictures, options.seed);
  console.log(
    `${train.count + test.count} pictures of ${classNames.length} classes (${
      classNames.join(", ")
    }), ${test.count} of them to test`,
  );
  const layer = Object.entries(head).map(([name, { shape }]) => `${name} ${shapeText(shape)}`).join(", ");
  console.log(`${outputs} outputs before; new: ${layer}`);

  const [lessons, exam] = loaders(train, test, options);
  const sample = await firstOf(exam);
  if (sample === undefined) {
    return Either.left(failed("Cannot learn from so few pictures: none is left to test, a fifth of each class"));
  }
  const fixed = options.all ? model.statistics : undefined;
  const tuner = await makeTuner({ network: network.right, fixed, learningRate: options.lr, sample });
  let state = tuner.initial;
  console.log(`before  test accuracy ${percent(await accuracy(tuner, state, exam, test.count))}`);
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    let total = zeros([]);
    for await (const examples of lessons.epoch(epoch)) {
      const [loss, next] = tuner.step(state, examples);
      [total, state] = [add(total, loss), next];
    }
    const loss = lossText(await item(total) / lessons.length);
    const right = percent(await accuracy(tuner, state, exam, test.count));
    console.log(`epoch ${epoch + 1}/${options.epochs}  loss ${loss}  test accuracy ${right}`);
  }
  return options.save === undefined ? Either.right(undefined) : await save(options.save, tuner, state, pictures.shape, options);
}

async function firstOf(batches: Loader<Examples>): Promise<Tensor | undefined> {
  for await (const { x } of batches) return x;
  return undefined;
}

/** The part of the pictures that are named rightly. */
async function accuracy({ countRight }: Tuner, { learning }: Tuned, exam: Loader<Examples>, count: number): Promise<number> {
  let right = 0;
  for await (const examples of exam) right += await item(countRight(learning, examples));
  return right / count;
}

/** Batches to learn from, moved about a little, and those to test. */
function loaders(train: Pictures, test: Pictures, { batch: batchSize, workers, seed, pixels, flip }: Options) {
  const [, height, width] = train.shape;
  const look = compose(toTensor, normalize(pixelKinds[pixels]));
  const vary = compose(
    randomCrop({ size: [height, width], padding: Math.ceil(Math.min(height, width) / 14), paddingMode: "edge" }),
    randomHorizontalFlip(flip ? 0.5 : 0),
    look,
  );
  const batches = (pictures: Pictures, transform: transforms.Transform, shuffle?: number): Loader<Examples> => {
    const f = jit(transform);
    const options = {
      batchSize,
      workers,
      shuffle,
      transform: ({ images, labels, shape }: Batch, key: Words): Examples => ({
        x: f(tensor(images, { shape }), tensor(Uint32Array.from(key))),
        labels: tensor(labels),
      }),
    };
    return "folder" in pictures ? loader(pictures, options) : loader(pictures, options);
  };
  return [batches(train, vary, seed), batches(test, look)] as const;
}

/** A fifth of the pictures is to test, of each class. */
function splitPictures(pictures: Pictures, key: number): readonly [Pictures, Pictures] {
  const options = { fraction: 0.2, key, stratify: true };
  return "folder" in pictures ? split(pictures, options) : split(pictures, options);
}

/** Writes the network: it takes pixels from 0 to 1 and gives probabilities. */
async function save(
  path: string,
  { params, logits }: Tuner,
  { learning }: Tuned,
  shape: readonly number[],
  { pixels }: Options,
): Promise<Either.Either<Failure, void>> {
  const prepare = normalize(pixelKinds[pixels]);
  const classify = (x: Tensor) => softmax(logits(learning, prepare(x)), { axis: 1 });
  const names = { inputNames: ["pixels"], outputNames: ["probabilities"] };
  const written = await onnx.save(path, classify, [{ shape: [1, ...shape] }], { params: params(learning), ...names })();
  if (Either.isLeft(written)) return Either.left(failed(written.left.message));
  console.log(`saved ${path}`);
  return Either.right(undefined);
}

/** The network and the pictures of the command line. */
function opened(path: string, folder: string, { size }: Options): TaskEither.TaskEither<Failure, Task> {
  return pipe(
    onnx.load(path),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.flatMap((model) => {
      const extent = (axis: number, otherwise: number) => {
        const said = model.inputs[0]?.shape?.[axis];
        return typeof said === "number" ? said : otherwise;
      };
      return pipe(
        imageFolder(folder, { size: [extent(2, size), extent(3, size)], channels: extent(1, 3) === 1 ? 1 : 3 }),
        TaskEither.mapLeft((error) => failed(showDatasetError(error))),
        TaskEither.map((pictures): Task => ({ model, pictures, classNames: pictures.classNames })),
      );
    }),
  );
}

/** A network that has seen a few digits and few pictures of letters; by files, if that is permitted. */
async function smoke(options: Options): Promise<Either.Either<Failure, void>> {
  const bytes = await digitNetwork(options.seed);
  const drawn = letterPictures(options.seed, 40);
  if (![reading(), writing()].every(isGranted)) {
    console.log("Without permission to read and write (-A), the network and the pictures stay in memory.");
    const model = await onnx.load(bytes)();
    if (Either.isLeft(model)) return Either.left(failed(model.left.message));
    return await fineTune({ model: model.right, pictures: drawn, classNames: letters }, options);
  }
  const folder = await Deno.makeTempDir({ prefix: "cotangent_letters_" });
  try {
    const [path, pictures] = [join(folder, "digits.onnx"), join(folder, "letters")];
    await Deno.writeFile(path, bytes);
    await writePictures(drawn, pictures);
    const task = await opened(path, pictures, options)();
    return Either.isLeft(task) ? task : await fineTune(task.right, options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await runExample(command, async (options) => {
    if (options.smoke) return await smoke(options);
    const [path, folder] = command.processedArgs;
    if (path === undefined || folder === undefined) return Either.left(misused("error: a MODEL and a FOLDER are needed"));
    const task = await opened(path, folder, options)();
    return Either.isLeft(task) ? task : await fineTune(task.right, options);
  });
}
