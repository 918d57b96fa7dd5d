/**
 * The images that `--data` names.
 *
 * @module
 */
import { firstImages, type ImageDataset, mnist, showDatasetError, syntheticDigits } from "../../datasets/mod.ts";
import { pipe, TaskEither } from "../../deps.ts";
import { notEmpty } from "./command.ts";
import type { Display } from "./display.ts";
import { failed, type Failure } from "./failure.ts";

/** The flag `--data`. */
export const dataFlag = [
  "--data <source>",
  "auto, mnist, synthetic, or a folder with MNIST's files (see below)",
  notEmpty,
  "auto",
] as const;

/** What `--help` says of it. */
export const dataNotes = `Data:
  auto         MNIST from the cache, or downloaded into it (11 MB, once) if Deno may; else the built-in digits
  mnist        the same, but an error if MNIST cannot be had
  synthetic    built-in digits, drawn by Cotangent: 20,000 to train, 4,000 to test
  FOLDER       a folder with MNIST's four IDX files, packed or not (for one of the names above: ./mnist)`;

/** How many of the built-in digits there are. */
const drawn = { train: 20_000, test: 4_000 };

/** How many images a smoke run tests on. */
const smokeTest = 200;

/** Which images, and how many. */
export interface DataFlags {
  /** auto, mnist, synthetic, or a folder. */
  readonly data: string;
  /** How many training images at most. */
  readonly limit?: number;
  /** Whether few are enough to test on. */
  readonly smoke?: boolean;
  /** The file to start for MNIST where Deno may not look for it. */
  readonly program: string;
}

/** The images to train and to test with, as many as the options ask for. */
export function loadData(options: DataFlags, display: Display): TaskEither.TaskEither<Failure, ImageDataset> {
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

function find(options: DataFlags, display: Display): TaskEither.TaskEither<Failure, ImageDataset> {
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
            `These are the built-in digits. To train on MNIST: deno run -A examples/${options.program} (downloads 11 MB, once), ` +
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
function draw({ limit = drawn.train, smoke }: DataFlags): TaskEither.TaskEither<Failure, ImageDataset> {
  const count = { train: Math.min(limit, drawn.train), test: smoke ? smokeTest : drawn.test };
  return TaskEither.fromIO(() => syntheticDigits({ seed: 0, ...count }));
}
