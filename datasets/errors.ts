/**
 * What can be wrong with data from outside: the failures of finding, downloading, unpacking and reading a data set, as values.
 *
 * Each has a sentence (`message`: what could not be done, why, and the remedy where there is one) and the facts as fields.
 *
 * @module
 */
import { argument, type Kind, kindOf } from "../core/kinds.ts";
import type { Outcome } from "../core/or_throw.ts";

/** A failure to get a data set. `file` is a path or, for a download, the file's name. */
export type DatasetError =
  /** Files that are not there, and were not to be downloaded. */
  | { readonly kind: "NotFound"; readonly message: string; readonly folder: string; readonly file: string }
  /** A file that is there and cannot be read. */
  | { readonly kind: "Read"; readonly message: string; readonly file: string; readonly cause: unknown }
  /** No mirror gave the file; `attempts` lists each request. */
  | { readonly kind: "Download"; readonly message: string; readonly file: string; readonly attempts: readonly Attempt[] }
  /** One address did not answer, or not with the file. `status` is the HTTP status if it answered. */
  | { readonly kind: "Http"; readonly message: string; readonly url: string; readonly status?: number }
  /** The bytes are not those of the published file. */
  | {
    readonly kind: "Digest";
    readonly message: string;
    readonly file: string;
    readonly expected: string;
    readonly actual: string;
  }
  /** A gzip stream that is cut short or damaged, or unpacks to too much. */
  | { readonly kind: "Gzip"; readonly message: string; readonly file: string }
  /** Bytes that are not what they should be: an IDX array, an archive, records of images. */
  | { readonly kind: "Format"; readonly message: string; readonly file: string }
  /** A table that does not hold what it should, at a line of the file (the first is 1) and a column, if it is due to one. */
  | { readonly kind: "Table"; readonly message: string; readonly file: string; readonly line?: number; readonly column?: string }
  /** A cache folder that is not known, or cannot be written. */
  | { readonly kind: "Cache"; readonly message: string; readonly path?: string; readonly cause?: unknown }
  /** Deno was started without a permission that is needed; `flag` grants it. */
  | { readonly kind: "Permission"; readonly message: string; readonly flag: string };

/** A mirror that did not give a file, and why. */
export interface Attempt {
  /** The address of the file. */
  readonly url: string;
  /** What was wrong. */
  readonly error: DatasetError;
}

/** A task that gives Left with an error or Right with a value. */
export type DatasetTask<A> = () => Promise<Outcome<DatasetError, A>>;

const aDatasetError: Kind<DatasetError> = kindOf(
  "the error of a data set",
  (value) => typeof value === "object" && value !== null && "kind" in value && "message" in value,
);

/**
 * The error as text for a terminal: its sentence, or, if several mirrors failed, one line each.
 *
 * @example
 * ```ts
 * import { mnist, showDatasetError } from "./mod.ts";
 * const loaded = await mnist({ folder: "no such folder" })();
 * if (loaded._tag === "Left") console.error(showDatasetError(loaded.left));
 * ```
 */
export function showDatasetError(error: DatasetError): string {
  argument(error, aDatasetError, "error", "showDatasetError");
  if (error.kind !== "Download" || error.attempts.length < 2) return error.message;
  const lines = error.attempts.map((attempt) => `  ${attempt.error.message}`);
  return [`Cannot download ${error.file} from any of ${lines.length} mirrors:`, ...lines].join("\n");
}
