/**
 * Data sets published as four IDX files (images and labels, to train and to test): read from a folder, or from the cache, or
 * downloaded into the cache.
 *
 * @module
 */
import { join } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import type { Digest } from "./digest.ts";
import type { DatasetError, DatasetTask } from "./errors.ts";
import { notFound } from "./failures.ts";
import { parseImageSet } from "./idx.ts";
import { permitted, reading } from "./permissions.ts";
import { checkDigest, type FileBytes, fromCache, type PublishedFile, readAny, type StoredFile } from "./published.ts";
import type { DatasetOptions } from "./options.ts";
import type { ImageDataset, ImageShape } from "./types.ts";
import { numberedClasses } from "./numbered_classes.ts";

/** A published file. */
export interface IdxFile {
  /** Its name without `.gz`. */
  readonly name: string;
  /** The digest it must have. */
  readonly digest: Digest;
}

/** A published data set. */
export interface IdxSource {
  /** What it is called, in the cache too. */
  readonly name: string;
  /** The shape of an image; an IDX file has one channel. */
  readonly shape: ImageShape;
  /** How many classes there are. */
  readonly classes: number;
  /** What they are called. Default their numbers. */
  readonly classNames?: readonly string[];
  /** Addresses of folders that have the files, each packed and named with `.gz`. */
  readonly mirrors: readonly string[];
  /** Images to train, their labels, images to test, their labels. */
  readonly files: readonly [trainImages: IdxFile, trainLabels: IdxFile, testImages: IdxFile, testLabels: IdxFile];
}

/** Where a folder may have the files: itself, or as torchvision lays them. */
const subfolders = ["", "raw", "MNIST/raw", "FashionMNIST/raw"];

/**
 * A data set from a folder, the cache or a mirror. See `mnist` for what can go wrong.
 *
 * Files from the cache or a mirror are the published ones to the byte; a file of the cache that is not is downloaded again.
 *
 * ```ts
 * import { datasets } from "../mod.ts";
 * const loaded = await datasets.idxDataset(datasets.mnistSource, { folder: "no such folder" })();
 * if (loaded._tag === "Left") console.log(loaded.left.kind); // NotFound
 * ```
 */
export function idxDataset(source: IdxSource, options: DatasetOptions = {}): DatasetTask<ImageDataset> {
  if (options.folder !== undefined) return fromFolder(source, options.folder);
  return pipe(
    fromCache(source, source.files.map(published), options),
    TaskEither.flatMapEither((files) => parse(source, files, source.name)),
  );
}

/** The files of a folder of the user's. */
function fromFolder(source: IdxSource, folder: string): DatasetTask<ImageDataset> {
  const load = ({ name }: IdxFile) =>
    pipe(
      readAny(subfolders.flatMap((subfolder) => namesOf(name).map((each) => join(folder, subfolder, each)))),
      TaskEither.mapLeft((error) =>
        error.kind === "NotFound" ? notFound(folder, name, `put ${name} or ${name}.gz there`) : error
      ),
    );
  return pipe(
    TaskEither.fromEither(permitted([reading(folder)], `read ${source.name} from ${folder}`)),
    TaskEither.flatMap(() => TaskEither.traverseSeqArray(load)(source.files)),
    TaskEither.flatMap((files) =>
      pipe(
        TaskEither.fromTask(nameOf(source, files, folder)),
        TaskEither.flatMapEither((name) => parse(source, files, name)),
      )
    ),
  );
}

/** The source's name for files that are the published ones to the byte; others are named after their folder. */
function nameOf(source: IdxSource, files: readonly StoredFile[], folder: string): () => Promise<string> {
  return pipe(
    TaskEither.sequenceArray(files.map((file, i) => checkDigest(file, source.files[i].digest))),
    TaskEither.match(() => folder, () => source.name),
  );
}

/** The names a file goes by: as published, packed, and as some copies have it. */
function namesOf(name: string): readonly [name: string, packed: string, copy: string] {
  return [name, `${name}.gz`, name.replace("-idx", ".idx")];
}

/** A file in the cache: packed, as downloaded. */
function published({ name: plain, digest }: IdxFile): PublishedFile {
  const [name, packed, copy] = namesOf(plain);
  return { name: packed, copies: [name, copy], digest };
}

/** The data set in four files, in the order of a source. */
function parse(
  { shape, classes, classNames = numberedClasses(classes) }: IdxSource,
  files: readonly FileBytes[],
  name: string,
): Either.Either<DatasetError, ImageDataset> {
  const [trainImages, trainLabels, testImages, testLabels] = files;
  return pipe(
    Either.Do,
    Either.bindW("train", () => parseImageSet(trainImages, trainLabels, shape, classes)),
    Either.bindW("test", () => parseImageSet(testImages, testLabels, shape, classes)),
    Either.map(({ train, test }) => ({ name, classNames, train, test })),
  );
}
