/**
 * What is done with a folder of images as a set: told from others, and cut into parts.
 *
 * @module
 */
import { anImageFolder } from "../option_kinds.ts";
import type { ImageFolder } from "./types.ts";

/** Whether a set is a folder of images. */
export function isImageFolder(set: object): set is ImageFolder {
  return anImageFolder.holds(set);
}

/** The files at some indices, which are in the set. */
export function filesAt(set: ImageFolder, indices: ArrayLike<number>): ImageFolder {
  const paths = Array.from(indices, (from) => set.paths[from]);
  return { ...set, paths, labels: Int32Array.from(indices, (from) => set.labels[from]), count: paths.length };
}
