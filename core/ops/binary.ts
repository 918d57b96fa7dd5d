/**
 * Functions of two numbers beyond arithmetic, applied element by element. Shapes are broadcast and types promoted.
 *
 * @module
 */
import { isInteger } from "../dtype.ts";
import * as expr from "../ir/expr.ts";
import { hasProduct } from "../ir/functions/power.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ask, TracedNumber } from "../traced_number.ts";
import { isConstant } from "./algebra.ts";
import { align, ofTwo, ofTwoFloats } from "./arguments.ts";
import { add, div, mul, neg, numeric, sub } from "./arithmetic.ts";
import { asFloat, stopGradient } from "./cast.ts";
import { eq, gt, lt, ne } from "./compare.ts";
import { zerosLike } from "./constant.ts";
import { elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { logicalAnd, logicalOr } from "./logic.ts";
import { where } from "./select.ts";
import { log, round, sigmoid } from "./unary.ts";

export const gapOp: ElementwiseOp = numeric("gap", "any", (g) => g, (g) => neg(g), {
  lower: (x, y) => expr.select(expr.binary("eq", x, y), expr.constant(x.type, 0), expr.binary("sub", x, y)),
});
/** x - y, where equal infinities are 0 apart. */
export const gap: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(gapOp);

export const belowTopOp: ElementwiseOp = elementwise({
  name: "belowTop",
  domain: "any",
  dtype: floatDType("belowTop"),
  partials: [(g) => g, (g) => neg(g)],
  lower: (x, y) => expr.select(expr.binary("eq", x, Infinity), expr.constant(x.type, 0), expr.binary("sub", x, y)),
});
/** x - y for the largest y of some x: an infinite x is no farther below it than 0. NaN where all are -infinity, so that none is on top. */
export const belowTop: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(belowTopOp);

// The quotient is that of which the result is the remainder: x / y rounded could be the next integer.
export const remOp: ElementwiseOp = numeric(
  "rem",
  "nonzero",
  (g) => g,
  (g, x, y, out) => neg(mul(g, stopGradient(round(div(sub(x, out), y))))),
);
/** The remainder of x / y truncated: it has the sign of x. */
export const rem: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(remOp);

export const powOp: ElementwiseOp = elementwise({
  name: "pow",
  domain: "positive",
  dtype: floatDType("pow"),
  partials: [
    // 0 times 1 / 0 is no derivative of the constant x^0.
    (g, x, y) => {
      const one = logicalAnd(eq(x, 0), eq(y, 0));
      return where(one, zerosLike(g), mul(g, mul(y, pow(where(one, 1, x), sub(y, 1)))));
    },
    // Powers vanish faster than the logarithm grows. 0^0 is 1, its derivative counts as 0.
    (g, x, y, out) => {
      const none = logicalOr(eq(out, 0), logicalAnd(eq(x, 0), eq(y, 0)));
      return mul(g, mul(where(none, 0, out), log(where(none, 1, x))));
    },
  ],
  lower: (x, y) => expr.binary("pow", x, y),
  simplify: ({ inputs: [x, y] }) => isConstant(y, 1) ? x : undefined,
});
/**
 * x to the power y; integers are raised as f32, so that large powers lose digits instead of wrapping around, and negative ones are
 * fractions: `cast` the result, or use `square`, where PyTorch or JAX would give integers. A negative x with a fractional y gives NaN.
 *
 * ```ts
 * import { pow, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(pow(tensor([1, 2, 3]), 2))); // [1, 4, 9]
 * ```
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  const known = y instanceof TracedNumber ? ask(y, "is a product", (value) => hasProduct(value) ? value : undefined) : y;
  if (known !== 2) return ofTwoFloats(powOp)(x, known ?? y);
  const base = asFloat(x);
  return mul(base, base);
}

export const maximumOp: ElementwiseOp = numeric(
  "maximum",
  "any",
  (g, x, y) => where(gt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  (g, x, y) => where(lt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  { lower: (x, y) => expr.binary("max", x, y) },
);
/** The larger of two elements, NaN if either is; equal elements get half of the derivative each. */
export const maximum: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(maximumOp);

export const minimumOp: ElementwiseOp = numeric(
  "minimum",
  "any",
  (g, x, y) => where(lt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  (g, x, y) => where(gt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  { lower: (x, y) => expr.binary("min", x, y) },
);
/** The smaller of two elements, NaN if either is; equal elements get half of the derivative each. */
export const minimum: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(minimumOp);

export const logAddExpOp: ElementwiseOp = elementwise({
  name: "logAddExp",
  domain: "any",
  dtype: floatDType("logAddExp"),
  partials: [(g, x, y) => mul(g, sigmoid(gap(x, y))), (g, x, y) => mul(g, sigmoid(gap(y, x)))],
  lower: (x, y) => {
    const gap = expr.unary("neg", expr.unary("abs", expr.binary("sub", x, y)));
    const sum = expr.binary("add", expr.binary("max", x, y), expr.unary("log1p", expr.unary("exp", gap)));
    // Equal infinities have no difference.
    return expr.select(expr.binary("eq", x, y), expr.binary("add", x, Math.LN2), sum);
  },
});
/** log(exp(x) + exp(y)), numerically stable for numbers of any size. */
export const logAddExp: (x: TensorLike, y: TensorLike) => Tensor = ofTwoFloats(logAddExpOp);

export const floorDivideOp: ElementwiseOp = numeric(
  "floorDivide",
  "nonzero",
  (g) => zerosLike(g),
  (g) => zerosLike(g),
  {
    lower: (x, y) => {
      const rest = expr.binary("rem", x, y);
      const zero = expr.constant(x.type, 0);
      const opposite = expr.binary("xor", expr.binary("lt", rest, zero), expr.binary("lt", y, zero));
      const one = expr.cast(x.type, expr.binary("and", expr.binary("ne", rest, zero), opposite));
      if (isInteger(x.type)) return expr.binary("sub", expr.binary("div", x, y), one);
      // Without the remainder the quotient is an integer up to rounding: 1 divided by 0.1 is 9, remainder 0.1, not 10.
      const whole = expr.unary("round", expr.binary("sub", expr.binary("div", expr.binary("sub", x, rest), y), one));
      return expr.select(expr.binary("eq", y, zero), expr.binary("div", x, y), whole);
    },
  },
);
/** The largest integer not above x / y; integers stay integers. Its derivative is 0. */
export const floorDivide: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(floorDivideOp);

/**
 * What `floorDivide` leaves over: it has the sign of y (that of `rem` is the sign of x).
 *
 * ```ts
 * import { rem, remainder, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(remainder(tensor([-3, 3]), 2))); // [1, 1]
 * console.log(await toArray(rem(tensor([-3, 3]), 2))); // [-1, 1]
 * ```
 */
export function remainder(x: TensorLike, y: TensorLike): Tensor {
  const [dividend, divisor] = align([x, y], "remainder");
  const rest = rem(dividend, divisor);
  const opposite = logicalAnd(ne(rest, 0), ne(lt(rest, 0), lt(divisor, 0)));
  return where(opposite, add(rest, divisor), rest);
}
