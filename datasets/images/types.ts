/**
 * A folder of images as a set: which files, their classes, and how each becomes an image of one size.
 *
 * @module
 */
import type { ImageShape } from "../types.ts";

/** Which part of an image is cut out at random; the defaults are torchvision's. */
export interface RandomBoxOptions {
  /** The share of the image's area, between two numbers of at least 0. Default [0.08, 1]. */
  readonly scale?: readonly [number, number];
  /** Width by height, between two numbers above 0, uniform in its logarithm. Default [3 / 4, 4 / 3]. */
  readonly ratio?: readonly [number, number];
}

/**
 * How images of any size become images of one size.
 *
 * - "centerCrop": the image is resized, in its proportion, and the middle is cut out. Its shorter side becomes `resize` pixels, which must be
 *   no fewer than the size asked for; by default the image becomes just large enough.
 * - "randomResizedCrop": a part, drawn by the example's key, is cut out and resized.
 * - "stretch": all of the image is resized, its proportion lost.
 */
export type Framing =
  | { readonly kind: "centerCrop"; readonly resize?: number }
  | ({ readonly kind: "randomResizedCrop" } & RandomBoxOptions)
  | { readonly kind: "stretch" };

/** Images in files, decoded when a loader asks for them. */
export interface ImageFolder {
  /** The folder. */
  readonly folder: string;
  /** The files, from the folder on, with "/" between names, sorted. */
  readonly paths: readonly string[];
  /** The class of each file, an integer from 0 to `classes - 1`. */
  readonly labels: Int32Array;
  /** How many images there are. */
  readonly count: number;
  /** The shape that every image becomes. */
  readonly shape: ImageShape;
  /** How many classes there are. */
  readonly classes: number;
  /** What the classes are called, in the order of their labels. */
  readonly classNames: readonly string[];
  /** How images become that shape. */
  readonly framing: Framing;
  /** What is done about images that cannot be decoded. */
  readonly damaged: "refuse" | "skip";
}
