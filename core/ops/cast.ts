/**
 * Changing the type of elements, and the two operations that change nothing but what the transforms see.
 *
 * @module
 */
import * as expr from "../compile/expr.ts";
import { type DType, isFloat } from "../dtype.ts";
import { Pending, Tensor, type TensorLike } from "../tensor.ts";
import { asTensor } from "./arguments.ts";
import { apply, elementwise, noJvp, noVjp, type Op } from "./define.ts";

/** The type in which an element is computed: bytes as u32. */
export function scalarType(dtype: DType): expr.ScalarType {
  return dtype === "u8" ? "u32" : dtype;
}

export const castOp: Op<{ readonly dtype: DType }> = {
  name: "cast",
  shape: ([x]) => x,
  dtype: (_, { dtype }) => dtype,
  vjp: (g, [x]) => [isFloat(x.dtype) && isFloat(g.dtype) ? cast(g, x.dtype) : undefined],
  jvp: ([t], [x], output) => t && isFloat(x.dtype) && isFloat(output.dtype) ? cast(t, output.dtype) : undefined,
  vmap: ([x], _, { dtype }) => cast(x, dtype),
  lower: {
    kind: "elementwise",
    expr: ([x], { dtype }) => {
      // A byte is a u32 whose upper bits are dropped; on the way there fractions and signs go as for i32.
      if (dtype !== "u8") return expr.cast(scalarType(dtype), x);
      const whole = x.type === "f32" || x.type === "f64" ? expr.cast("i32", x) : x;
      return expr.binary("and", expr.cast("u32", whole), 255);
    },
  },
};

/**
 * The values as another type: floats lose their fraction on the way to integers (NaN gives 0), bool is 0 or 1, anything but 0 is true.
 *
 * ```ts
 * import { cast, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(cast(tensor([1.7, -1.7]), "i32"))); // [1, -1]
 * ```
 *
 * @returns A tensor of the same shape; the same tensor if it has that type already.
 */
export function cast(x: TensorLike, dtype: DType): Tensor {
  const tensor = asTensor(x);
  if (tensor.dtype === dtype && !tensor.weak) return tensor;
  // Not `apply`: a literal that was cast is none any more.
  return new Tensor(tensor.shape, dtype, new Pending(castOp as Op, [tensor], { dtype }));
}

export const stopGradientOp: Op<undefined> = {
  name: "stopGradient",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: noVjp,
  jvp: noJvp,
  vmap: ([x]) => stopGradient(x),
  lower: { kind: "elementwise", expr: ([x]) => x },
};

/** The same values, which derivatives take for constants. */
export function stopGradient(x: TensorLike): Tensor {
  return apply(stopGradientOp, [asTensor(x)], undefined);
}

export const variableOp: Op<undefined> = elementwise({
  name: "variable",
  domain: "any",
  dtype: ([x]) => x,
  pull: [(g) => g],
  lower: (x) => x,
});
