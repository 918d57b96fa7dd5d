/**
 * PNG and JPEG files as pictures, in colours and in grey.
 *
 * @module
 */
import { decodeImage } from "../../datasets/images/decode.ts";
import type { Pixels } from "../../datasets/images/pixels.ts";
import { permitted, reading } from "../../core/permissions.ts";
import { pipe, TaskEither } from "../../deps.ts";
import type { GreyPicture } from "../parts/digit_picture.ts";
import type { ColorPicture } from "../parts/text_reader.ts";
import { failed, type Failure, reasonOf } from "./failure.ts";

/** Reads a picture in shades of grey. */
export function readPicture(path: string): TaskEither.TaskEither<Failure, GreyPicture> {
  return pipe(readBytes(path), TaskEither.flatMap((bytes) => decodePicture(bytes, path)));
}

/** Reads a picture in colours, on white where it is transparent. */
export function readColors(path: string): TaskEither.TaskEither<Failure, ColorPicture> {
  return pipe(
    readBytes(path),
    TaskEither.flatMap((bytes) => decoded(bytes, path)),
    TaskEither.map(({ width, height, data }) => {
      const onWhite = (i: number) => i % 4 === 3 ? 255 : 255 + (data[i] - 255) * data[i | 3] / 255;
      return { width, height, data: Uint8ClampedArray.from({ length: data.length }, (_, i) => onWhite(i)) };
    }),
  );
}

function readBytes(path: string): TaskEither.TaskEither<Failure, Uint8Array> {
  return pipe(
    TaskEither.fromEither(permitted([reading(path)], `read ${path}`)),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(() => Deno.readFile(path), (cause) => failed(`Cannot read ${path}: ${whyNot(cause)}`))
    ),
  );
}

function whyNot(cause: unknown): string {
  return cause instanceof Deno.errors.NotFound ? "there is no such file" : reasonOf(cause);
}

/** The picture in the bytes of a file. */
export function decodePicture(bytes: Uint8Array, path: string): TaskEither.TaskEither<Failure, GreyPicture> {
  return pipe(decoded(bytes, path), TaskEither.map(grey));
}

function decoded(bytes: Uint8Array, path: string): TaskEither.TaskEither<Failure, Pixels> {
  return TaskEither.tryCatch(() => decodeImage(bytes), (cause) => failed(`Cannot read ${path}: ${reasonOf(cause)}`));
}

/** As bright as the eye finds it (Rec. 601), on white where it is transparent. */
function grey({ width, height, data }: Pixels): GreyPicture {
  const pixels = Float32Array.from({ length: width * height }, (_, i) => {
    const [red, green, blue, opacity] = [0, 1, 2, 3].map((channel) => data[4 * i + channel] / 255);
    return opacity * (0.299 * red + 0.587 * green + 0.114 * blue) + 1 - opacity;
  });
  return { width, height, pixels };
}
