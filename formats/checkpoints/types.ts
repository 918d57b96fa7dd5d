/**
 * What checkpoints are.
 *
 * @module
 */

/** Options of `save`. */
export interface SaveOptions {
  /** How many of the newest checkpoints stay in the folder, this one among them. Default all. */
  readonly keep?: number;
  /** How good this one is: beside the newest ones the best one stays. */
  readonly metric?: number;
  /** Whether the best metric is the largest or the smallest. Default "max". */
  readonly best?: "max" | "min";
}

/** Options of `restore`. */
export interface RestoreOptions {
  /** Which one. Default the newest that is whole. */
  readonly step?: number;
}

/** A checkpoint in a folder. */
export interface Checkpoint {
  /** The step it was saved at. */
  readonly step: number;
  /** How good it is, if that was said. */
  readonly metric?: number;
}

/** What was restored. */
export interface Restored<T> extends Checkpoint {
  /** The tree, in the form of the one it was restored like. */
  readonly tree: T;
  /** Newer checkpoints that could not be read, and why: a damaged file. */
  readonly skipped: readonly { readonly step: number; readonly reason: string }[];
}
