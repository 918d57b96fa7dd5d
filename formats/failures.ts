/**
 * Makers of the errors in `errors.ts`, and how they travel: functions deep in a format throw them as a `Failure`, which the public
 * functions turn into a value.
 *
 * @module
 */
import { reasonOf } from "../core/quoted.ts";
import type { FormatError, FormatResult } from "./errors.ts";

/** What a format's own functions throw. Nothing public does. */
export class Failure extends Error {
  constructor(readonly error: FormatError) {
    super(error.message);
  }
}

/** The result of a function that may throw a `Failure`; what else it throws is a mistake, and goes on. */
export function attempt<A>(run: () => A): FormatResult<A> {
  try {
    return { _tag: "Right", right: run() };
  } catch (error) {
    if (error instanceof Failure) return { _tag: "Left", left: error.error };
    throw error;
  }
}

/** The value of a result, or its error thrown. */
export function valueOf<A>(result: FormatResult<A>): A {
  if (result._tag === "Left") throw new Failure(result.left);
  return result.right;
}

/** The same as `attempt` for a function that takes time. */
export async function attemptAsync<A>(run: () => Promise<A>): Promise<FormatResult<A>> {
  try {
    return { _tag: "Right", right: await run() };
  } catch (error) {
    if (error instanceof Failure) return { _tag: "Left", left: error.error };
    throw error;
  }
}

/** A rule of a format that a file breaks. `reason` completes "Cannot read FILE as FORMAT: ". */
export function broken(file: string, format: string, rule: string, reason: string, entry?: string): Failure {
  const message = `Cannot read ${file} as ${format}: ${reason}`;
  return new Failure({ kind: "Format", message, file, format, rule, entry });
}

/** Something that is right, but not for us. */
export function unsupported(file: string, reason: string, entry?: string): Failure {
  return new Failure({ kind: "Unsupported", message: `Cannot read ${file}: ${reason}`, file, entry });
}

/** A file that could not be opened or read. */
export function readFailed(file: string, cause: unknown): Failure {
  if (cause instanceof Deno.errors.NotFound) {
    return new Failure({ kind: "NotFound", message: `Cannot read ${file}: there is no such file`, file });
  }
  return new Failure({ kind: "Read", message: `Cannot read ${file}: ${reasonOf(cause)}`, file, cause });
}

/** A file that could not be written. */
export function writeFailed(file: string, cause: unknown): Failure {
  const reason = cause instanceof Deno.errors.NotFound ? "its folder is not there, make it" : reasonOf(cause);
  return new Failure({ kind: "Write", message: `Cannot write ${file}: ${reason}`, file, cause });
}
