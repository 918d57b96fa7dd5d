/**
 * Numbers and booleans where tensors are expected.
 *
 * @module
 */
import { checkHolds, defaultFloat, type DType, isInteger, maskType } from "../dtype.ts";
import { quoted } from "../quoted.ts";
import { refuseForeign, type Scalar, Tensor, type TensorLike } from "../tensor.ts";
import { ask, scalarOf, TracedNumber } from "../traced_number.ts";
import { constantOf } from "./constant.ts";

/** A tensor itself; a number as a scalar of type `dtype` (f32 unless given) that adapts to others; a boolean as bool. */
export function asTensor(x: TensorLike, dtype?: DType): Tensor {
  if (x instanceof Tensor) return x;
  if (x instanceof TracedNumber) return scalarOfTraced(x, dtype ?? defaultFloat, dtype === undefined);
  if (typeof x === "boolean") return constantOf(x ? 1 : 0, dtype ?? maskType);
  return constantOf(literal(x), dtype ?? defaultFloat, [], dtype === undefined);
}

/**
 * A traced number as a scalar. A `weak` one adapts to the type of the other operand.
 *
 * @throws {DTypeError} If the type is one of integers, and does not hold the number.
 */
export function scalarOfTraced(x: TracedNumber<Tensor>, dtype: DType, weak = false): Tensor {
  if (isInteger(dtype)) ask(x, `is ${dtype}`, (value) => checkHolds(dtype, value));
  return scalarOf(x, dtype, weak);
}

/** Whether something is a number, be it a traced one. */
export function isNumber(x: unknown): x is Scalar {
  return typeof x === "number" || x instanceof TracedNumber;
}

/** The value of a number or boolean, where a traced one is refused; programs without type checking may pass anything. */
export function literal(x: unknown): number {
  if (isNumber(x) || typeof x === "boolean") return Number(x);
  refuseForeign(x);
  throw new TypeError(`Cannot use ${quoted(x)} as a tensor: make one with tensor(...), or pass a number`);
}
