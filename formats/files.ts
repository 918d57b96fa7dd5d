/**
 * Files as formats need them: opened without a question to the user, read in parts, written whole or not at all.
 *
 * @module
 */
import { CotangentError } from "../core/errors.ts";
import { permitted, reading, writing } from "../core/permissions.ts";
import { paths } from "../core/runtime.ts";
import type { WriteOptions } from "../core/whole_file.ts";
import { Failure, readFailed, valueOf, writeFailed } from "./failures.ts";

/** A file that is read in parts, until it is closed. */
export interface OpenFile extends Disposable {
  readonly name: string;
  readonly size: number;
  /** The bytes from a place on, in memory of their own; never fewer than asked for. */
  read(from: number, bytes: number): Promise<ArrayBuffer>;
}

/** Refuses to read what Deno would have to ask the user for. */
export function checkReading(path: string): void {
  valueOf(permitted([reading(path)], `read ${path}`));
}

/** The same for writing in a folder, which reads it as well. */
function checkWriting(folder: string): void {
  valueOf(permitted([reading(folder), writing(folder)], `write ${folder}`));
}

/**
 * Opens a file to read parts of it.
 *
 * @throws {Failure} If it is not there, not a file, or may not be read.
 */
export async function openFile(path: string): Promise<OpenFile> {
  checkReading(path);
  const file = await Deno.open(path).catch((cause) => {
    throw readFailed(path, cause);
  });
  try {
    const { isFile, isDirectory, size } = await file.stat();
    if (!isFile) throw readFailed(path, new Error(isDirectory ? "it is a folder" : "it is not a file"));
    return { name: path, size, read: (from, bytes) => readAt(file, path, from, bytes), [Symbol.dispose]: () => file.close() };
  } catch (error) {
    file.close();
    throw error instanceof Failure ? error : readFailed(path, error);
  }
}

async function readAt(file: Deno.FsFile, path: string, from: number, bytes: number): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(bytes);
  try {
    await file.seek(from, Deno.SeekMode.Start);
    for (let at = 0; at < bytes;) {
      const read = await file.read(new Uint8Array(buffer, at));
      if (read === null) throw new Error(`it ends at byte ${from + at}; it became shorter while it was read`);
      at += read;
    }
  } catch (cause) {
    throw readFailed(path, cause);
  }
  return buffer;
}

/** A part of an array in memory of its own; that of Node's buffers, whose `slice` is a view, too. */
export function copyOf(bytes: Uint8Array, from = 0, count = bytes.length - from): ArrayBuffer {
  return Uint8Array.prototype.slice.call(bytes, from, from + count).buffer;
}

/** All bytes of a file. */
export async function readWhole(path: string): Promise<Uint8Array> {
  using file = await openFile(path);
  return new Uint8Array(await file.read(0, file.size));
}

/** A whole text file. */
export async function readText(path: string): Promise<string> {
  checkReading(path);
  return await Deno.readTextFile(path).catch((cause) => {
    throw readFailed(path, cause);
  });
}

/**
 * Writes parts one after the other to a new file beside `path` and then gives it that name: what was there before stays if anything
 * fails, a crash included.
 *
 * @throws {Failure} If the folder is not there or may not be written, or the disk is full. What `parts` throw goes on as it is if it is
 * no fault of the file.
 */
export async function writeFile(
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  checkWriting(paths().dirname(path));
  const { writeWhole } = await import("../core/whole_file.ts");
  try {
    await writeWhole(path, parts, options);
  } catch (cause) {
    // What was to be written could not be read from its device: that is no fault of the file.
    if (cause instanceof Failure || cause instanceof CotangentError) throw cause;
    throw writeFailed(path, cause);
  }
}

/**
 * Runs a task while no other, in this process or another, runs in the folder, which is made if it is not there.
 *
 * @throws {Failure} If the folder cannot be made or written.
 */
export async function inTurn<A>(folder: string, run: () => Promise<A>): Promise<A> {
  checkWriting(folder);
  const { lockFolder } = await import("../core/locked_folder.ts");
  using _ = await lockFolder(folder).catch((cause) => {
    throw writeFailed(folder, cause);
  });
  return await run();
}
