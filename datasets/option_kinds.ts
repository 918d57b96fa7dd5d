/**
 * Kinds of arguments of data sets.
 *
 * @module
 */
import { type Kind, kindOf, numbers } from "../core/kinds.ts";
import { needed, optionTable } from "../core/options.ts";

const parts = ["images", "labels", "count", "shape", "classes"] as const;

/** Arrays with examples. */
export const anArraySet: Kind<object> = kindOf(
  "a set of arrays, as arrays(fields) makes one",
  (value) => typeof value === "object" && value !== null && "arrays" in value && "shapes" in value && "count" in value,
);

/** Images, or arrays. */
export const aSet: Kind<object> = kindOf(
  "a set of images or of arrays",
  (value) => anArraySet.holds(value) || anImageSet.holds(value),
);

/** Images in files. */
export const anImageFolder: Kind<object> = kindOf(
  "an image folder, as imageFolder(folder, options) gives one",
  (value) => typeof value === "object" && value !== null && "paths" in value && "framing" in value,
);

/** Images, in memory or in files, or arrays. */
export const aDividableSet: Kind<object> = kindOf(
  "a set of images or of arrays, or an image folder",
  (value) => aSet.holds(value) || anImageFolder.holds(value),
);

/** Images with labels. */
export const anImageSet: Kind<object> = kindOf(
  `a set of images, { ${parts.join(", ")} }`,
  (value) => typeof value === "object" && value !== null && parts.every((part) => part in value),
);

interface MeanAndStd {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** Of the transform `normalize`, and of a loader that does the same. */
export const normalizeOptions = optionTable<MeanAndStd>({ mean: needed(numbers), std: needed(numbers) });
