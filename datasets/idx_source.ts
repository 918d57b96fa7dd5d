/**
 * Where data sets of four IDX files are published.
 *
 * @module
 */
import type { Digest } from "./digest.ts";
import type { ImageShape } from "./types.ts";

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
