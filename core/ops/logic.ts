/**
 * Logic and bits: of integers bit by bit, of bool as truth.
 *
 * @module
 */
import { computeType, type DType, isBool, maskType, tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import * as expr from "../ir/expr.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ofTwo } from "./arguments.ts";
import { cast } from "./cast.ts";
import { apply, elementwise, type ElementwiseOp, sameDType } from "./define.ts";

function bitwise(name: "and" | "or" | "xor" | "shl" | "shr"): ElementwiseOp {
  return elementwise({
    name,
    domain: "integer",
    dtype: (inputs: readonly DType[]) => {
      const dtype = sameDType(inputs);
      // A shifted byte would not stay one.
      const shifts = name === "shl" || name === "shr";
      if (tangentType(dtype) || shifts && dtype !== computeType(dtype)) {
        const needed = shifts ? "i32 or u32" : "integers or bool";
        throw new DTypeError(`Cannot ${name} tensors of type ${dtype}: it needs ${needed}`, { name, dtype });
      }
      return dtype;
    },
    partials: [undefined, undefined],
    lower: (x, y) => expr.binary(name, x, y),
  });
}

export const andOp: ElementwiseOp = bitwise("and");
/** Bitwise and of integers; logical of bool. */
export const bitwiseAnd: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(andOp, "bitwiseAnd");

export const orOp: ElementwiseOp = bitwise("or");
/** Bitwise or of integers; logical of bool. */
export const bitwiseOr: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(orOp, "bitwiseOr");

export const xorOp: ElementwiseOp = bitwise("xor");
/** Bitwise exclusive or of integers; logical of bool. */
export const bitwiseXor: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(xorOp, "bitwiseXor");

export const shlOp: ElementwiseOp = bitwise("shl");
/** x shifted left by y bits (modulo 32). */
export const shiftLeft: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(shlOp, "shiftLeft");

export const shrOp: ElementwiseOp = bitwise("shr");
/** x shifted right by y bits (modulo 32); the sign stays for i32. */
export const shiftRight: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(shrOp, "shiftRight");

/**
 * Whether both are true (not 0): bool.
 *
 * ```ts
 * import { logicalAnd, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logicalAnd(tensor([true, true]), tensor([true, false])))); // [true, false]
 * ```
 */
export function logicalAnd(x: TensorLike, y: TensorLike): Tensor {
  return bitwiseAnd(cast(x, maskType), cast(y, maskType));
}

/**
 * Whether either is true (not 0): bool.
 *
 * ```ts
 * import { logicalOr, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logicalOr(tensor([false, true]), tensor([false, false])))); // [false, true]
 * ```
 */
export function logicalOr(x: TensorLike, y: TensorLike): Tensor {
  return bitwiseOr(cast(x, maskType), cast(y, maskType));
}

export const notOp: ElementwiseOp = elementwise({
  name: "not",
  domain: "bool",
  dtype: ([x]) => {
    if (!isBool(x)) {
      throw new DTypeError(`Cannot apply not to a tensor of type ${x}: it needs bool, compare first`, { dtype: x });
    }
    return x;
  },
  partials: [undefined],
  lower: (x) => expr.unary("not", x),
});
/**
 * The opposite of each element; anything but 0 counts as true.
 *
 * ```ts
 * import { logicalNot, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(logicalNot(tensor([true, false])))); // [false, true]
 * ```
 */
export function logicalNot(x: TensorLike): Tensor {
  return apply(notOp, [cast(x, maskType)], undefined);
}
