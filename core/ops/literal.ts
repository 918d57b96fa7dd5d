/**
 * Numbers and booleans where tensors are expected.
 *
 * @module
 */
import { defaultFloat, type DType, maskType } from "../dtype.ts";
import { refuseForeign, Tensor, type TensorLike } from "../tensor.ts";
import { constantOf } from "./constant.ts";

/** A tensor itself; a number as a scalar of type `dtype` (f32 unless given) that adapts to others; a boolean as bool. */
export function asTensor(x: TensorLike, dtype?: DType): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x === "boolean") return constantOf(x ? 1 : 0, dtype ?? maskType);
  return constantOf(literal(x), dtype ?? defaultFloat, [], dtype === undefined);
}

/** The value of a number or boolean; programs without type checking may pass anything. */
export function literal(x: unknown): number {
  if (typeof x === "number" || typeof x === "boolean") return Number(x);
  refuseForeign(x);
  throw new TypeError(`Cannot use ${describe(x)} as a tensor: make one with tensor(...), or pass a number`);
}

function describe(x: unknown): string {
  if (typeof x === "bigint") return `${x}n`;
  if (Array.isArray(x)) return "an array";
  if (x === null || typeof x !== "object") return String(x);
  return `a ${x.constructor?.name ?? "value"}`;
}
