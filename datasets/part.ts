/**
 * What has come of a file that is being downloaded: its part, a file beside it, whose name says which mirror and which version of the file
 * it is of. Mirrors may pack a file differently, and a file may change between two visits.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { Either, TaskEither } from "../deps.ts";
import type { DatasetError } from "./errors.ts";
import { cacheFailed } from "./failures.ts";
import { hexDigest } from "./hex_digest.ts";

/** A part: where it is, and how many bytes have come. */
export interface Part {
  readonly path: string;
  readonly bytes: number;
}

/** The parts of one file from one mirror. There is one at a time. */
export interface Parts {
  /** The part that is there; one that cannot be looked at counts as none: who writes to it learns why. */
  find(): Promise<Part | undefined>;
  /** The path of the part of a version of the file. */
  pathOf(version: string): Promise<string>;
  /** Removes what is there. */
  drop(): Promise<Either.Either<DatasetError, void>>;
}

/** The parts of the file that goes to `path`, from an address. */
export async function partsOf(path: string, url: string): Promise<Parts> {
  const prefix = `${path}.${await shortDigest(url)}`;
  return {
    find: () => firstLike(prefix).catch(() => undefined),
    pathOf: async (version) => `${prefix}.${await shortDigest(version)}.part`,
    drop: TaskEither.tryCatch(() => removeParts(prefix), (cause) => cacheFailed(prefix, cause)),
  };
}

/** Gives a part its file's name, in one step, and removes what is left of other mirrors'. */
export function keeping(part: string, path: string): TaskEither.TaskEither<DatasetError, void> {
  return TaskEither.tryCatch(async () => {
    await Deno.rename(part, path);
    // The file is there: what is left over does not matter to it.
    await removeParts(path).catch(() => {});
  }, (cause) => cacheFailed(path, cause));
}

async function firstLike(prefix: string): Promise<Part | undefined> {
  const [path] = await namesLike(prefix);
  return path === undefined ? undefined : { path, bytes: (await Deno.stat(path)).size };
}

async function removeParts(prefix: string): Promise<void> {
  for (const path of await namesLike(prefix)) await Deno.remove(path);
}

/** The paths of the parts that begin like `prefix`. */
async function namesLike(prefix: string): Promise<readonly string[]> {
  const names = await Array.fromAsync(Deno.readDir(dirname(prefix)), ({ name }) => name);
  return names.filter((name) => name.startsWith(`${basename(prefix)}.`) && name.endsWith(".part"))
    .map((name) => join(dirname(prefix), name));
}

async function shortDigest(text: string): Promise<string> {
  return (await hexDigest("sha256", new TextEncoder().encode(text))).slice(0, 8);
}
