/**
 * Changing the type of elements, and the operations that change nothing but what the transforms see.
 *
 * @module
 */
import { convert } from "../ir/encoding.ts";
import { constantValue } from "../ir/operation.ts";
import { castTo, checkDType, computeType, defaultFloat, type DType, isFloat, tangentType } from "../dtype.ts";
import { type Op, Pending, Tensor, type TensorLike } from "../tensor.ts";
import { scalarOf, TracedNumber } from "../traced_number.ts";
import { identity } from "./algebra.ts";
import { constantNode, constantOf } from "./constant.ts";
import { asTensor } from "./literal.ts";
import { apply, elementwise, noJvp, noVjp } from "./define.ts";

/** A derivative by values of one type, passed on by a cast as one by values of another; undefined if either type has none. */
function passed(x: Tensor, from: DType, to: DType): Tensor | undefined {
  const type = tangentType(to);
  return type && tangentType(from) ? cast(x, type) : undefined;
}

export const castOp: Op<{ readonly dtype: DType }> = {
  name: "cast",
  shape: ([x]) => x,
  dtype: (_, { dtype }) => dtype,
  vjp: (g, [x], output) => [passed(g, output.dtype, x.dtype)],
  jvp: ([t], [x], output) => [t && passed(t, x.dtype, output.dtype)],
  vmap: ([x], _, { dtype }) => cast(x, dtype),
  lower: {
    kind: "elementwise",
    expr: ([x], { dtype }) => convert(dtype, x),
  },
  simplify: (node) => {
    const [x] = node.inputs;
    if (x.dtype === node.dtype) return x;
    const value = constantValue(x);
    if (value === undefined) return undefined;
    // Only conversions that every device agrees on.
    const agreed = tangentType(node.dtype) || Number.isInteger(value) && value >= 0 && value < 2 ** 31;
    return agreed ? constantNode(node, value) : undefined;
  },
};

/**
 * The values as another type: floats lose their fraction on the way to integers (NaN gives 0, and beyond i32 or u32 the nearest end),
 * u8 takes the lowest 8 bits of an integer, bool is 0 or 1, anything but 0 is true.
 * Floats for storage take the nearest number, ties to even (f64 through f32), and beyond the largest infinity; derivatives pass there
 * and back in f32.
 *
 * ```ts
 * import { cast, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(cast(tensor([1.7, -1.7]), "i32"))); // [1, -1]
 * ```
 *
 * @returns A tensor of the same shape; the same tensor if it has that type already.
 * @throws {DTypeError} If there is no such type.
 */
export function cast(x: TensorLike, dtype: DType): Tensor {
  if (typeof x === "number") return constantOf(castTo(dtype, x), dtype);
  const tensor = x instanceof TracedNumber ? scalarOf(x, dtype) : asTensor(x);
  if (tensor.dtype === dtype && !tensor.weak) return tensor;
  checkDType(dtype);
  // Not `apply`: a literal that was cast is none any more.
  return new Tensor(tensor.shape, dtype, new Pending(castOp as Op, [tensor], { dtype }));
}

/** A floating tensor: integers and bools become f32. */
export function asFloat(x: TensorLike): Tensor {
  const tensor = asTensor(x);
  return isFloat(tensor.dtype) ? tensor : cast(tensor, defaultFloat);
}

/** The tensor in the type in which its elements are summed and compared. */
export function upcast(x: Tensor): Tensor {
  const dtype = computeType(x.dtype);
  return x.dtype === dtype ? x : cast(x, dtype);
}

export const stopGradientOp: Op<undefined> = {
  name: "stopGradient",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: noVjp,
  jvp: noJvp,
  vmap: ([x]) => stopGradient(x),
  lower: { kind: "elementwise", expr: ([x]) => x },
  simplify: identity,
};

/**
 * The same values as a constant: derivatives do not go through it. PyTorch's `detach`.
 *
 * ```ts
 * import { grad, item, mul, stopGradient, tensor, type Tensor } from "../../mod.ts";
 * const f = (x: Tensor) => mul(x, stopGradient(x)); // the derivative is x, not 2 x
 * console.log(await item(grad(f)(tensor(3)))); // 3
 * ```
 */
export function stopGradient(x: TensorLike): Tensor {
  return apply(stopGradientOp, [asTensor(x)], undefined);
}

export const variableOp: Op<undefined> = elementwise({
  name: "variable",
  domain: "any",
  dtype: ([x]) => x,
  partials: [(g) => g],
  lower: (x) => x,
  simplify: identity,
});

export const withValuesOp: Op<undefined> = {
  name: "withValues",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: (g) => [g, undefined],
  jvp: ([t, known]) => [known ?? t],
  lower: { kind: "elementwise", expr: ([_, known]) => known },
  simplify: ({ inputs: [_, known] }) => known,
};
/**
 * The values of `known`, which are those of x, with the derivative of x: that is then not computed for its values. Tangents are those of
 * `known`, which have been computed with it, unless it is constant.
 */
export function withValues(x: Tensor, known: Tensor): Tensor {
  return apply(withValuesOp, [x, known], undefined);
}
