/**
 * PyTorch's files, read as data.
 *
 * @module
 */
export * from "./torch.ts";
export type * from "./types.ts";
