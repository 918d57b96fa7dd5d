/**
 * Files of tensors: written for others to read, and read from others.
 *
 * What comes from outside may be anything: reading gives Left with an error that names file, tensor and broken rule.
 *
 * @module
 */
export type * from "./errors.ts";
export type * from "./types.ts";
export * as npy from "./numpy/npy.ts";
export * as npz from "./numpy/npz.ts";
export * as safetensors from "./safetensors/mod.ts";
export * as torch from "./torch/mod.ts";
