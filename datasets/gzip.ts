/**
 * Unpacks gzip, with the web platform's own functions.
 *
 * @module
 */
import { TaskEither } from "../deps.ts";
import type { DatasetError } from "./errors.ts";
import { badGzip } from "./failures.ts";

/** Bytes in a buffer that is not shared, as the platform's functions want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Whether bytes are packed with gzip, by the first two. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The bytes of a file, unpacked if they are packed with gzip.
 *
 * @param file The file's name, for the error.
 * @returns Left with a `Gzip` error if the stream is cut short, is damaged, or is followed by other bytes.
 */
export function unpack(bytes: Bytes, file: string): TaskEither.TaskEither<DatasetError, Bytes> {
  if (!isGzip(bytes)) return TaskEither.right(bytes);
  return TaskEither.tryCatch(
    () => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).bytes(),
    () => badGzip(file, bytes.length),
  );
}
