/**
 * Downloads a file from the first mirror that has it, through a `.part` file beside it: an interrupted download goes on where it
 * stopped, and only a file that was verified gets its name.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import { hexDigest } from "./hex_digest.ts";
import type { Attempt, DatasetError } from "./errors.ts";
import { cacheFailed, downloadFailed, httpFailed, readFailed, reasonOf } from "./failures.ts";
import type { Bytes } from "./gzip.ts";
import { connecting, permitted } from "./permissions.ts";
import type { Progress } from "./options.ts";

/** What to download, and how. */
export interface DownloadOptions<A> {
  /** Addresses that have the file, in the order to try them. */
  readonly urls: readonly string[];
  /** Where to put it; its folder must be there. */
  readonly path: string;
  /** Whether the bytes are right, and what they mean: a Left is an error of the mirror, and the file is not kept. */
  readonly accept: (bytes: Bytes) => TaskEither.TaskEither<DatasetError, A>;
  /** Is called whenever bytes have arrived. */
  readonly onProgress?: (progress: Progress) => void;
  /** Milliseconds without a byte after which a mirror is given up, at least 1. Default 30,000. */
  readonly stallTimeout?: number;
}

/** How often a connection that is cut is taken up again, as long as each time some bytes have come. */
const maxReconnects = 5;

/** How often a mirror may send us elsewhere. */
const maxRedirects = 5;

/** A mirror's file on its way here. */
interface Transfer {
  readonly url: string;
  readonly part: string;
  readonly file: string;
  readonly onProgress: (progress: Progress) => void;
  readonly stallTimeout: number;
}

/**
 * Downloads a file and gives what `accept` makes of its bytes.
 *
 * @returns Left with a `Download` error that lists every mirror if none had the file, or with a `Cache` error if it could not
 * be written. What had come of it is kept for the next time, unless it was wrong.
 */
export function download<A>(options: DownloadOptions<A>): TaskEither.TaskEither<DatasetError, A> {
  return async () => {
    const attempts: Attempt[] = [];
    for (const url of options.urls) {
      const result = await downloadFrom(url, options);
      // Another mirror does not help against a full disk.
      if (Either.isRight(result) || result.left.kind === "Cache") return result;
      attempts.push({ url, error: result.left });
    }
    return Either.left(downloadFailed(basename(options.path), attempts));
  };
}

/** Downloads a file from one mirror. */
async function downloadFrom<A>(url: string, options: DownloadOptions<A>): Promise<Either.Either<DatasetError, A>> {
  const { path, accept, onProgress = () => {}, stallTimeout = 30_000 } = options;
  // Mirrors may pack a file differently: each has a part of its own.
  const mirror = (await hexDigest("sha256", new TextEncoder().encode(url))).slice(0, 8);
  const part = `${path}.${mirror}.part`;
  const transfer = { url, part, file: basename(path), onProgress, stallTimeout };
  const resumed = await sizeOf(part) > 0;
  const result = await pipe(
    () => complete(transfer),
    TaskEither.flatMap(() => TaskEither.tryCatch(() => Deno.readFile(part), (cause) => readFailed(part, cause))),
    TaskEither.flatMap((bytes) => pipe(accept(bytes), TaskEither.orElseFirstW(() => removing(part)))),
    TaskEither.chainFirst(() => keeping(part, path)),
  )();
  // The file may have changed between two visits: one more try, from its start.
  if (resumed && Either.isLeft(result) && await sizeOf(part) === 0) return downloadFrom(url, options);
  return result;
}

/** Brings a part to its whole length, taking up a cut connection again. */
async function complete(transfer: Transfer): Promise<Either.Either<DatasetError, void>> {
  for (let reconnects = 0;; reconnects++) {
    const before = await sizeOf(transfer.part);
    const result = await connect(transfer);
    if (Either.isRight(result) || result.left.kind !== "Http") return result;
    if (reconnects === maxReconnects || await sizeOf(transfer.part) <= before) return result;
  }
}

/** Asks the mirror for what the part lacks, or for the whole file if it cannot give that, and writes it down as it comes. */
async function connect(transfer: Transfer): Promise<Either.Either<DatasetError, void>> {
  const { url, part, stallTimeout } = transfer;
  const address = URL.parse(url);
  if (!address || !/^https?:$/.test(address.protocol)) return Either.left(httpFailed(url, "it is not an http or https address"));
  using guard = stallGuard(stallTimeout);
  const present = await sizeOf(part);
  const asked = await request(address, present, guard.signal);
  if (Either.isLeft(asked)) return asked;
  const response = asked.right;
  const { start, total } = rangeOf(response);
  if (response.ok && (start === 0 || start === present)) return await append(transfer, guard, response, start);
  await response.body?.cancel();
  if (response.status === 416 && present > 0) {
    if (total === present) return Either.right(undefined);
    // The part is of another file.
    const removed = await removing(part)();
    return Either.isLeft(removed) ? removed : await connect(transfer);
  }
  const reason = `it answered ${response.status} ${response.statusText}`.trimEnd();
  return Either.left(httpFailed(url, reason, response.status));
}

