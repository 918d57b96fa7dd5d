/**
 * The images that `--data` names.
 *
 * @module
 */
import { firstImages, type ImageDataset, mnist, showDatasetError, syntheticDigits } from "../../datasets/mod.ts";
import { pipe, TaskEither } from "../../deps.ts";
import type { Display } from "./display.ts";
import { failed, type Failure } from "./failure.ts";
import type { Options } from "./options.ts";

/** How many of the built-in digits there are. */
const drawn = { train: 20_000, test: 4_000 };

/** How many images a smoke run tests on. */
const smokeTest = 1000;

/** The images to train and to test with, as many as the options ask for. */
export function loadData(options: Options, display: Display): TaskEither.TaskEither<Failure, ImageDataset> {
  return pipe(
    find(options, display),
    TaskEither.map((data) => ({
      ...data,
      train: options.limit === undefined ? data.train : firstImages(data.train, options.limit),
      test: options.smoke ? firstImages(data.test, smokeTest) : data.test,
    })),
    TaskEither.filterOrElse(
      ({ train, test }) => train.count > 0 && test.count > 0,
      ({ name }) => failed(`Cannot train on ${name}: it has no images`),
    ),
  );
}

function find(options: Options, display: Display): TaskEither.TaskEither<Failure, ImageDataset> {
  const published = pipe(mnist({ onProgress: display.download }), TaskEither.mapLeft((error) => failed(showDatasetError(error))));
  switch (options.data) {
    case "synthetic":
      return draw(options);
    case "mnist":
      return published;
    case "auto":
      return pipe(
        published,
        TaskEither.orElse(({ message }) => {
          display.line(
            "These are the built-in digits. To train on MNIST: deno run -A examples/mnist_cnn.ts (downloads 11 MB, once), " +
              `or --data FOLDER if you have its files.\nNo MNIST here: ${message}`,
          );
          return draw(options);
        }),
      );
    default:
      return pipe(mnist({ folder: options.data }), TaskEither.mapLeft((error) => failed(showDatasetError(error))));
  }
}

/** The built-in digits: the same ones always, and no more than are needed. */
function draw({ limit = drawn.train, smoke }: Options): TaskEither.TaskEither<Failure, ImageDataset> {
  const count = { train: Math.min(limit, drawn.train), test: smoke ? smokeTest : drawn.test };
  return TaskEither.fromIO(() => syntheticDigits({ seed: 0, ...count }));
}
