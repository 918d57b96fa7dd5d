/**
 * Files that are there whole or not at all: written beside their place under another name, and then renamed.
 *
 * @module
 */
import { dirname, join } from "node:path";

/** A file to be written, perhaps again and again. */
export interface WholeFile {
  /** Puts a text in the place of what is there. If that fails, what was there stays, and nothing else is left. */
  replace(text: string): Promise<void>;
}

/**
 * The file that a path leads to, once it is sure that it can be written; its folder must be there. Needs permission to read and to write that
 * folder: a rename does both.
 */
export async function openWholeFile(path: string): Promise<WholeFile> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  // A rename would put a file in the place of a device or a pipe.
  if (info && !info.isFile) throw new Error(info.isDirectory ? "it is a folder" : "it is not a file");
  const target = info ? await Deno.realPath(path) : path;
  await tryFolder(dirname(target));
  return { replace: (text) => replace(target, text) };
}

/** Makes sure that files can be made in a folder. */
export async function tryFolder(folder: string): Promise<void> {
  const [trial, path] = await createIn(folder);
  trial.close();
  await Deno.remove(path);
}

async function replace(path: string, text: string): Promise<void> {
  const mode = await Deno.stat(path).then(({ mode }) => mode, () => null);
  const [file, temporary] = await createIn(dirname(path));
  try {
    {
      using _ = file;
      for (let bytes = new TextEncoder().encode(text); bytes.length > 0;) bytes = bytes.subarray(await file.write(bytes));
    }
    // Windows has no modes.
    if (mode !== null && Deno.build.os !== "windows") await Deno.chmod(temporary, mode & 0o7777);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** A new file, with the mode that the process gives to new files, and its path. */
async function createIn(folder: string): Promise<[Deno.FsFile, string]> {
  const path = join(folder, `.${crypto.randomUUID()}.tmp`);
  return [await Deno.open(path, { createNew: true, write: true }), path];
}
