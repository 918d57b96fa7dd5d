/**
 * What files of PyTorch hold.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";

/** A value of a file: dicts are records (numbers as keys become text), lists and tuples are lists, None is null. */
export type TorchValue =
  | Tensor
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly TorchValue[]
  | { readonly [key: string]: TorchValue };
