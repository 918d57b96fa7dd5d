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
import { permitted, reading } from "../core/permissions.ts";
import { type FileBytes, fromCache, openedOwn, type PublishedFile, readAny } from "./published.ts";
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
  const load = ({ name, digest }: IdxFile) =>
    pipe(
      readAny(subfolders.flatMap((subfolder) => namesOf(name).map((each) => join(folder, subfolder, each)))),
      TaskEither.mapLeft((error) =>
        error.kind === "NotFound" ? notFound(folder, name, `put ${name} or ${name}.gz there`) : error
      ),
      TaskEither.flatMap((stored) => openedOwn(stored, digest)),
    );
  return pipe(
    TaskEither.fromEither(permitted([reading(folder)], `read ${source.name} from ${folder}`)),
    TaskEither.flatMap(() => TaskEither.traverseSeqArray(load)(source.files)),
    TaskEither.flatMapEither((files) =>
      // Others than the published ones are named after their folder.
      parse(source, files, files.every(({ isPublished }) => isPublished) ? source.name : folder)
    ),
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
