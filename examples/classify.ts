/**
 * Names the digit on PNG and JPEG files, by a model that `mnist_cnn.ts --save` has written.
 *
 * ```sh
 * deno run -A examples/mnist_cnn.ts --save digits.safetensors
 * deno run --allow-read examples/classify.ts digits.safetensors three.png photo.jpg
 * deno run examples/classify.ts --smoke   # no file, no permission: learns a little, and reads digits that it draws
 * ```
 *
 * Dark on light or light on dark, of any size, one digit a picture. How a picture becomes one as the model knows them is in
 * `parts/digit_picture.ts`, what the file of a model holds in `cli/saved_model.ts`.
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../deps.ts";
import { data, layers, optimizers, softmax, tensor } from "../mod.ts";
import { showImages } from "../visual/mod.ts";
import { onePass } from "./chapters/one_pass.ts";
import { percent } from "./cli/display.ts";
import { drawnDigits } from "./cli/drawn_digits.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { exitCodes, failed, type Failure, misused } from "./cli/failure.ts";
import { decodePicture, readPicture } from "./cli/picture_file.ts";
import { loadModel, type SavedModel } from "./cli/saved_model.ts";
import { syntheticDigits } from "../datasets/mod.ts";
import { digitPicture, type GreyPicture } from "./parts/digit_picture.ts";
import { imageShape, type Model, models } from "./parts/models.ts";
import { makeTrainer, mnistPixels, normalized } from "./parts/training.ts";

const command = exampleCommand("classify.ts", "Names the digit on pictures, and how sure that is.")
  .usage("[options] MODEL IMAGE...")
  .argument("[model]", "a file that mnist_cnn.ts --save has written")
  .argument("[images...]", "PNG or JPEG files with one digit each")
  .option("--show", "print also what the model is shown");

/** A picture, and the name of its file. */
interface Named {
  readonly name: string;
  readonly picture: TaskEither.TaskEither<Failure, GreyPicture>;
}

/** Classifies pictures one by one. One that cannot be read is told, and the others are classified. */
async function classifyAll(model: SavedModel, pictures: readonly Named[], show: boolean): Promise<Either.Either<Failure, void>> {
  let isWhole = true;
  for (const { name, picture } of pictures) {
    const read = await pipe(
      picture,
      TaskEither.flatMapEither((grey) =>
        Either.fromNullable(failed(`Cannot find a digit on ${name}: it is all of one shade`))(digitPicture(grey))
      ),
    )();
    if (Either.isLeft(read)) {
      console.error(read.left.message);
      isWhole = false;
      continue;
    }
    const { image, steps } = read.right;
    console.log(`${name}: ${described(await classify(model, image), model.classNames)}\n  ${steps}`);
    if (show) console.log(await showImages({ images: image, shape: [1, ...imageShape] }, { color: false }));
  }
  return isWhole ? Either.right(undefined) : Either.left({ exitCode: exitCodes.failed, message: "" });
}

/** The probability of each class. */
async function classify({ model, params, state, pixels }: SavedModel, image: Uint8Array): Promise<ArrayLike<number>> {
  const network: Model = models[model];
  const x = normalized(tensor(image, { shape: [1, ...imageShape] }), pixels);
  const [logits] = network.apply(params, state, x, layers.evalMode);
  return await data(softmax(logits, { axis: 1 }));
}

/** The most probable class, and the next two. */
function described(probabilities: ArrayLike<number>, classNames: readonly string[]): string {
  const order = [...classNames.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, ...others] = order.slice(0, 3).map((i) => `${classNames[i]} (${percent(probabilities[i])})`);
  return `${first}, then ${others.join(", ")}`;
}

/** A model that has seen a few digits, and drawings of others as files. */
async function smoke(seed: number): Promise<[SavedModel, Named[]]> {
  const digits = syntheticDigits({ seed, train: 8000, test: 500 });
  const trainer = makeTrainer(models.cnn, optimizers.adam({ learningRate: 0.01 }), imageShape, seed);
  const { state: { params, state }, accuracy } = await onePass(trainer, digits, seed);
  console.log(`Model: cnn after ${digits.train.count.toLocaleString("en")} digits; test accuracy ${percent(accuracy)}`);
  const files = await drawnDigits(seed + 1);
  return [
    { model: "cnn", classNames: digits.classNames, pixels: mnistPixels, params, state },
    files.map(({ name, bytes }) => ({ name, picture: decodePicture(bytes, name) })),
  ];
}

if (import.meta.main) {
  await runExample(command, async (options) => {
    const [path, images] = command.processedArgs;
    if (options.smoke) return await classifyAll(...await smoke(options.seed), options.show === true);
    if (path === undefined || images.length === 0) return Either.left(misused("error: a MODEL and an IMAGE are needed"));
    const model = await loadModel(path)();
    if (Either.isLeft(model)) return model;
    return await classifyAll(model.right, images.map((name) => ({ name, picture: readPicture(name) })), options.show === true);
  });
}
