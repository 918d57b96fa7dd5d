/**
 * Batches of an image folder.
 *
 * @module
 */
import type { Batch } from "../batches.ts";

/** Some images of a folder. Those that were skipped are left out everywhere else, so that there may be fewer than were asked for. */
export interface FolderBatch extends Batch {
  /** The damaged images that should have been in this batch. */
  readonly skipped: readonly SkippedImage[];
}

/** A file that could not be decoded, and why. */
export interface SkippedImage {
  /** The file, from the folder on. */
  readonly path: string;
  /** What is wrong with it. */
  readonly reason: string;
}
