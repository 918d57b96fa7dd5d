/**
 * The floats that are for storage: what holds for one of them is checked of all.
 *
 * @module
 */
import { type DType, dtypes, floatFormat, isStorage } from "../../core/dtype.ts";

/** Floats that are kept, and computed with in a wider type. */
export const storageFloats: readonly DType[] = dtypes.filter((dtype) => isStorage(dtype) && floatFormat(dtype));

/** From 1 to the next number. */
export function precision(dtype: DType): number {
  return 2 ** -floatFormat(dtype)!.fractionBits;
}

/** The largest number before infinity. */
export function largest(dtype: DType): number {
  return (2 - precision(dtype)) * 2 ** (2 ** (floatFormat(dtype)!.exponentBits - 1) - 1);
}
