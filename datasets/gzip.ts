/**
 * Unpacks gzip. Node's zlib, not the web platform's stream: it takes files of several members, and stops at a limit.
 *
 * @module
 */
import { kMaxLength } from "node:buffer";
import { gunzip } from "node:zlib";
import { TaskEither } from "../deps.ts";
import type { DatasetError } from "./errors.ts";
import { badGzip, tooLong } from "./failures.ts";

/** Bytes in a buffer that is not shared, as the platform's functions want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Whether bytes are packed with gzip, by the first two. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * How much a file of unknown digest may unpack to, by its size: a few megabytes of gzip can hold gigabytes. Photographs hardly shrink,
 * digits to a fifth.
 */
function mostUnpacked(packed: number): number {
  return 2 ** 26 + 100 * packed;
}

/**
 * The bytes of a file, unpacked if they are packed with gzip.
 *
 * @param file The file's name, for the error.
 * @param most How many bytes it may unpack to.
 * @returns Left with a `Gzip` error if the stream is cut short, is damaged, is followed by other bytes, or holds more.
 */
export function unpack(
  bytes: Bytes,
  file: string,
  most = mostUnpacked(bytes.length),
): TaskEither.TaskEither<DatasetError, Bytes> {
  if (!isGzip(bytes)) return TaskEither.right(bytes);
  return TaskEither.tryCatch(
    () => unpackGzip(bytes, most),
    (cause) => isOverrun(cause) ? tooLong(file, bytes.length, most) : badGzip(file, bytes.length),
  );
}

function unpackGzip(bytes: Bytes, most: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: Math.min(most, kMaxLength) }, (error, unpacked) => {
      if (error) reject(error);
      else resolve(new Uint8Array(unpacked.buffer as ArrayBuffer, unpacked.byteOffset, unpacked.length));
    });
  });
}

function isOverrun(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
}
