/**
 * The safetensors format: tensors by name, safe to open, read in parts.
 *
 * @see https://github.com/huggingface/safetensors
 * @module
 */
export * from "./bytes.ts";
export * from "./file.ts";
export * from "./load.ts";
export type * from "./types.ts";
