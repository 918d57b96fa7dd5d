/**
 * Running sums along an axis.
 *
 * @module
 */
import { sizeOf } from "../../shape.ts";
import { type Access, type KernelBase, type KernelKind, strided } from "./base.ts";

/**
 * The sum of the elements up to each one, along axis 1 of a domain of two or three axes; f32, f64, i32 or u32. Integers wrap. Sums of
 * floats are more accurate than those that are rounded element by element.
 */
export interface CumsumKernel extends KernelBase {
  readonly kind: "cumsum";
  /** Whether sums run from the last element to the first. */
  readonly reverse: boolean;
  /** Strides over `shape`. */
  readonly operands: readonly [source: Access];
}

export const cumsumKind: KernelKind<CumsumKernel> = {
  operands: ({ shape }) => [strided(shape)],
  reduced: () => [],
  flops: ({ shape }) => sizeOf(shape),
  results: (_, [source]) => [source],
  details: ({ reverse }) => reverse ? " backwards" : "",
};