/** Which bytes a response brings: from where, and of how many in all. */
function rangeOf(response: Response): { readonly start: number; readonly total?: number } {
  const range = /^bytes (?:(\d+)-\d+|\*)\/(?:(\d+)|\*)$/.exec(response.headers.get("content-range") ?? "");
  const start = response.status === 206 ? Number(range?.[1] ?? NaN) : 0;
  return { start, total: range?.[2] === undefined ? undefined : Number(range[2]) };
}

/** Requests what comes after the first `present` bytes, following redirects ourselves to ask for permission at each. */
async function request(
  url: URL,
  present: number,
  signal: AbortSignal,
  redirects = maxRedirects,
): Promise<Either.Either<DatasetError, Response>> {
  // Packed on its way, the file's bytes could not be counted.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (present > 0) headers.range = `bytes=${present}-`;
  const answer = await pipe(
    TaskEither.fromEither(permitted([connecting(url)], `connect to ${url.host}`)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(() => fetch(url, { headers, signal, redirect: "manual" }), (cause) => connectionFailed(url.href, cause))
    ),
  )();
  if (Either.isLeft(answer) || ![301, 302, 303, 307, 308].includes(answer.right.status)) return answer;
  await answer.right.body?.cancel();
  const next = URL.parse(answer.right.headers.get("location") ?? "", url);
  if (!next || redirects === 0) return Either.left(httpFailed(url.href, "it redirects without end", answer.right.status));
  return request(next, present, signal, redirects - 1);
}

/** Writes the body of a response into the part from `start`, until its end. */
async function append(
  { url, part, file: name, onProgress }: Transfer,
  guard: StallGuard,
  response: Response,
  start: number,
): Promise<Either.Either<DatasetError, void>> {
  const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
  const total = length === null ? undefined : start + Number(length);
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  const read = TaskEither.tryCatch(() => reader.read(), (cause) => connectionFailed(url, cause));
  const write = <A>(task: () => Promise<A>) => TaskEither.tryCatch(task, (cause) => cacheFailed(part, cause))();

  const opened = await write(() => Deno.open(part, { create: true, write: true, truncate: start === 0 }));
  if (Either.isLeft(opened)) return opened;
  using file = opened.right;
  const sought = await write(() => file.seek(start, Deno.SeekMode.Start));
  if (Either.isLeft(sought)) return sought;
  for (let received = start;;) {
    onProgress({ file: name, received, total });
    const chunk = await read();
    if (Either.isLeft(chunk)) return chunk;
    guard.reset();
    const bytes = chunk.right.value;
    if (!bytes) {
      if (total === undefined || received === total) return Either.right(undefined);
      return Either.left(httpFailed(url, `it ended after ${received} of ${total} bytes`));
    }
    const written = await write(() => writeAll(file, bytes));
    if (Either.isLeft(written)) return written;
    received += bytes.length;
  }
}

/** Writes every byte, as a single call need not. */
async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/** Ends a connection on which nothing comes, and on disposal one whose response was not read to its end. */
interface StallGuard extends Disposable {
  readonly signal: AbortSignal;
  /** Starts the time anew: something came. */
  reset(): void;
}

/** A guard that aborts after `milliseconds` without a reset. */
function stallGuard(milliseconds: number): StallGuard {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(new Error(`nothing came for ${milliseconds} ms`)), milliseconds);
  let timer = start();
  const stop = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    reset: () => (stop(), timer = start()),
    [Symbol.dispose]: () => (stop(), controller.abort()),
  };
}

/** A connection that could not be made, or was cut. */
function connectionFailed(url: string, cause: unknown): DatasetError {
  // Deno says "fetch failed" and hides what happened in the cause, with the address once more.
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  return httpFailed(url, reasonOf(inner).replace(/ for url \([^)]*\)/, ""));
}

/** The size of a file, 0 if there is none. */
async function sizeOf(path: string): Promise<number> {
  return await Deno.stat(path).then(({ size }) => size, () => 0);
}

/** Gives a part its name, in one step, and removes what is left of other mirrors'. */
function keeping(part: string, path: string): TaskEither.TaskEither<DatasetError, void> {
  return TaskEither.tryCatch(async () => {
    await Deno.rename(part, path);
    // The file is there: what is left over does not matter to it.
    await removeParts(path).catch(() => {});
  }, (cause) => cacheFailed(path, cause));
}

/** Removes the parts of a file. */
async function removeParts(path: string): Promise<void> {
  const folder = dirname(path);
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(`${basename(path)}.`) && name.endsWith(".part")) await Deno.remove(join(folder, name));
  }
}

/** Removes a part. */
function removing(part: string): TaskEither.TaskEither<DatasetError, void> {
  return TaskEither.tryCatch(() => Deno.remove(part), (cause) => cacheFailed(part, cause));
}
