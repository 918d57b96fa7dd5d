/**
 * Files of tensors: written for others to read, and read from others.
 *
 * What comes from outside may be anything: reading gives Left with an error that names file, tensor and broken rule.
 *
 * @module
 */
export * from "./errors.ts";
export * as safetensors from "./safetensors/mod.ts";
