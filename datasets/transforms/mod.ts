/**
 * Transforms of images: to fractions, normalised, cropped, mirrored, turned, erased, of other colours or size; one after the other.
 *
 * Random ones take a key, and draw for each image of the batch separately: see `transform.ts`.
 *
 * @module
 */
export * from "./color.ts";
export * from "./erasing.ts";
export * from "./geometry.ts";
export * from "./resize.ts";
export * from "./resized_crop.ts";
export type * from "./modes.ts";
export * from "./transform.ts";
export * from "./values.ts";
