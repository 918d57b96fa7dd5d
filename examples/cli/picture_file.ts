/**
 * PNG and JPEG files as grey pictures.
 *
 * @module
 */
import { permitted, reading } from "../../datasets/permissions.ts";
import { Either, pipe, TaskEither } from "../../deps.ts";
import type { GreyPicture } from "../parts/digit_picture.ts";
import { failed, type Failure, reasonOf } from "./failure.ts";

/** Reads a picture. */
export function readPicture(path: string): TaskEither.TaskEither<Failure, GreyPicture> {
  return pipe(
    TaskEither.fromEither(permitted([reading(path)], `read ${path}`)),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(() => Deno.readFile(path), (cause) => failed(`Cannot read ${path}: ${whyNot(cause)}`))
    ),
    TaskEither.flatMap((bytes) => decodePicture(bytes, path)),
  );
}

function whyNot(cause: unknown): string {
  return cause instanceof Deno.errors.NotFound ? "there is no such file" : reasonOf(cause);
}

/** The picture in the bytes of a file. */
export function decodePicture(bytes: Uint8Array, path: string): TaskEither.TaskEither<Failure, GreyPicture> {
  const decode = decoderOf(bytes);
  if (decode === undefined) return TaskEither.left(failed(`Cannot read ${path}: it is neither a PNG nor a JPEG file`));
  return TaskEither.tryCatch(() => decode(bytes), (cause) => failed(`Cannot read ${path} as a picture: ${reasonOf(cause)}`));
}

/** What reads the bytes, by how they begin. */
function decoderOf(bytes: Uint8Array): ((bytes: Uint8Array) => Promise<GreyPicture>) | undefined {
  const begins = (...start: readonly number[]) => start.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47)) return fromPng;
  return begins(0xff, 0xd8, 0xff) ? fromJpeg : undefined;
}

async function fromPng(bytes: Uint8Array): Promise<GreyPicture> {
  const { convertIndexedToRgb, decodePng } = await import("./deps.ts");
  const decoded = decodePng(bytes);
  const { width, height, depth, data, channels, palette } = decoded;
  if (palette) return grey({ width, height, values: convertIndexedToRgb(decoded), channels: palette[0].length, most: 255 });
  const values = depth < 8 ? unpacked(data, width, height, depth) : data;
  return grey({ width, height, values, channels, most: 2 ** depth - 1 });
}

/** Pixels of less than a byte, which the decoder leaves as they lie in the file: the first one is in the highest bits. */
function unpacked(bytes: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil(width * depth / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = i % width * depth;
    return bytes[Math.floor(i / width) * rowBytes + (bit >> 3)] >> 8 - depth - (bit & 7) & 2 ** depth - 1;
  });
}

async function fromJpeg(bytes: Uint8Array): Promise<GreyPicture> {
  const { decodeJpeg } = await import("./deps.ts");
  const { width, height, data } = decodeJpeg(bytes, { useTArray: true });
  return grey({ width, height, values: data, channels: 4, most: 255 });
}

/** Pixels as decoders give them: grey, grey and opacity, red green blue, or those and opacity. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly values: ArrayLike<number>;
  readonly channels: number;
  /** White. */
  readonly most: number;
}

/** As bright as the eye finds it (Rec. 601), on white where it is transparent. */
function grey({ width, height, values, channels, most }: Pixels): GreyPicture {
  const isColored = channels >= 3, hasOpacity = channels % 2 === 0;
  const pixels = Float32Array.from({ length: width * height }, (_, i) => {
    const at = i * channels;
    const light = isColored ? 0.299 * values[at] + 0.587 * values[at + 1] + 0.114 * values[at + 2] : values[at];
    const opacity = hasOpacity ? values[at + channels - 1] / most : 1;
    return opacity * light / most + 1 - opacity;
  });
  return { width, height, pixels };
}
