/**
 * Files that are there whole or not at all: written beside their place under another name, and then renamed.
 *
 * @module
 */
import { dirname, join } from "node:path";

/** How a file is written. */
export interface WriteOptions {
  /** Whether to wait until the disk has it, so that it outlives a loss of power. */
  readonly sync?: boolean;
}

/**
 * Puts parts, one after the other, in the place of the file that a path leads to: what was there stays if anything fails, a crash included,
 * and nothing else is left. A file keeps its mode. Needs permission to read and to write the folder: a rename does both.
 *
 * @throws {Error} If the folder is not there or may not be written, the disk is full, or the path leads to a folder, a device or a pipe.
 * What `parts` throw goes on as it is.
 */
export async function writeWhole(
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { sync = false }: WriteOptions = {},
): Promise<void> {
  const { target, mode } = await findTarget(path);
  const [file, temporary] = await createIn(dirname(target));
  try {
    {
      using _ = file;
      for await (const part of parts) await writeAll(file, part);
      if (sync) await file.sync();
    }
    // Windows has no modes.
    if (mode !== null && Deno.build.os !== "windows") await Deno.chmod(temporary, mode & 0o7777);
    await Deno.rename(temporary, target);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Makes sure that a file can be written, before there is anything to write. */
export async function tryFile(path: string): Promise<void> {
  const { target } = await findTarget(path);
  await tryFolder(dirname(target));
}

/** Makes sure that files can be made in a folder. */
export async function tryFolder(folder: string): Promise<void> {
  const [trial, path] = await createIn(folder);
  trial.close();
  await Deno.remove(path);
}

/** Removes what processes that died have left of files; nobody else may be writing in the folder. */
export async function removeTemporary(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (isTemporary.test(name)) await Deno.remove(join(folder, name)).catch(() => {});
  }
}

const isTemporary = /^\.[0-9a-f-]{36}\.tmp$/;

/** A new file, with the mode that the process gives to new files, and its path. */
async function createIn(folder: string): Promise<[Deno.FsFile, string]> {
  const path = join(folder, `.${crypto.randomUUID()}.tmp`); // as isTemporary knows it
  return [await Deno.open(path, { createNew: true, write: true }), path];
}

/** Where the links of a path end, and the mode of the file that is there; null for none. */
async function findTarget(path: string): Promise<{ readonly target: string; readonly mode: number | null }> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (!info) return { target: path, mode: null };
  // A rename would put a file in the place of a device or a pipe.
  if (!info.isFile) throw new Error(info.isDirectory ? "it is a folder" : "it is not a file");
  return { target: await Deno.realPath(path), mode: info.mode };
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
