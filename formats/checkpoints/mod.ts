/**
 * Checkpoints: training that goes on where it was, byte for byte.
 *
 * @module
 */
export * from "./restore.ts";
export * from "./save.ts";
export type * from "./types.ts";
