/**
 * The images in colour that `--data` names.
 *
 * @module
 */
import { cifar10, type ImageDataset, showDatasetError } from "../../datasets/mod.ts";
import { pipe, TaskEither } from "../../deps.ts";
import { colorShapes } from "../parts/color_shapes.ts";
import type { Display } from "./display.ts";
import { failed, type Failure } from "./failure.ts";
import { loading } from "./loading.ts";

/** What a command line says about images in colour. */
export interface ColorFlags {
  /** auto, cifar10, synthetic, or a folder. */
  readonly data: string;
  /** How many images at most. */
  readonly limit: number;
}

/** What `--help` says of them. */
export const colorNotes = `
Data:
  auto         CIFAR-10 from the cache, or downloaded into it (170 MB, once) if Deno may; else drawn shapes
  cifar10      the same, but an error if CIFAR-10 cannot be had
  synthetic    coloured shapes of ten kinds, drawn by the example itself, of the form of CIFAR-10
  FOLDER       a folder with CIFAR-10's binary files, or their archive`;

/** Loads them. */
export function loadColors(flags: ColorFlags): TaskEither.TaskEither<Failure, ImageDataset> {
  return loading((display) => find(flags, display));
}

function find({ data, limit }: ColorFlags, display: Display): TaskEither.TaskEither<Failure, ImageDataset> {
  const drawn = TaskEither.fromIO(() => colorShapes({ seed: 0, train: limit, test: limit }));
  const published = (folder?: string) =>
    pipe(cifar10({ folder, onProgress: display.download }), TaskEither.mapLeft((error) => failed(showDatasetError(error))));
  switch (data) {
    case "synthetic":
      return drawn;
    case "cifar10":
      return published();
    case "auto":
      return pipe(
        published(),
        TaskEither.orElse(({ message }) => {
          display.line(`These are drawn shapes: --data cifar10 takes, or downloads, CIFAR-10.\nNo CIFAR-10 here: ${message}\n`);
          return drawn;
        }),
      );
    default:
      return published(data);
  }
}
