/**
 * Downloads a file from the first mirror that has it, through a `.part` file beside it: an interrupted download goes on where it
 * stopped, and only a file that was verified gets its name.
 *
 * @module
 */
import { basename } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import { httpAddress } from "./address.ts";
import type { Attempt, DatasetError } from "./errors.ts";
import { cacheFailed, downloadFailed, httpFailed, readFailed } from "./failures.ts";
import type { Bytes } from "./gzip.ts";
import type { Progress } from "./options.ts";
import { keeping, type Parts, partsOf } from "./part.ts";
import { connectionFailed, rangeOf, request, type ResponseRange, type StallGuard, stallGuard } from "./request.ts";

/** What to download, and how. */
export interface DownloadOptions<A> {
  /** Addresses that have the file, in the order to try them. */
  readonly urls: readonly string[];
  /** Where to put it; its folder must be there. */
  readonly path: string;
  /** How many bytes it has: of a mirror that sends others, nothing is kept. */
  readonly size: SizeRange;
  /** Whether the bytes are right, and what they mean: a Left is an error of the mirror, and the file is not kept. */
  readonly accept: (bytes: Bytes) => TaskEither.TaskEither<DatasetError, A>;
  /** Is called whenever bytes have arrived. */
  readonly onProgress?: (progress: Progress) => void;
  /** Milliseconds without a byte after which a mirror is given up, from 1 to 2,147,483,647. Default 30,000. */
  readonly stallTimeout?: number;
}

/** How many bytes a file has, where that is not known exactly. */
export type SizeRange = readonly [least: number, most: number];

/** How often a connection that is cut is taken up again, as long as each time some bytes have come. */
const maxReconnects = 5;

/** A mirror's file on its way here. */
interface Transfer {
  readonly url: string;
  readonly parts: Parts;
  readonly file: string;
  readonly size: SizeRange;
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
  const { path, size, accept, onProgress = () => {}, stallTimeout = 30_000 } = options;
  const parts = await partsOf(path, url);
  const transfer = { url, parts, file: basename(path), size, onProgress, stallTimeout };
  const found = await parts.find();
  const result = await pipe(
    () => complete(transfer),
    TaskEither.flatMap((part) =>
      pipe(
        TaskEither.tryCatch(() => Deno.readFile(part), (cause) => readFailed(part, cause)),
        TaskEither.flatMap((bytes) => pipe(accept(bytes), TaskEither.orElseFirstW(() => parts.drop))),
        TaskEither.chainFirst(() => keeping(part, path)),
      )
    ),
  )();
  // What was there may have been of another file: one more try, from its start.
  if (found && Either.isLeft(result) && !await parts.find()) return downloadFrom(url, options);
  return result;
}

/** Brings a part to its whole length, taking up a cut connection again, and gives its path. */
async function complete(transfer: Transfer): Promise<Either.Either<DatasetError, string>> {
  for (let reconnects = 0;; reconnects++) {
    const before = await transfer.parts.find();
    const result = await connect(transfer);
    if (Either.isRight(result) || result.left.kind !== "Http") return result;
    const after = await transfer.parts.find();
    if (reconnects === maxReconnects || !after || after.bytes <= (before?.bytes ?? 0)) return result;
  }
}

/** Asks the mirror for what the part lacks, or for the whole file if it cannot give that, and writes it down as it comes. */
async function connect(transfer: Transfer): Promise<Either.Either<DatasetError, string>> {
  const { url, parts, size, stallTimeout } = transfer;
  const address = httpAddress(url);
  if (!address) return Either.left(httpFailed(url, "it is not an http or https address"));
  using guard = stallGuard(stallTimeout);
  const part = await parts.find();
  const present = part?.bytes ?? 0;
  const asked = await request(address, present, guard.signal);
  if (Either.isLeft(asked)) return asked;
  const response = asked.right;
  const range = rangeOf(response);
  const target = await parts.pathOf(range.version);
  const isRest = range.start === present && target === part?.path;
  const misfit = misfitOf(range.total, size);
  if (response.ok && !misfit && (range.start === 0 || isRest)) return await append(transfer, guard, response, range, target);
  await response.body?.cancel();
  if (part && response.status === 416 && range.total === present && !misfit) return Either.right(part.path);
  if (part && (response.status === 206 || response.status === 416)) {
    // The part is of another file.
    const dropped = await parts.drop();
    return Either.isLeft(dropped) ? dropped : await connect(transfer);
  }
  const reason = response.ok && misfit || `it answered ${response.status} ${response.statusText}`.trimEnd();
  return Either.left(httpFailed(url, reason, response.status));
}

/** Why so many bytes are not those of a file, if that is known. */
function misfitOf(total: number | undefined, [least, most]: SizeRange): string | undefined {
  if (total === undefined || total >= least && total <= most) return undefined;
  return `it has ${total} bytes, but ${least === most ? "" : total < least ? "at least " : "at most "}` +
    `${total < least ? least : most} were published`;
}

/** Writes the body of a response into a part from where it begins, until its end. Gives the part's path. */
async function append(
  { url, parts, size: [, most], file: name, onProgress }: Transfer,
  guard: StallGuard,
  response: Response,
  { start, total }: ResponseRange,
  part: string,
): Promise<Either.Either<DatasetError, string>> {
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  const read = TaskEither.tryCatch(() => reader.read(), (cause) => connectionFailed(url, cause));
  const write = <A>(task: () => Promise<A>) => TaskEither.tryCatch(task, (cause) => cacheFailed(part, cause))();
  const fail = (reason: string) => Either.left(httpFailed(url, reason));

  const cleared = start === 0 ? await parts.drop() : Either.right(undefined);
  if (Either.isLeft(cleared)) return cleared;
  const opened = await write(() => Deno.open(part, { create: true, write: true }));
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
      return total === undefined || received === total
        ? Either.right(part)
        : fail(`it ended after ${received} of ${total} bytes`);
    }
    if (received + bytes.length > most) {
      const dropped = await parts.drop();
      return Either.isLeft(dropped) ? dropped : fail(`it sends more than the ${most} bytes that were published`);
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
