/**
 * Data sets published as four IDX files (images and labels, to train and to test): read from a folder, or from the cache, or
 * downloaded into the cache.
 *
 * @module
 */
import { join } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import { cacheFolder, takingTurns } from "./cache.ts";
import { download, type Progress } from "./download.ts";
import { type DatasetError, type DatasetTask, notFound, readFailed, wrongDigest } from "./errors.ts";
import { type Bytes, sha256, unpack } from "./gzip.ts";
import { type FileBytes, parseImageSet } from "./idx.ts";
import { connecting, isGranted, type Permission, permitted, reading, writing } from "./permissions.ts";
import type { ImageDataset, ImageShape } from "./types.ts";

/** A published file. */
export interface IdxFile {
  /** Its name without `.gz`. */
  readonly name: string;
  /** The SHA-256 of its unpacked bytes, in 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** A published data set. */
export interface IdxSource {
  /** What it is called, in the cache too. */
  readonly name: string;
  /** The shape of an image; an IDX file has one channel. */
  readonly shape: ImageShape;
  /** How many classes there are. */
  readonly classes: number;
  /** Addresses of folders that have the files, each packed and named with `.gz`. */
  readonly mirrors: readonly string[];
  /** Images to train, their labels, images to test, their labels. */
  readonly files: readonly [trainImages: IdxFile, trainLabels: IdxFile, testImages: IdxFile, testLabels: IdxFile];
}

/** Where to get a data set from. */
export interface IdxDatasetOptions {
  /**
   * Read the files from this folder (or its `raw` or `MNIST/raw`, as torchvision lays them), packed or not, and download nothing.
   * They may be other files than the published, if they are of the same form.
   */
  readonly folder?: string;
  /** Whether to download what is not in the cache. Default true. */
  readonly download?: boolean;
  /** Is told how far the download of each file has come. */
  readonly onProgress?: (progress: Progress) => void;
  /** Addresses of folders that have the files, instead of the usual. */
  readonly mirrors?: readonly string[];
  /** Milliseconds without a byte after which a mirror is given up, at least 1. Default 30,000. */
  readonly stallTimeout?: number;
}

/** A file's path and its bytes, unpacked. */
interface LoadedFile extends FileBytes {
  readonly bytes: Bytes;
}

/**
 * A data set from a folder, the cache or a mirror. See `mnist` for what can go wrong.
 *
 * Files from the cache or a mirror are the published ones to the byte; a file of the cache that is not is downloaded again.
 */
export function idxDataset(source: IdxSource, options: IdxDatasetOptions = {}): DatasetTask<ImageDataset> {
  return options.folder === undefined ? fromCache(source, options) : fromFolder(source, options.folder);
}

/** The files of a folder of the user's. */
function fromFolder(source: IdxSource, folder: string): DatasetTask<ImageDataset> {
  const load = (file: IdxFile) =>
    pipe(
      readAny(["", "raw", "MNIST/raw"].flatMap((below) => namesOf(file).map((name) => join(folder, below, name)))),
      TaskEither.mapLeft((error) =>
        error.kind === "NotFound" ? notFound(folder, file.name, `put ${file.name} or ${file.name}.gz there`) : error
      ),
    );
  return pipe(
    TaskEither.fromEither(permitted([reading(folder)], `read ${source.name} from ${folder}`)),
    TaskEither.flatMap(() => TaskEither.traverseSeqArray(load)(source.files)),
    TaskEither.flatMap((files) =>
      pipe(
        TaskEither.fromTask(() => arePublished(source, files)),
        TaskEither.flatMapEither((published) => parse(source, files, published ? source.name : folder)),
      )
    ),
  );
}

/** Whether files are the published ones to the byte. */
async function arePublished(source: IdxSource, files: readonly LoadedFile[]): Promise<boolean> {
  const digests = await Promise.all(files.map(({ bytes }) => sha256(bytes)));
  return digests.every((digest, i) => digest === source.files[i].sha256);
}

/** The files of the cache, those that are not there downloaded first. */
function fromCache(source: IdxSource, options: IdxDatasetOptions): DatasetTask<ImageDataset> {
  const { mirrors = source.mirrors, download: mayDownload = true } = options;
  const toDownload = (folder?: string) => mayDownload ? [writing(folder), ...hostsOf(mirrors)] : [];
  const load = (folder: string) => (file: IdxFile) =>
    pipe(
      cached(folder, file),
      TaskEither.orElse((error) =>
        mayDownload && isCurable(error) ? fetched(folder, file, { ...options, mirrors }) : TaskEither.left(error)
      ),
    );
  return pipe(
    TaskEither.fromEither(cacheFolder(source.name, [reading(), ...toDownload()])),
    TaskEither.chainFirstEitherK((folder) =>
      permitted([reading(folder)], `read ${source.name} from the cache`, [reading(folder), ...toDownload(folder)])
    ),
    TaskEither.flatMap((folder) => TaskEither.traverseSeqArray(load(folder))(source.files)),
    TaskEither.flatMapEither((files) => parse(source, files, source.name)),
  );
}

/** Permissions to connect to mirrors, for those that are addresses. */
function hostsOf(mirrors: readonly string[]): readonly Permission[] {
  return mirrors.map((mirror) => URL.parse(mirror)).filter((url) => url !== null).map(connecting);
}

/** A file of the cache, if it is there and right. */
function cached(folder: string, file: IdxFile): TaskEither.TaskEither<DatasetError, LoadedFile> {
  const [name, packed, ...others] = namesOf(file);
  const remedy = "let it be downloaded, or give a folder that has the files";
  return pipe(
    // Packed first: what we download must come before a damaged file of another name.
    readAny([packed, name, ...others].map((name) => join(folder, name))),
    TaskEither.mapLeft((error) => error.kind === "NotFound" ? notFound(folder, packed, remedy) : error),
    TaskEither.chainFirst(({ file: path, bytes }) => checkDigest(bytes, file.sha256, path)),
  );
}

/** Whether a download puts right what is wrong with a file of the cache. */
function isCurable(error: DatasetError): boolean {
  return error.kind === "NotFound" || error.kind === "Gzip" || error.kind === "Digest";
}

/** A file of the cache after this process, or another while this one waited, has downloaded it. */
function fetched(
  folder: string,
  file: IdxFile,
  { mirrors, onProgress, stallTimeout }: IdxDatasetOptions & { readonly mirrors: readonly string[] },
): TaskEither.TaskEither<DatasetError, LoadedFile> {
  const name = `${file.name}.gz`;
  const path = join(folder, name);
  const hosts = hostsOf(mirrors);
  // One mirror that may be asked is enough.
  const unreachable = hosts.some(isGranted) ? [] : hosts;
  const fromMirrors = download({
    urls: mirrors.map((mirror) => `${mirror.replace(/\/$/, "")}/${name}`),
    path,
    accept: (bytes) => pipe(unpack(bytes, name), TaskEither.chainFirst((unpacked) => checkDigest(unpacked, file.sha256, name))),
    onProgress,
    stallTimeout,
  });
  const task = pipe(
    cached(folder, file),
    TaskEither.orElse(() => pipe(fromMirrors, TaskEither.map((bytes): LoadedFile => ({ file: path, bytes })))),
  );
  return pipe(
    TaskEither.fromEither(permitted([writing(folder), ...unreachable], `download ${name}`)),
    TaskEither.flatMap(() => takingTurns(folder, task)),
  );
}

/** The names a file goes by: as published, packed, and as some copies have it. */
function namesOf({ name }: IdxFile): readonly [name: string, packed: string, copy: string] {
  return [name, `${name}.gz`, name.replace("-idx", ".idx")];
}

/** The bytes, unpacked, of the first of some files that is there. */
function readAny(paths: readonly string[]): TaskEither.TaskEither<DatasetError, LoadedFile> {
  const [path, ...others] = paths;
  return pipe(
    TaskEither.tryCatch(
      () => Deno.readFile(path),
      (cause) => isAbsence(cause) ? notFound(path, "it", "it is not there") : readFailed(path, cause),
    ),
    TaskEither.flatMap((bytes) => unpack(bytes, path)),
    TaskEither.map((bytes) => ({ file: path, bytes })),
    TaskEither.orElse((error) => error.kind === "NotFound" && others.length > 0 ? readAny(others) : TaskEither.left(error)),
  );
}

/** Whether an error of the file system says that there is no such file. */
function isAbsence(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory;
}

/** Right if bytes have a digest. */
function checkDigest(bytes: Bytes, expected: string, file: string): TaskEither.TaskEither<DatasetError, void> {
  return async () => {
    const actual = await sha256(bytes);
    return actual === expected ? Either.right(undefined) : Either.left(wrongDigest(file, expected, actual));
  };
}

/** The data set in four files, in the order of a source. */
function parse(
  { shape, classes }: IdxSource,
  files: readonly LoadedFile[],
  name: string,
): Either.Either<DatasetError, ImageDataset> {
  const [trainImages, trainLabels, testImages, testLabels] = files;
  return pipe(
    Either.Do,
    Either.bindW("train", () => parseImageSet(trainImages, trainLabels, shape, classes)),
    Either.bindW("test", () => parseImageSet(testImages, testLabels, shape, classes)),
    Either.map(({ train, test }) => ({ name, train, test })),
  );
}
