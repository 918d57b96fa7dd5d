/**
 * Functions of two numbers, applied element by element. Shapes are broadcast and types promoted.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import { computeType, defaultFloat, type DType, isFloat, isInteger, maskType, tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { hasProduct } from "../ir/functions/power.ts";
import { constantValue } from "../ir/operation.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { ask, TracedNumber } from "../traced_number.ts";
import { firstOf, fold, isConstant, type Rule } from "./algebra.ts";
import { constantNode, zerosLike } from "./constant.ts";
import { align } from "./arguments.ts";
import { asFloat, cast, stopGradient } from "./cast.ts";
import { eq, gt, lt, ne } from "./compare.ts";
import { apply, type Domain, elementwise, type ElementwiseOp, floatDType, numberDType, sameDType } from "./define.ts";
import { where } from "./select.ts";
import { abs, isInf, log, neg, round, sigmoid, sign } from "./unary.ts";

type Partial = (g: Tensor, x: Tensor, y: Tensor, out: Tensor) => Tensor;

function numeric(
  name: string,
  domain: Domain,
  partialX: Partial,
  partialY: Partial,
  { lower = (x, y) => expr.binary(name as expr.BinaryOp, x, y), simplify }: {
    readonly lower?: (x: Expr, y: Expr) => Expr;
    readonly simplify?: Rule;
  } = {},
): ElementwiseOp {
  return elementwise({ name, domain, dtype: numberDType(name), partials: [partialX, partialY], lower, simplify });
}

function of(op: ElementwiseOp): (x: TensorLike, y: TensorLike) => Tensor {
  return (x, y) => apply(op, align([x, y], op.name), undefined);
}

/** Integers divide and raise as f32: what a quotient of integers is, is rarely whole. */
function ofFloats(op: ElementwiseOp): (x: TensorLike, y: TensorLike) => Tensor {
  return (x, y) => {
    const both = align([x, y], op.name);
    return apply(op, isFloat(both[0].dtype) ? both : both.map((each) => cast(each, defaultFloat)), undefined);
  };
}

export const addOp: ElementwiseOp = numeric("add", "any", (g) => g, (g) => g, {
  simplify: firstOf(fold((x, y) => x + y), ({ inputs: [x, y] }) => isConstant(y, 0) ? x : isConstant(x, 0) ? y : undefined),
});
/**
 * x + y.
 *
 * ```ts
 * import { add, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(add(tensor([[1], [2]]), tensor([10, 20])))); // [[11, 21], [12, 22]]
 * ```
 *
 * @throws {ShapeError} If the shapes do not broadcast: at some axis they differ and neither is 1.
 */
export function add(x: TensorLike, y: TensorLike): Tensor {
  return apply(addOp, align([x, y], "add"), undefined);
}

/** The sum of terms of which some may be missing; undefined if all are. */
export function sumDefined(terms: readonly (Tensor | undefined)[]): Tensor | undefined {
  return terms.reduce((sum, term) => sum && term ? add(sum, term) : sum ?? term, undefined);
}

export const subOp: ElementwiseOp = numeric("sub", "any", (g) => g, (g) => neg(g), {
  simplify: firstOf(fold((x, y) => x - y), ({ inputs: [x, y] }) => isConstant(y, 0) ? x : undefined),
});
/** x - y. */
export const sub: (x: TensorLike, y: TensorLike) => Tensor = of(subOp);

export const gapOp: ElementwiseOp = numeric("gap", "any", (g) => g, (g) => neg(g), {
  lower: (x, y) => expr.select(expr.binary("eq", x, y), expr.constant(x.type, 0), expr.binary("sub", x, y)),
});
/** x - y, where equal infinities are 0 apart. */
export const gap: (x: TensorLike, y: TensorLike) => Tensor = of(gapOp);

export const belowTopOp: ElementwiseOp = elementwise({
  name: "belowTop",
  domain: "any",
  dtype: floatDType("belowTop"),
  partials: [(g) => g, (g) => neg(g)],
  lower: (x, y) => expr.select(expr.binary("eq", x, Infinity), expr.constant(x.type, 0), expr.binary("sub", x, y)),
});
/** x - y for the largest y of some x: an infinite x is no farther below it than 0. NaN where all are -infinity, so that none is on top. */
export const belowTop: (x: TensorLike, y: TensorLike) => Tensor = of(belowTopOp);

export const mulOp: ElementwiseOp = numeric("mul", "any", (g, _, y) => mul(g, y), (g, x) => mul(g, x), {
  simplify: firstOf(fold((x, y) => x * y), ({ inputs: [x, y] }) => isConstant(y, 1) ? x : isConstant(x, 1) ? y : undefined),
});
/**
 * x * y, element by element.
 *
 * ```ts
 * import { mul, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(mul(tensor([[1, 2], [3, 4]]), tensor([10, 100])))); // [[10, 200], [30, 400]]
 * ```
 */
export function mul(x: TensorLike, y: TensorLike): Tensor {
  return apply(mulOp, align([x, y], "mul"), undefined);
}

