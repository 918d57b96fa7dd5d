/**
 * How the arguments of operations meet: numbers become tensors, types are promoted, shapes are broadcast.
 *
 * A JavaScript number takes the type of the tensor it meets, as a literal does; one with a fraction makes integers floating.
 *
 * @module
 */
import { type DType, isFloat, promote, tangentType } from "../dtype.ts";
import { broadcastShapes, sameShape } from "../shape.ts";
import { Tensor, type TensorLike } from "../tensor.ts";
import { cast } from "./cast.ts";
import { constantOf } from "./creation.ts";
import { broadcastTo } from "./movement.ts";

/** A tensor as it is; a number as a scalar of type `dtype` (f32 unless given) that adapts to others; a boolean as bool. */
export function asTensor(x: TensorLike, dtype?: DType): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x === "boolean") return constantOf(x ? 1 : 0, dtype ?? "bool");
  return constantOf(literal(x), dtype ?? "f32", [], dtype === undefined);
}

/** The value of a number or boolean; programs without type checking may pass anything. */
function literal(x: unknown): number {
  if (typeof x === "number" || typeof x === "boolean") return Number(x);
  throw new TypeError(`Cannot use ${describe(x)} as a tensor: make one with tensor(...), or pass a number`);
}

/** A floating tensor: integers and bools become f32. */
export function asFloat(x: TensorLike): Tensor {
  const tensor = asTensor(x);
  return isFloat(tensor.dtype) ? tensor : cast(tensor, "f32");
}

function describe(x: unknown): string {
  if (Array.isArray(x)) return "an array";
  if (x === null || typeof x !== "object") return String(x);
  return `a ${x.constructor?.name ?? "value"}`;
}

/** The type in which a literal and a tensor of type `other` meet. */
function literalType(x: TensorLike, other: DType): DType {
  if (typeof x === "boolean") return promote("bool", other);
  if (tangentType(other)) return other;
  const whole = typeof x === "number" && Number.isInteger(x);
  if (!whole) return "f32";
  return other === "u32" ? "u32" : "i32";
}

function isWeak(x: TensorLike): boolean {
  return x instanceof Tensor ? x.weak : typeof x === "number";
}

/** The common type of some arguments. */
export function commonType(xs: readonly TensorLike[]): DType {
  let strong: DType | undefined;
  for (const x of xs) {
    if (isWeak(x)) continue;
    const own = x instanceof Tensor ? x.dtype : "bool";
    strong = strong === undefined ? own : promote(strong, own);
  }
  if (strong === undefined) return "f32";
  let common = strong;
  for (const x of xs) if (isWeak(x)) common = promote(common, literalType(x, strong));
  return common;
}

/**
 * The arguments as tensors of one type.
 */
export function promoteAll(xs: readonly TensorLike[]): Tensor[] {
  const type = commonType(xs);
  const weak = xs.every(isWeak);
  return xs.map((x) => x instanceof Tensor ? (x.dtype === type ? x : cast(x, type)) : constantOf(literal(x), type, [], weak));
}

/**
 * The arguments as tensors of one shape.
 *
 * @throws {ShapeError} If the shapes do not broadcast; `what` names the operation.
 */
export function broadcastAll(xs: readonly Tensor[], what: string): Tensor[] {
  if (xs.every((x) => sameShape(x.shape, xs[0].shape))) return [...xs];
  const shape = xs.map((x) => x.shape).reduce((a, b) => broadcastShapes(a, b, what));
  return xs.map((x) => broadcastTo(x, shape));
}

/** The arguments as tensors of one type and shape. */
export function align(xs: readonly TensorLike[], what: string): Tensor[] {
  return broadcastAll(promoteAll(xs), what);
}
