/**
 * PyTorch's files, read as data.
 *
 * @module
 */
export * from "./torch.ts";
export * from "./types.ts";
