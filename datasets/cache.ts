/**
 * The folder where downloaded files are kept: where it is, and how processes take turns in it.
 *
 * @module
 */
import { join } from "node:path";
import { lockFolder } from "../core/locked_folder.ts";
import { Either, pipe, TaskEither } from "../deps.ts";
import type { DatasetError } from "./errors.ts";
import { cacheFailed } from "./failures.ts";
import { isGranted, type Permission, permitted, variable } from "../core/permissions.ts";

/** A possible folder of the cache: one of the user's, named by a variable, and a path below it. */
interface CacheRoot {
  readonly variable: string;
  readonly below: readonly string[];
}

/** Where the cache may be on an operating system, the first choice first. */
function cacheRoots(os: typeof Deno.build.os): readonly CacheRoot[] {
  const chosen = [{ variable: "COTANGENT_CACHE", below: [] }, { variable: "XDG_CACHE_HOME", below: ["cotangent"] }];
  if (os === "windows") return [...chosen, { variable: "LOCALAPPDATA", below: ["cotangent"] }];
  return [...chosen, { variable: "HOME", below: os === "darwin" ? ["Library", "Caches", "cotangent"] : [".cache", "cotangent"] }];
}

/**
 * The folder in which to keep the files of a data set: below COTANGENT_CACHE, or XDG_CACHE_HOME/cotangent, or the platform's
 * folder for caches; the first of these variables that is set and may be looked at. Nothing is created.
 *
 * @param name The data set's own folder.
 * @param wanted What else will be needed: named in the error, so that a user need not learn of it step by step.
 * @returns Left with a `Permission` error if no variable may be looked at, with a `Cache` error if none is set.
 */
export function cacheFolder(name: string, wanted: readonly Permission[] = []): Either.Either<DatasetError, string> {
  const roots = cacheRoots(Deno.build.os);
  const variables = roots.map((root) => variable(root.variable));
  const readable = roots.filter((_, i) => isGranted(variables[i]));
  for (const root of readable) {
    const folder = Deno.env.get(root.variable);
    if (folder) return Either.right(join(folder, ...root.below, name));
  }
  return pipe(
    permitted(variables, "find the cache folder", [...variables, ...wanted]),
    Either.flatMap(() => {
      const names = roots.map((root) => root.variable).join(", ");
      const message =
        `Cannot find the cache folder: none of ${names} is set, set COTANGENT_CACHE to a folder that can be written`;
      return Either.left({ kind: "Cache" as const, message });
    }),
  );
}

/**
 * Runs a task while no other task (in this process or another) that takes turns in `folder` is running. The folder is made if it
 * is not there.
 *
 * @returns What the task returns, or Left with a `Cache` error if the folder cannot be made or written.
 */
export function takingTurns<A>(
  folder: string,
  task: TaskEither.TaskEither<DatasetError, A>,
): TaskEither.TaskEither<DatasetError, A> {
  return async () => {
    const opened = await TaskEither.tryCatch(() => lockFolder(folder), (cause) => cacheFailed(folder, cause))();
    if (Either.isLeft(opened)) return opened;
    using _lock = opened.right;
    return await task();
  };
}
