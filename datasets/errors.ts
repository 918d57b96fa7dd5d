/**
 * What can be wrong with data from outside: the failures of finding, downloading, unpacking and reading a data set, as values.
 *
 * Each has a sentence (`message`: what could not be done, why, and the remedy where there is one) and the facts as fields.
 *
 * @module
 */
import type { Digest } from "./digest.ts";

/** A failure to get a data set. `file` is a path or, for a download, the file's name. */
export type DatasetError =
  /** Files that are not there, and were not to be downloaded. */
  | { readonly kind: "NotFound"; readonly message: string; readonly folder: string; readonly file: string }
  /** A file that is there and cannot be read. */
  | { readonly kind: "Read"; readonly message: string; readonly file: string; readonly cause: unknown }
  /** No mirror gave the file; `attempts` tells of each that was asked. */
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
  /** A gzip stream that is cut short or damaged. */
  | { readonly kind: "Gzip"; readonly message: string; readonly file: string }
  /** Bytes that are not what they should be: an IDX array, an archive, records of images. */
  | { readonly kind: "Format"; readonly message: string; readonly file: string }
  /** A cache folder that is not known, or cannot be written. */
  | { readonly kind: "Cache"; readonly message: string; readonly path?: string; readonly cause?: unknown }
  /** Deno was started without a permission that is needed; `flag` grants it. */
  | { readonly kind: "Permission"; readonly message: string; readonly flag: string };

/** A mirror that was asked for a file in vain, and why. */
export interface Attempt {
  /** The address of the file. */
  readonly url: string;
  /** What was wrong. */
  readonly error: DatasetError;
}

/**
 * A task that gives Left with an error or Right with a value: fp-ts's `TaskEither<DatasetError, A>`, spelled out so that the
 * documentation of what returns it is complete.
 */
export type DatasetTask<A> = () => Promise<
  | { readonly _tag: "Left"; readonly left: DatasetError }
  | { readonly _tag: "Right"; readonly right: A }
>;

/** A file that is not in `folder`; `remedy` ends the sentence. */
export function notFound(folder: string, file: string, remedy: string): DatasetError {
  return { kind: "NotFound", folder, file, message: `Cannot find ${file} in ${folder}: ${remedy}` };
}

/** A file that cannot be read. */
export function readFailed(file: string, cause: unknown): DatasetError {
  return { kind: "Read", file, cause, message: `Cannot read ${file}: ${reasonOf(cause)}` };
}

/** A file that no mirror gave. */
export function downloadFailed(file: string, attempts: readonly Attempt[]): DatasetError {
  const count = attempts.length === 1 ? "the one mirror" : `any of ${attempts.length} mirrors`;
  const reasons = attempts.map(({ error }) => error.message).join("; ");
  return { kind: "Download", file, attempts, message: `Cannot download ${file} from ${count}: ${reasons || "none was given"}` };
}

/** An address that did not give what was asked. */
export function httpFailed(url: string, reason: string, status?: number): DatasetError {
  return { kind: "Http", url, status, message: `Cannot fetch ${url}: ${reason}` };
}

/** Bytes with another digest than the published. */
export function wrongDigest(file: string, { algorithm, of, hex }: Digest, actual: string): DatasetError {
  const name = algorithm === "sha256" ? "SHA-256" : "MD5";
  const bytes = of === "packed" ? "its bytes" : "its unpacked bytes";
  return {
    kind: "Digest",
    file,
    expected: hex,
    actual,
    message: `Cannot use ${file}: the ${name} of ${bytes} is ${actual}, but it should be ${hex}`,
  };
}

/** A gzip file that does not unpack. */
export function badGzip(file: string, bytes: number): DatasetError {
  return { kind: "Gzip", file, message: `Cannot unpack ${file}: its gzip stream of ${bytes} bytes is cut short or damaged` };
}

/** A file whose bytes do not mean what they should; `what` says what that is: "an IDX array". */
export function badFormat(file: string, what: string, reason: string): DatasetError {
  return { kind: "Format", file, message: `Cannot read ${file} as ${what}: ${reason}` };
}

/** A cache folder that cannot be used. */
export function cacheFailed(path: string, cause: unknown): DatasetError {
  const remedy = "set COTANGENT_CACHE to a folder that can be written";
  return { kind: "Cache", path, cause, message: `Cannot write the cache ${path}: ${reasonOf(cause)}; ${remedy}` };
}

/** A permission that is not granted; `purpose` completes "cannot ...". */
export function notPermitted(flag: string, purpose: string): DatasetError {
  return { kind: "Permission", flag, message: `Cannot ${purpose} without permission: run deno with ${flag} (or -A)` };
}

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
  if (error.kind !== "Download" || error.attempts.length < 2) return error.message;
  const lines = error.attempts.map((attempt) => `  ${attempt.error.message}`);
  return [`Cannot download ${error.file} from any of ${lines.length} mirrors:`, ...lines].join("\n");
}

/** The sentence of whatever was thrown. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
