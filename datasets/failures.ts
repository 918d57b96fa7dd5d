/**
 * Makers of the errors in `errors.ts`: each takes the facts and words the message.
 *
 * @module
 */
import { quoted, reasonOf } from "../core/quoted.ts";
import type { Digest } from "./digest.ts";
import type { Attempt, DatasetError } from "./errors.ts";

/** A file that is not in `folder`; `remedy` ends the sentence. */
export function notFound(folder: string, file: string, remedy: string): DatasetError {
  return { kind: "NotFound", folder, file, message: `Cannot find ${file} in ${folder}: ${remedy}` };
}

/** A table that the user gave the path of. */
export function tableNotFound(path: string): DatasetError {
  const message = `Cannot find the table ${path}: give the path of a file that is there`;
  return { kind: "NotFound", folder: ".", file: path, message };
}

/** A folder that is not there. */
export function folderNotFound(folder: string): DatasetError {
  const message = `Cannot find the folder ${folder}: make it, or give another`;
  return { kind: "NotFound", folder, file: "the folder", message };
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

/** An address that did not respond with the file. */
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

/** A gzip file that unpacks to more than it may. */
export function tooLong(file: string, bytes: number, most: number): DatasetError {
  const why = `its gzip stream of ${bytes} bytes unpacks to more than ${most} bytes; if it should, unpack it yourself`;
  return { kind: "Gzip", file, message: `Cannot unpack ${file}: ${why}` };
}

/** A file whose bytes do not mean what they should; `what` says what that is: "an IDX array". */
export function badFormat(file: string, what: string, reason: string): DatasetError {
  return { kind: "Format", file, message: `Cannot read ${file} as ${what}: ${reason}` };
}

/** A table that does not hold what it should, and where. */
export function badTable(file: string, reason: string, line?: number, column?: string): DatasetError {
  const where = [line === undefined ? "" : ` in line ${line}`, column === undefined ? "" : ` (column ${quoted(column)})`].join(
    "",
  );
  return { kind: "Table", file, line, column, message: `Cannot read the table ${file}: ${reason}${where}` };
}

/** A cache folder that cannot be used. */
export function cacheFailed(path: string, cause: unknown): DatasetError {
  const remedy = "set COTANGENT_CACHE to a folder that can be written";
  return { kind: "Cache", path, cause, message: `Cannot write the cache ${path}: ${reasonOf(cause)}; ${remedy}` };
}
