/**
 * Published files: found in a folder of the user's, or in the cache, or downloaded into it from a mirror.
 *
 * Files from the cache or a mirror are the published ones to the byte; a file of the cache that is not is downloaded again.
 *
 * @module
 */
import { join } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import { cacheFolder, takingTurns } from "./cache.ts";
import { httpAddress } from "./address.ts";
import type { Digest } from "./digest.ts";
import { hexDigest } from "./hex_digest.ts";
import { download, type SizeRange } from "./download.ts";
import type { DatasetError } from "./errors.ts";
import { notFound, readFailed, wrongDigest } from "./failures.ts";
import { type Bytes, unpack } from "./gzip.ts";
import { connecting, isGranted, type Permission, permitted, reading, writing } from "../core/permissions.ts";
import type { DatasetOptions } from "./options.ts";

/** A file as mirrors have it. */
export interface PublishedFile {
  /** Its name at the mirrors and in the cache. */
  readonly name: string;
  /** Other names under which it may lie in the cache. */
  readonly copies?: readonly string[];
  /** What it must have. */
  readonly digest: Digest;
}

/** A file's name or path and its bytes, unpacked. */
export interface FileBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A file's name or path and its bytes as they lie on the disk. */
export interface StoredFile {
  readonly file: string;
  readonly stored: Bytes;
}

/** A data set's name, and the addresses of folders that have its files. */
interface Publication {
  readonly name: string;
  readonly mirrors: readonly string[];
}

/** Permissions to connect to mirrors, for those that are addresses. */
function hostsOf(mirrors: readonly string[]): readonly Permission[] {
  return mirrors.map((mirror) => httpAddress(mirror)).filter((url) => url !== undefined).map(connecting);
}

/** The files of the cache, in their order, those that are not there or wrong downloaded first. */
export function fromCache(
  { name, mirrors: usual }: Publication,
  files: readonly PublishedFile[],
  options: DatasetOptions,
): TaskEither.TaskEither<DatasetError, readonly FileBytes[]> {
  const { mirrors = usual, download: mayDownload = true } = options;
  const toDownload = (folder?: string) => mayDownload ? [writing(folder), ...hostsOf(mirrors)] : [];
  const load = (folder: string) => (file: PublishedFile) =>
    pipe(
      cached(folder, file),
      TaskEither.orElse((error) =>
        mayDownload && isCurable(error) ? fetched(folder, file, { ...options, mirrors }) : TaskEither.left(error)
      ),
    );
  return pipe(
    TaskEither.fromEither(cacheFolder(name, [reading(), ...toDownload()])),
    TaskEither.tapEither((folder) =>
      permitted([reading(folder)], `read ${name} from the cache`, [reading(folder), ...toDownload(folder)])
    ),
    TaskEither.flatMap((folder) => TaskEither.traverseSeqArray(load(folder))(files)),
  );
}

/** A file of the cache, if it is there and right. */
function cached(folder: string, { name, copies = [], digest }: PublishedFile): TaskEither.TaskEither<DatasetError, FileBytes> {
  const remedy = "let it be downloaded, or give a folder that has the files";
  return pipe(
    // What we download must come before a damaged file of another name.
    readAny([name, ...copies].map((each) => join(folder, each))),
    TaskEither.mapLeft((error) => error.kind === "NotFound" ? notFound(folder, name, remedy) : error),
    TaskEither.flatMap((stored) => opened(stored, digest)),
  );
}

/** Whether a download puts right what is wrong with a file of the cache. */
function isCurable(error: DatasetError): boolean {
  return error.kind === "NotFound" || error.kind === "Gzip" || error.kind === "Digest";
}

/** A file of the cache after this process, or another while this one waited, has downloaded it. */
function fetched(
  folder: string,
  file: PublishedFile,
  { mirrors, onProgress, stallTimeout }: DatasetOptions & { readonly mirrors: readonly string[] },
): TaskEither.TaskEither<DatasetError, FileBytes> {
  const { name, digest } = file;
  const path = join(folder, name);
  const hosts = hostsOf(mirrors);
  // One permitted mirror is enough.
  const unreachable = hosts.some(isGranted) ? [] : hosts;
  const fromMirrors = download({
    urls: mirrors.map((mirror) => `${mirror.replace(/\/$/, "")}/${name}`),
    path,
    size: storedSize(digest),
    accept: (stored) => opened({ file: name, stored }, digest),
    onProgress,
    stallTimeout,
  });
  const task = pipe(
    cached(folder, file),
    TaskEither.orElse(() => pipe(fromMirrors, TaskEither.map(({ bytes }): FileBytes => ({ file: path, bytes })))),
  );
  return pipe(
    TaskEither.fromEither(permitted([writing(folder), ...unreachable], `download ${name}`)),
    TaskEither.flatMap(() => takingTurns(folder, task)),
  );
}

/** How many bytes a file with a digest has as it is stored. */
function storedSize({ of, bytes }: Digest): SizeRange {
  // What cannot be compressed grows by 5 bytes in every 16 KiB, and gzip has a header.
  return of === "packed" ? [bytes, bytes] : [0, Math.ceil(1.001 * bytes) + 1024];
}

/** The first of some files that is there; Left with `NotFound` if none is. */
export function readAny(paths: readonly string[]): TaskEither.TaskEither<DatasetError, StoredFile> {
  const [path, ...others] = paths;
  return pipe(
    TaskEither.tryCatch(
      () => Deno.readFile(path),
      (cause) => isAbsence(cause) ? notFound(path, "it", "it is not there") : readFailed(path, cause),
    ),
    TaskEither.map((stored): StoredFile => ({ file: path, stored })),
    TaskEither.orElse((error) => error.kind === "NotFound" && others.length > 0 ? readAny(others) : TaskEither.left(error)),
  );
}

/** Whether an error of the file system says that there is no such file. */
function isAbsence(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory;
}

/** A file unpacked, if it has its digest. Where that is of the packed bytes, others are not unpacked at all. */
function opened({ file, stored }: StoredFile, digest: Digest): TaskEither.TaskEither<DatasetError, FileBytes> {
  const checked = (bytes: Bytes) => checkDigest(file, bytes, digest);
  const bytes = digest.of === "packed"
    ? pipe(checked(stored), TaskEither.flatMap(() => unpack(stored, file, Infinity)))
    : pipe(unpack(stored, file, digest.bytes), TaskEither.chainFirst(checked));
  return pipe(bytes, TaskEither.map((bytes): FileBytes => ({ file, bytes })));
}

/** Right if bytes have a digest, else Left with what they have. */
function checkDigest(file: string, bytes: Bytes, digest: Digest): TaskEither.TaskEither<DatasetError, void> {
  return async () => {
    const actual = await hexDigest(digest.algorithm, bytes);
    return actual === digest.hex ? Either.right(undefined) : Either.left(wrongDigest(file, digest, actual));
  };
}

/** A file of the user's: it need not be a published one. */
export interface OwnFile extends FileBytes {
  /** Whether it is, to the byte. */
  readonly isPublished: boolean;
}

/** A file of the user's, unpacked. */
export function openedOwn({ file, stored }: StoredFile, digest: Digest): TaskEither.TaskEither<DatasetError, OwnFile> {
  return pipe(
    unpack(stored, file),
    TaskEither.flatMapTask((bytes) => async (): Promise<OwnFile> => {
      const actual = await hexDigest(digest.algorithm, digest.of === "packed" ? stored : bytes);
      return { file, bytes, isPublished: actual === digest.hex };
    }),
  );
}
