/**
 * The frame of an example about digits: they are few, so that a chapter that trains takes a moment.
 *
 * @module
 */
import { firstImages, type ImageDataset } from "../../datasets/mod.ts";
import { pipe, TaskEither } from "../../deps.ts";
import { random } from "../../mod.ts";
import { dataFlag, dataNotes, loadData } from "./data.ts";
import { exampleCommand } from "./example.ts";
import type { Failure } from "./failure.ts";
import { loading } from "./loading.ts";
import { picturesFlag, withPictures, type WritePicture } from "./pictures.ts";

/** A command line with `--data` and `--pictures`. */
export function digitsCommand(name: string, description: string) {
  return exampleCommand(name, description, { data: "synthetic" })
    .option(...dataFlag)
    .option(...picturesFlag)
    .addHelpText("after", `\n${dataNotes}`);
}

type Options = ReturnType<ReturnType<typeof digitsCommand>["opts"]>;

/** What the chapters have. */
export interface DigitsTour {
  readonly smoke?: boolean;
  readonly seed: number;
  /** The root of all randomness, from the seed. */
  readonly key: random.Key;
  readonly digits: ImageDataset;
  readonly picture: WritePicture;
}

/** Loads the digits, and goes on the tour with them. The task is Left if something outside did not work. */
export function withDigits(
  { data, smoke, seed, pictures }: Options,
  program: string,
  tour: (tour: DigitsTour) => Promise<void>,
): TaskEither.TaskEither<Failure, void> {
  const few = { data, smoke, limit: smoke ? 640 : 6400, program };
  return pipe(
    loading((display) => loadData(few, display)),
    TaskEither.map((all) => ({ ...all, test: firstImages(all.test, 1000) })),
    TaskEither.flatMap((digits) =>
      withPictures(pictures, (picture) => tour({ smoke, seed, key: random.key(seed), digits, picture }))
    ),
  );
}
