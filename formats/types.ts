/**
 * What the formats have in common.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** Options of functions that read bytes. */
export interface DecodeOptions {
  /** What to call the bytes in errors. Default "the bytes". */
  readonly file?: string;
}
