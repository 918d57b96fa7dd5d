/**
 * Loading CIFAR-10: what `cifar10` does when its task is run, apart so that nothing of it is loaded before.
 *
 * @module
 */
import { basename, join } from "node:path";
import { Either, pipe, TaskEither, unpackTar } from "../deps.ts";
import { cifar10Classes, type Cifar10Source } from "./cifar10_source.ts";
import type { DatasetError, DatasetTask } from "./errors.ts";
import { reasonOf } from "../core/quoted.ts";
import { badFormat, notFound } from "./failures.ts";
import { unpack } from "./gzip.ts";
import type { DatasetOptions } from "./options.ts";
import { permitted, reading } from "../core/permissions.ts";
import { type FileBytes, fromCache, openedOwn, readAny } from "./published.ts";
import { imageBytes, type ImageDataset, type ImageSet, type ImageShape } from "./types.ts";

const cifarShape: ImageShape = [3, 32, 32];
const recordBytes = 1 + imageBytes(cifarShape);

const trainFiles = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const testFile = "test_batch.bin";
const namesFile = "batches.meta.txt";

/** The folder that the archive unpacks to. */
const unpackedFolder = "cifar-10-batches-bin";

/** Finds the bytes of a file by its name. */
type Members = (name: string) => TaskEither.TaskEither<DatasetError, FileBytes>;

/** See `cifar10`. */
export function loadCifar10(options: DatasetOptions, source: Cifar10Source): DatasetTask<ImageDataset> {
  if (options.folder !== undefined) return fromFolder(source, options.folder);
  return pipe(
    fromCache(source, [{ name: source.archive, digest: source.digest }], options),
    TaskEither.flatMap(([archive]) => unpacked(archive)),
    TaskEither.flatMap((members) => parse(members, source.name)),
  );
}

/** The files, or else the archive, of a folder of the user's. */
function fromFolder(source: Cifar10Source, folder: string): DatasetTask<ImageDataset> {
  const loose: Members = (name) =>
    pipe(
      readAny(["", unpackedFolder].map((below) => join(folder, below, name))),
      TaskEither.flatMap(({ file, stored }) => pipe(unpack(stored, file), TaskEither.map((bytes) => ({ file, bytes })))),
    );
  const archive = pipe(
    readAny([join(folder, source.archive)]),
    TaskEither.mapLeft((error) =>
      error.kind === "NotFound" ? notFound(folder, trainFiles[0], `put it and its like there, or ${source.archive}`) : error
    ),
    TaskEither.flatMap((stored) => openedOwn(stored, source.digest)),
    TaskEither.flatMap((opened) =>
      pipe(unpacked(opened), TaskEither.flatMap((members) => parse(members, opened.isPublished ? source.name : folder)))
    ),
  );
  return pipe(
    TaskEither.fromEither(permitted([reading(folder)], `read ${source.name} from ${folder}`)),
    TaskEither.flatMap(() => loose(trainFiles[0])),
    TaskEither.map(() => true),
    TaskEither.orElse((error) => error.kind === "NotFound" ? TaskEither.right(false) : TaskEither.left(error)),
    TaskEither.flatMap((isLoose) => isLoose ? parse(loose, folder) : archive),
  );
}

/** The files in an archive. */
function unpacked({ file, bytes }: FileBytes): TaskEither.TaskEither<DatasetError, Members> {
  const fail = (reason: string) => badFormat(file, "a tar archive", reason);
  return pipe(
    // Checksums are not asked for, which the oldest archives write otherwise: gzip has had its own.
    TaskEither.tryCatch(() => unpackTar(bytes), (cause) => fail(reasonOf(cause))),
    TaskEither.map((entries): Members => (name) => {
      const entry = entries.find(({ header }) => basename(header.name) === name);
      if (!entry?.data) return TaskEither.left(fail(`it has no file ${name}`));
      const { data, header: { size } } = entry;
      if (data.length < size) return TaskEither.left(fail(`it ends after ${data.length} of the ${size} bytes of ${name}`));
      return TaskEither.right({ file: `${file}/${name}`, bytes: data });
    }),
  );
}

/** The data set in its files. */
function parse(members: Members, name: string): TaskEither.TaskEither<DatasetError, ImageDataset> {
  return pipe(
    TaskEither.Do,
    TaskEither.bindW(
      "train",
      () => pipe(TaskEither.traverseSeqArray(members)(trainFiles), TaskEither.flatMapEither(parseRecords)),
    ),
    TaskEither.bindW("test", () => pipe(members(testFile), TaskEither.flatMapEither((file) => parseRecords([file])))),
    TaskEither.bindW("classNames", () =>
      pipe(
        members(namesFile),
        TaskEither.flatMapEither(parseNames),
        // Copies of the records may lie in a folder without it.
        TaskEither.orElse((error) => error.kind === "NotFound" ? TaskEither.right(cifar10Classes) : TaskEither.left(error)),
      )),
    TaskEither.map(({ train, test, classNames }) => ({ name, classNames, train, test })),
  );
}

/** The images in files of records, one file after the other. */
function parseRecords(files: readonly FileBytes[]): Either.Either<DatasetError, ImageSet> {
  const fail = (file: string, reason: string) => Either.left(badFormat(file, "CIFAR-10 records", reason));
  const ragged = files.find(({ bytes }) => bytes.length % recordBytes !== 0);
  if (ragged) return fail(ragged.file, `its ${ragged.bytes.length} bytes are not whole records of ${recordBytes}`);
  const count = files.reduce((total, { bytes }) => total + bytes.length / recordBytes, 0);
  const images = new Uint8Array(count * (recordBytes - 1));
  const labels = new Uint8Array(count);
  let at = 0;
  for (const { file, bytes } of files) {
    for (let record = 0; record < bytes.length; record += recordBytes, at++) {
      const label = bytes[record];
      if (label >= cifar10Classes.length) return fail(file, `label ${label} of record ${record / recordBytes} is above 9`);
      labels[at] = label;
      images.set(bytes.subarray(record + 1, record + recordBytes), at * (recordBytes - 1));
    }
  }
  return Either.right({ images, labels, count, shape: cifarShape, classes: cifar10Classes.length });
}

/** The names of the classes, one in each line. */
function parseNames({ file, bytes }: FileBytes): Either.Either<DatasetError, readonly string[]> {
  const names = new TextDecoder().decode(bytes).split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (names.length === cifar10Classes.length) return Either.right(names);
  return Either.left(badFormat(file, "a list of classes", `it names ${names.length}, not ${cifar10Classes.length}`));
}
