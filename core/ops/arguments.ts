/**
 * How the arguments of operations are aligned: numbers become tensors, types are promoted, shapes are broadcast.
 *
 * A JavaScript number adapts to the type of the other operand, as a literal does; one with a fraction makes integers floating.
 *
 * @module
 */
import { computeType, defaultFloat, type DType, holds, isFloat, maskType, promote, tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { broadcastShapes, sameShape, type Shape } from "../shape.ts";
import { Tensor, type TensorLike } from "../tensor.ts";
import { ask, TracedNumber } from "../traced_number.ts";
import { isNumber, literal, scalarOfTraced } from "./literal.ts";
import { cast } from "./cast.ts";
import { constantOf } from "./constant.ts";
import { apply, type ElementwiseOp } from "./define.ts";
import { broadcastToKnown } from "./sum.ts";

/**
 * The common type of a literal and a tensor of type `other`.
 *
 * @throws {DTypeError} If the literal is whole and the tensor's integers cannot hold it: it would become another number.
 */
function literalType(x: TensorLike, other: DType): DType {
  if (typeof x === "boolean") return promote(maskType, other);
  if (tangentType(other)) return other;
  return x instanceof Tensor ? defaultFloat : ask(x, `type beside ${other}`, (value) => typeBeside(other, value));
}

function typeBeside(other: DType, x: number): DType {
  if (!Number.isInteger(x)) return defaultFloat;
  const type = computeType(other);
  if (!holds(type, x)) {
    throw new DTypeError(`Cannot combine a tensor of type ${other} with ${x}: ${type} does not hold it, cast the tensor first`, {
      dtype: other,
      value: x,
    });
  }
  return type;
}

function isWeak(x: TensorLike): boolean {
  return x instanceof Tensor ? x.weak : isNumber(x);
}

/** The common type of some arguments. */
export function commonType(xs: readonly TensorLike[]): DType {
  const strong = strongType(xs);
  if (strong === undefined) return defaultFloat;
  let type = strong;
  for (let i = 0; i < xs.length; i++) if (isWeak(xs[i])) type = promote(type, literalType(xs[i], strong));
  return type;
}

/** The common type of the arguments that do not adapt to others; undefined if all do. */
function strongType(xs: readonly TensorLike[]): DType | undefined {
  let type: DType | undefined;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i];
    if (isWeak(x)) continue;
    const own = x instanceof Tensor ? x.dtype : maskType;
    type = type === undefined ? own : promote(type, own);
  }
  return type;
}

/**
 * The arguments as tensors of one type; numbers take the given shape.
 */
export function promoteAll(xs: readonly TensorLike[], shape: Shape = []): Tensor[] {
  const type = commonType(xs);
  const weak = xs.every(isWeak);
  return xs.map((x) => {
    if (x instanceof Tensor) return x.dtype === type ? x : cast(x, type);
    return x instanceof TracedNumber ? scalarOfTraced(x, type, weak) : constantOf(literal(x), type, shape, weak);
  });
}

/**
 * The shape to which all arguments broadcast.
 *
 * @throws {ShapeError} If there is none; `what` names the operation.
 */
export function commonShape(xs: readonly TensorLike[], what: string): Shape {
  let shape: Shape = [];
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i];
    if (!(x instanceof Tensor) || sameShape(x.shape, shape)) continue;
    shape = shape.length === 0 ? x.shape : broadcastShapes(shape, x.shape, what);
  }
  return shape;
}

/**
 * The arguments as tensors of one shape.
 *
 * @throws {ShapeError} If the shapes do not broadcast; `what` names the operation.
 */
export function broadcastAll(xs: readonly Tensor[], what: string): Tensor[] {
  return broadcastAllTo(xs, commonShape(xs, what));
}

/** The arguments as tensors of one type and shape. */
export function align(xs: readonly TensorLike[], what: string): readonly Tensor[] {
  if (areAligned(xs)) return xs;
  const shape = commonShape(xs, what);
  return broadcastAllTo(promoteAll(xs, shape), shape);
}

/** `broadcastTo` for several tensors, to a shape that is known to fit. */
export function broadcastAllTo(xs: readonly Tensor[], shape: Shape): Tensor[] {
  return xs.map((x) => broadcastToKnown(x, shape));
}

function areAligned(xs: readonly TensorLike[]): xs is readonly Tensor[] {
  const first = xs[0];
  if (!(first instanceof Tensor)) return false;
  for (let i = 1; i < xs.length; i++) {
    const x = xs[i];
    if (!(x instanceof Tensor) || x.dtype !== first.dtype || !sameShape(x.shape, first.shape)) return false;
  }
  return true;
}

/** The function of an operation on two arguments, which are aligned. Its name is the operation's, unless another is given. */
export function ofTwo(op: ElementwiseOp, name = op.name): (x: TensorLike, y: TensorLike) => Tensor {
  // A key, so that the function has the name.
  return { [name]: (x: TensorLike, y: TensorLike) => apply(op, align([x, y], op.name), undefined) }[name];
}

/** The same in floating point: what a quotient or power of integers is, is rarely whole, so that they become f32. */
export function ofTwoFloats(op: ElementwiseOp): (x: TensorLike, y: TensorLike) => Tensor {
  return {
    [op.name]: (x: TensorLike, y: TensorLike) => {
      const both = align([x, y], op.name);
      return apply(op, isFloat(both[0].dtype) ? both : both.map((each) => cast(each, defaultFloat)), undefined);
    },
  }[op.name];
}