/** Division by a number whose reciprocal is exact. Shader compilers may do anything when they see a division by 0. */
const byReciprocal: Rule = (node) => {
  const [x, y] = node.inputs;
  const divisor = constantValue(y);
  if (divisor === undefined) return undefined;
  const size = Math.abs(divisor);
  const exact = size === 0 || (size >= 2 ** -64 && size <= 2 ** 64 && Number.isInteger(Math.log2(size)));
  return exact ? node.make(mulOp, [x, constantNode(node, 1 / divisor)], undefined) : undefined;
};

export const divOp: ElementwiseOp = elementwise({
  name: "div",
  domain: "nonzero",
  dtype: floatDType("div"),
  partials: [(g, _, y) => div(g, y), (g, _, y, out) => neg(div(mul(g, out), y))],
  lower: (x, y) => expr.binary("div", x, y),
  simplify: firstOf(
    fold((x, y) => x / y),
    ({ inputs: [x, y] }) => isConstant(y, 1) ? x : undefined,
    byReciprocal,
  ),
});
/** x / y; integers are divided as f32. */
export const div: (x: TensorLike, y: TensorLike) => Tensor = ofFloats(divOp);

// The quotient is that of which the result is the remainder: x / y rounded could be the next integer.
export const remOp: ElementwiseOp = numeric(
  "rem",
  "nonzero",
  (g) => g,
  (g, x, y, out) => neg(mul(g, stopGradient(round(div(sub(x, out), y))))),
);
/** The remainder of x / y truncated: it has the sign of x. */
export const rem: (x: TensorLike, y: TensorLike) => Tensor = of(remOp);

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
 * x to the power y; integers are raised as f32. A negative x with a fractional y gives NaN.
 *
 * ```ts
 * import { pow, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(pow(tensor([1, 2, 3]), 2))); // [1, 4, 9]
 * ```
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  const known = y instanceof TracedNumber ? ask(y, "is a product", (value) => hasProduct(value) ? value : undefined) : y;
  if (known !== 2) return ofFloats(powOp)(x, known ?? y);
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
export const maximum: (x: TensorLike, y: TensorLike) => Tensor = of(maximumOp);

export const minimumOp: ElementwiseOp = numeric(
  "minimum",
  "any",
  (g, x, y) => where(lt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  (g, x, y) => where(gt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  { lower: (x, y) => expr.binary("min", x, y) },
);
/** The smaller of two elements, NaN if either is; equal elements get half of the derivative each. */
export const minimum: (x: TensorLike, y: TensorLike) => Tensor = of(minimumOp);

export const atan2Op: ElementwiseOp = elementwise({
  name: "atan2",
  domain: "nonzero",
  dtype: floatDType("atan2"),
  partials: [
    (g, y, x) => div(mul(g, direction(x, y, hypot(x, y))), hypot(x, y)),
    (g, y, x) => neg(div(mul(g, direction(y, x, hypot(x, y))), hypot(x, y))),
  ],
  lower: (y, x) => expr.binary("atan2", y, x),
});
/** The angle of the point (x, y), in (-pi, pi]: the first argument is y. */
export const atan2: (y: TensorLike, x: TensorLike) => Tensor = ofFloats(atan2Op);

export const hypotOp: ElementwiseOp = elementwise({
  name: "hypot",
  domain: "nonzero",
  dtype: floatDType("hypot"),
  partials: [(g, x, y, out) => mul(g, direction(x, y, out)), (g, x, y, out) => mul(g, direction(y, x, out))],
  lower: (x, y) => expr.binary("hypot", x, y),
});
/** x / length, of (x, y); 0 at (0, 0), and far out its limit. */
function direction(x: Tensor, y: Tensor, length: Tensor): Tensor {
  const [zero, far] = [eq(length, 0), eq(length, Infinity)];
  const near = div(where(zero, 0, x), where(logicalOr(zero, far), 1, length));
  const alone = where(isInf(x), sign(x), 0);
  const limit = where(eq(abs(x), abs(y)), mul(alone, Math.SQRT1_2), alone);
  return where(far, limit, near);
}
/** sqrt(x^2 + y^2) without overflow; its derivative at (0, 0) is 0. */
export const hypot: (x: TensorLike, y: TensorLike) => Tensor = ofFloats(hypotOp);

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
export const logAddExp: (x: TensorLike, y: TensorLike) => Tensor = ofFloats(logAddExpOp);

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
export const floorDivide: (x: TensorLike, y: TensorLike) => Tensor = of(floorDivideOp);

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
export const bitwiseAnd: (x: TensorLike, y: TensorLike) => Tensor = of(andOp);

export const orOp: ElementwiseOp = bitwise("or");
/** Bitwise or of integers; logical of bool. */
export const bitwiseOr: (x: TensorLike, y: TensorLike) => Tensor = of(orOp);

export const xorOp: ElementwiseOp = bitwise("xor");
/** Bitwise exclusive or of integers; logical of bool. */
export const bitwiseXor: (x: TensorLike, y: TensorLike) => Tensor = of(xorOp);

export const shlOp: ElementwiseOp = bitwise("shl");
/** x shifted left by y bits (modulo 32). */
export const shiftLeft: (x: TensorLike, y: TensorLike) => Tensor = of(shlOp);

export const shrOp: ElementwiseOp = bitwise("shr");
/** x shifted right by y bits (modulo 32); the sign stays for i32. */
export const shiftRight: (x: TensorLike, y: TensorLike) => Tensor = of(shrOp);

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
