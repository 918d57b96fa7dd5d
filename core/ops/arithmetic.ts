/**
 * Arithmetic, and what follows from it at once: what the rules of all other functions are made of. Shapes are broadcast and types
 * promoted.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import { constantValue, madeBy } from "../ir/operation.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { firstOf, fold, isConstant, type Rule } from "./algebra.ts";
import { align, ofTwo, ofTwoFloats } from "./arguments.ts";
import { constantNode, zerosLike } from "./constant.ts";
import { apply, type Domain, elementwise, type ElementwiseOp, floatDType, numberDType } from "./define.ts";
import { asTensor } from "./literal.ts";

type Partial = (g: Tensor, x: Tensor, y: Tensor, out: Tensor) => Tensor;

/** A record of a function of two numbers, which need not be floats. */
export function numeric(
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
export const sub: (x: TensorLike, y: TensorLike) => Tensor = ofTwo(subOp);

export const negOp: ElementwiseOp = elementwise({
  name: "neg",
  domain: "any",
  dtype: numberDType("negate"),
  partials: [(g) => neg(g)],
  lower: (x) => expr.unary("neg", x),
  simplify: firstOf(fold((x) => -x), ({ inputs: [x] }) => madeBy(x, negOp)?.inputs[0]),
});
/**
 * -x for each element.
 *
 * ```ts
 * import { neg, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(neg(tensor([1, -2])))); // [-1, 2]
 * ```
 */
export function neg(x: TensorLike): Tensor {
  return apply(negOp, [asTensor(x)], undefined);
}

export const absOp: ElementwiseOp = elementwise({
  name: "abs",
  domain: "nonzero",
  dtype: numberDType("take abs of"),
  partials: [(g, x) => mul(g, sign(x))],
  lower: (x) => expr.unary("abs", x),
});
/**
 * The absolute value of each element; its derivative at 0 is 0.
 *
 * ```ts
 * import { abs, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(abs(tensor([-2, 0, 3])))); // [2, 0, 3]
 * ```
 */
export function abs(x: TensorLike): Tensor {
  return apply(absOp, [asTensor(x)], undefined);
}

export const signOp: ElementwiseOp = elementwise({
  name: "sign",
  domain: "nonzero",
  dtype: numberDType("take sign of"),
  partials: [(g) => zerosLike(g)],
  lower: (x) => expr.unary("sign", x),
});
/**
 * -1, 0 or 1 for each element; NaN for NaN.
 *
 * ```ts
 * import { sign, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(sign(tensor([-3, 0, 2])))); // [-1, 0, 1]
 * ```
 */
export function sign(x: TensorLike): Tensor {
  return apply(signOp, [asTensor(x)], undefined);
}

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

/**
 * x * x for each element; integers stay integers.
 *
 * ```ts
 * import { square, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(square(tensor([-3, 2])))); // [9, 4]
 * ```
 */
export function square(x: TensorLike): Tensor {
  return mul(x, x);
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
export const div: (x: TensorLike, y: TensorLike) => Tensor = ofTwoFloats(divOp);

/**
 * 1 / x for each element.
 *
 * ```ts
 * import { reciprocal, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(reciprocal(tensor([2, -4])))); // [0.5, -0.25]
 * ```
 */
export function reciprocal(x: TensorLike): Tensor {
  return div(1, x);
}
