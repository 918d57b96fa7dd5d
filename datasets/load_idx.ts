/**
 * Loading data sets of four IDX files: what `idxDataset` does when its task is run, apart so that nothing of it is loaded before.
 *
 * @module
 */
import { join } from "node:path";
import { Either, pipe, TaskEither } from "../deps.ts";
import type { DatasetError, DatasetTask } from "./errors.ts";
import { notFound } from "./failures.ts";
import { parseImageSet } from "./idx.ts";
import type { IdxFile, IdxSource } from "./idx_source.ts";
import { numberedClasses } from "./numbered_classes.ts";
import type { DatasetOptions } from "./options.ts";
import { permitted, reading } from "./permissions.ts";
import { checkDigest, type FileBytes, fromCache, type PublishedFile, readAny, type StoredFile } from "./published.ts";
import type { ImageDataset } from "./types.ts";

/** Where a folder may have the files: itself, or as torchvision lays them. */
const subfolders = ["", "raw", "MNIST/raw", "FashionMNIST/raw"];

/** See `idxDataset`. */
export function loadIdx(source: IdxSource, options: DatasetOptions): DatasetTask<ImageDataset> {
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
