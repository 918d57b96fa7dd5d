/**
 * Functions of two numbers, applied element by element. Shapes are broadcast and types promoted.
 *
 * @module
 */
import * as expr from "../compile/expr.ts";
import { type DType, isFloat } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { align, asFloat } from "./arguments.ts";
import { cast } from "./cast.ts";
import { eq, gt, lt } from "./compare.ts";
import { zerosLike } from "./creation.ts";
import { apply, type Domain, elementwise, type ElementwiseOp, floatDType, numberDType, sameDType } from "./define.ts";
import { where } from "./select.ts";
import { log, neg, trunc } from "./unary.ts";

type Pull = (g: Tensor, x: Tensor, y: Tensor, out: Tensor) => Tensor;

function numeric(name: string, domain: Domain, pullX: Pull, pullY: Pull, scalar = name as expr.BinaryOp): ElementwiseOp {
  return elementwise({
    name,
    domain,
    dtype: numberDType(name),
    pull: [pullX, pullY],
    lower: (x, y) => expr.binary(scalar, x, y),
  });
}

function of(op: ElementwiseOp): (x: TensorLike, y: TensorLike) => Tensor {
  return (x, y) => apply(op, align([x, y], op.name), undefined);
}

/** Integers divide and raise as f32: what a quotient of whole numbers is, is rarely whole. */
function ofFloats(op: ElementwiseOp): (x: TensorLike, y: TensorLike) => Tensor {
  return (x, y) => {
    const both = align([x, y], op.name);
    return apply(op, isFloat(both[0].dtype) ? both : both.map((each) => cast(each, "f32")), undefined);
  };
}

export const addOp: ElementwiseOp = numeric("add", "any", (g) => g, (g) => g);
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

export const subOp: ElementwiseOp = numeric("sub", "any", (g) => g, (g) => neg(g));
/** x - y. */
export const sub: (x: TensorLike, y: TensorLike) => Tensor = of(subOp);

export const mulOp: ElementwiseOp = numeric("mul", "any", (g, _, y) => mul(g, y), (g, x) => mul(g, x));
/** x * y, element by element. */
export function mul(x: TensorLike, y: TensorLike): Tensor {
  return apply(mulOp, align([x, y], "mul"), undefined);
}

export const divOp: ElementwiseOp = elementwise({
  name: "div",
  domain: "nonzero",
  dtype: floatDType("div"),
  pull: [(g, _, y) => div(g, y), (g, _, y, out) => neg(div(mul(g, out), y))],
  lower: (x, y) => expr.binary("div", x, y),
});
/** x / y; integers are divided as f32. */
export const div: (x: TensorLike, y: TensorLike) => Tensor = ofFloats(divOp);

export const remOp: ElementwiseOp = numeric("rem", "nonzero", (g) => g, (g, x, y) => neg(mul(g, trunc(div(x, y)))));
/** The remainder of x / y truncated: it has the sign of x. */
export const rem: (x: TensorLike, y: TensorLike) => Tensor = of(remOp);

export const powOp: ElementwiseOp = elementwise({
  name: "pow",
  domain: "positive",
  dtype: floatDType("pow"),
  pull: [
    (g, x, y) => where(eq(y, 0), zerosLike(g), mul(g, mul(y, pow(x, sub(y, 1))))),
    (g, x, _, out) => where(eq(x, 0), zerosLike(g), mul(g, mul(out, log(x)))),
  ],
  lower: (x, y) => expr.binary("pow", x, y),
});
/** x to the power y; integers are raised as f32. A negative x with a fractional y gives NaN. */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  if (y !== 2) return ofFloats(powOp)(x, y);
  const base = asFloat(x);
  return mul(base, base);
}

export const maximumOp: ElementwiseOp = numeric(
  "maximum",
  "any",
  (g, x, y) => where(gt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  (g, x, y) => where(lt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  "max",
);
/** The larger of two elements, NaN if either is; equal ones share the derivative. */
export const maximum: (x: TensorLike, y: TensorLike) => Tensor = of(maximumOp);

export const minimumOp: ElementwiseOp = numeric(
  "minimum",
  "any",
  (g, x, y) => where(lt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  (g, x, y) => where(gt(x, y), g, where(eq(x, y), mul(0.5, g), zerosLike(g))),
  "min",
);
/** The smaller of two elements, NaN if either is; equal ones share the derivative. */
export const minimum: (x: TensorLike, y: TensorLike) => Tensor = of(minimumOp);

export const atan2Op: ElementwiseOp = elementwise({
  name: "atan2",
  domain: "nonzero",
  dtype: floatDType("atan2"),
  pull: [
    (g, y, x) => div(mul(g, x), add(mul(x, x), mul(y, y))),
    (g, y, x) => neg(div(mul(g, y), add(mul(x, x), mul(y, y)))),
  ],
  lower: (y, x) => expr.binary("atan2", y, x),
});
/** The angle of the point (x, y), in (-pi, pi]: the first argument is y. */
export const atan2: (y: TensorLike, x: TensorLike) => Tensor = ofFloats(atan2Op);

function bitwise(name: "and" | "or" | "xor" | "shl" | "shr"): ElementwiseOp {
  return elementwise({
    name,
    domain: "integer",
    dtype: (inputs: readonly DType[]) => {
      const dtype = sameDType(inputs);
      // A shifted byte would not stay one.
      const shifts = name === "shl" || name === "shr";
      if (isFloat(dtype) || shifts && (dtype === "bool" || dtype === "u8")) {
        const needed = shifts ? "i32 or u32" : "integers or bool";
        throw new DTypeError(`Cannot ${name} tensors of type ${dtype}: it needs ${needed}`, { name, dtype });
      }
      return dtype;
    },
    pull: [undefined, undefined],
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

/** Whether both are true (not 0): bool. */
export function logicalAnd(x: TensorLike, y: TensorLike): Tensor {
  return bitwiseAnd(cast(x, "bool"), cast(y, "bool"));
}

/** Whether either is true (not 0): bool. */
export function logicalOr(x: TensorLike, y: TensorLike): Tensor {
  return bitwiseOr(cast(x, "bool"), cast(y, "bool"));
}
