/**
 * What is said of safetensors files.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";

/** The name of an element type. */
export type ElementName =
  | "BOOL"
  | "F4"
  | "F6_E2M3"
  | "F6_E3M2"
  | "U8"
  | "I8"
  | "F8_E5M2"
  | "F8_E4M3"
  | "F8_E8M0"
  | "F8_E4M3FNUZ"
  | "F8_E5M2FNUZ"
  | "I16"
  | "U16"
  | "F16"
  | "BF16"
  | "I32"
  | "U32"
  | "F32"
  | "C64"
  | "F64"
  | "I64"
  | "U64";

/** What a file says of a tensor. */
export interface Entry {
  /** The type of the elements. */
  readonly type: ElementName;
  /** The shape. */
  readonly shape: readonly number[];
  /** Where the elements begin and end, in bytes from the end of the header. */
  readonly offsets: readonly [begin: number, end: number];
}

/** What a safetensors file holds. */
export interface Contents {
  /** The tensors by name. */
  readonly tensors: Record<string, Tensor>;
  /** The texts beside them. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Options of `encode` and `save`. */
export interface WriteOptions {
  /** Texts that the file keeps beside the tensors. Default none. */
  readonly metadata?: Readonly<Record<string, string>>;
}
