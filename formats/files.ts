/**
 * Files as formats need them: opened without a question to the user, read in parts, written whole or not at all.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { CotangentError } from "../core/errors.ts";
import { Failure, notPermitted, readFailed, writeFailed } from "./failures.ts";

/** A file that is read in parts, until it is closed. */
export interface OpenFile extends Disposable {
  readonly name: string;
  readonly size: number;
  /** The bytes from a place on, in memory of their own; never fewer than asked for. */
  read(from: number, bytes: number): Promise<ArrayBuffer>;
}

/** Refuses what Deno would have to ask the user for. */
function permission(name: "read" | "write", path: string): void {
  if (Deno.permissions.querySync({ name, path }).state === "granted") return;
  throw notPermitted(`--allow-${name}=${path}`, `${name} ${path}`);
}

/**
 * Opens a file to read parts of it.
 *
 * @throws {Failure} If it is not there, not a file, or may not be read.
 */
export async function openFile(path: string): Promise<OpenFile> {
  permission("read", path);
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
  permission("read", path);
  return await Deno.readTextFile(path).catch((cause) => {
    throw readFailed(path, cause);
  });
}

const isTemporary = /^\.[0-9a-f-]{36}\.tmp$/;

/** How a file is written. */
export interface WriteOptions {
  /** Whether to wait until the disk has it, so that it outlives a loss of power. */
  readonly sync?: boolean;
}

/**
 * Writes parts one after the other to a new file beside `path` and then gives it that name: what was there before stays if anything
 * fails, a crash included.
 *
 * @throws {Failure} If the folder is not there or may not be written, or the disk is full. What `parts` throw goes on as it is.
 */
export async function writeFile(
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { sync = false }: WriteOptions = {},
): Promise<void> {
  permission("read", dirname(path));
  permission("write", dirname(path));
  try {
    await refuseOthers(path);
    const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`); // as isTemporary knows it
    try {
      {
        using file = await Deno.open(temporary, { createNew: true, write: true });
        for await (const part of parts) await writeAll(file, part);
        if (sync) await file.sync();
      }
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
  } catch (cause) {
    // What was to be written could not be read from its device: that is no fault of the file.
    if (cause instanceof Failure || cause instanceof CotangentError) throw cause;
    throw writeFailed(path, cause);
  }
}

/** A rename would put a file in the place of a device or a pipe. */
async function refuseOthers(path: string): Promise<void> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info && !info.isFile) throw new Error(info.isDirectory ? "it is a folder" : "it is not a file");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/**
 * Runs a task while no other, in this process or another, runs in the folder, which is made if it is not there. The lock is the operating
 * system's: it goes with a process that dies.
 *
 * @throws {Failure} If the folder cannot be made or written.
 */
export async function inTurn<A>(folder: string, run: () => Promise<A>): Promise<A> {
  permission("read", folder);
  permission("write", folder);
  let lock: Deno.FsFile;
  try {
    await Deno.mkdir(folder, { recursive: true });
    lock = await Deno.open(join(folder, ".lock"), { create: true, write: true });
  } catch (cause) {
    throw writeFailed(folder, cause);
  }
  using _ = lock;
  // Some network file systems cannot lock.
  await lock.lock(true).catch(() => {});
  return await run();
}

/** Removes what processes that died have left of files; nobody else may be writing in the folder. */
export async function removeTemporary(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (isTemporary.test(name)) await Deno.remove(join(folder, name)).catch(() => {});
  }
}
