/**
 * Constants: tensors that hold one number everywhere, and take no memory.
 *
 * @module
 */
import { argument, tensors } from "../kinds.ts";
import { checkHolds, type DType, roundTo, tangentType } from "../dtype.ts";
import type { Candidate, Node } from "../ir/operation.ts";
import type { Shape } from "../shape.ts";
import { type Op, Pending, Tensor } from "../tensor.ts";
import { apply, noJvp, noVjp } from "./define.ts";

interface FullAttrs {
  readonly value: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

export const fullOp: Op<FullAttrs> = {
  name: "full",
  shape: (_, { shape }) => shape,
  dtype: (_, { dtype }) => dtype,
  vjp: noVjp,
  jvp: noJvp,
  vmap: (_inputs, _batched, attrs) => apply(fullOp, [], attrs),
  lower: { kind: "constant", value: ({ value }) => value },
};

/**
 * A constant. A `weak` one adapts to the type of the other operand.
 *
 * @throws {DTypeError} If the type is one of integers, and does not hold the number.
 */
export function constantOf(value: number, dtype: DType, shape: Shape = [], weak = false): Tensor {
  const held = roundTo(dtype, value);
  if (held !== value) checkHolds(dtype, value);
  return new Tensor(
    Object.isFrozen(shape) ? shape : Object.freeze(shape.slice()),
    dtype,
    new Pending(fullOp as Op, [], { value: held, shape, dtype }),
    weak,
  );
}

/**
 * Zeros of the shape and type of another tensor.
 *
 * ```ts
 * import { tensor, toArray, zerosLike } from "../../mod.ts";
 * console.log(await toArray(zerosLike(tensor([5, 6])))); // [0, 0]
 * ```
 */
export function zerosLike(x: Tensor): Tensor {
  argument(x, tensors, "x", "zerosLike");
  return constantOf(0, x.dtype, x.shape);
}

/**
 * Ones of the shape and type of another tensor.
 *
 * ```ts
 * import { onesLike, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(onesLike(tensor([5, 6])))); // [1, 1]
 * ```
 */
export function onesLike(x: Tensor): Tensor {
  argument(x, tensors, "x", "onesLike");
  return constantOf(1, x.dtype, x.shape);
}

/** Whether a leaf of a tree is a tensor by which there are derivatives. */
export function hasTangent(leaf: unknown): boolean {
  return leaf instanceof Tensor && tangentType(leaf.dtype) !== undefined;
}

/** A derivative by `x` that is zero: of the type that derivatives by it have. */
export function zeroTangent(x: Tensor): Tensor {
  return constantOf(0, tangentType(x.dtype) ?? x.dtype, x.shape);
}

/** For rules of algebra: a constant that replaces a node. */
export function constantNode<A>({ make, shape, dtype }: Candidate<Tensor, A>, value: number): Node<Tensor> {
  return make(fullOp, [], { value: roundTo(dtype, value), shape, dtype });
}
