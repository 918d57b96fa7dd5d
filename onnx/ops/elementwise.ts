/**
 * Ops that work element by element: arithmetic, comparisons, logic, types.
 *
 * @module
 */
import { computeType, isFloat, isInteger } from "../../core/dtype.ts";
import { CotangentError, DTypeError } from "../../core/errors.ts";
import {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  cast,
  ceil,
  cos,
  cosh,
  div,
  eq,
  erf,
  exp,
  floor,
  floorDivide,
  ge,
  gt,
  isInf,
  isNaN,
  le,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  neg,
  pow,
  reciprocal,
  rem,
  remainder,
  reshape,
  round,
  shiftLeft,
  shiftRight,
  sign,
  sin,
  sinh,
  sqrt,
  sub,
  tan,
  tanh,
  type Tensor,
  where,
} from "../../mod.ts";
import type { Call, OnnxOp, OpTable } from "../call.ts";
import { type ElementName, elementOf, elementType, nameOfCode } from "../elements.ts";

/** A function of one tensor. */
export function unary(f: (x: Tensor, call: Call) => Tensor): OnnxOp {
  return (call) => call.lifted((x) => f(x, call));
}

/** Both operands, the second one placed as versions before 7 said by an attribute. */
function pair(call: Call, x: Tensor, y: Tensor): readonly [Tensor, Tensor] {
  if (call.opset >= 7 || !call.attributes.flag("broadcast", false) || !call.attributes.has("axis")) return [x, y];
  const axis = call.attributes.number("axis");
  const start = axis < 0 ? axis + x.rank : axis;
  return [x, reshape(y, [...y.shape, ...x.shape.slice(start + y.rank).map(() => 1)])];
}

function binary(f: (x: Tensor, y: Tensor, call: Call) => Tensor): OnnxOp {
  return (call) => call.lifted((x, y) => f(...pair(call, x, y), call));
}

/** A comparison: its result is bool whatever the operands are. */
function comparison(f: (x: Tensor, y: Tensor) => Tensor): OnnxOp {
  return (call) => f(...pair(call, call.computed(0), call.computed(1)));
}

/** A function of any number of tensors. */
function variadic(f: (x: Tensor, y: Tensor) => Tensor): OnnxOp {
  return (call) => call.lifted((...xs) => xs.reduce(f));
}

/** Integers are cut off, not rounded down. */
function quotient(x: Tensor, y: Tensor): Tensor {
  return isInteger(x.dtype) && isInteger(y.dtype) ? floorDivide(sub(x, rem(x, y)), y) : div(x, y);
}

/** Integers to a power are integers, whatever the power is. */
function power(x: Tensor, y: Tensor): Tensor {
  const raised = pow(x, y);
  return isInteger(x.dtype) ? cast(round(raised), x.dtype) : cast(raised, x.dtype);
}

/** A tensor as another type. Types of fewer bits than the dtype that they become here keep their lowest bits. */
export function castTo(x: Tensor, type: ElementName): Tensor {
  const { dtype, bytes, range } = elementType(type);
  if (dtype === "u8" && bytes < 1) return cast(bitwiseAnd(cast(x, "i32"), range![1]), dtype);
  const held = cast(x, dtype);
  if (range === undefined || bytes >= 4 || dtype === "u8") return held;
  if (dtype === "u32") return bitwiseAnd(held, range[1]);
  const unused = 32 - 8 * bytes;
  return shiftRight(shiftLeft(held, unused), unused);
}

function castOp(call: Call): Tensor {
  const code = call.attributes.number("to");
  const type = elementOf(code);
  if (type === undefined) throw new DTypeError(`Cannot cast to ${nameOfCode(code)}: no dtype holds it`, { type: code });
  return castTo(call.tensor(0), type);
}

/** Bounds are attributes before version 11. */
function clip(call: Call): Tensor {
  return call.lifted((x) => {
    const low = call.optional(1) ?? (call.attributes.has("min") ? call.attributes.number("min") : undefined);
    const high = call.optional(2) ?? (call.attributes.has("max") ? call.attributes.number("max") : undefined);
    const type = computeType(x.dtype);
    const bounded = low === undefined ? x : maximum(x, typeof low === "number" ? low : cast(low, type));
    return high === undefined ? bounded : minimum(bounded, typeof high === "number" ? high : cast(high, type));
  });
}

function bitShift(call: Call): Tensor {
  const shift = call.attributes.choice("direction", ["LEFT", "RIGHT"], "LEFT") === "LEFT" ? shiftLeft : shiftRight;
  return call.lifted((x, y) => shift(x, y));
}

function infinite(call: Call): Tensor {
  const x = call.computed(0);
  const positive = call.attributes.flag("detect_positive", true);
  const negative = call.attributes.flag("detect_negative", true);
  if (positive && negative) return isInf(x);
  return positive ? eq(x, Infinity) : negative ? eq(x, -Infinity) : logicalAnd(isInf(x), false);
}

function bitwiseNot(x: Tensor): Tensor {
  if (isFloat(x.dtype)) throw new CotangentError("its input must be of integers", { dtype: x.dtype });
  return x.dtype === "u32" ? bitwiseXor(x, 2 ** 32 - 1) : sub(neg(x), 1);
}

/** What these ops do. */
export const elementwise: OpTable = {
  Abs: unary(abs),
  Acos: unary(acos),
  Acosh: unary(acosh),
  Asin: unary(asin),
  Asinh: unary(asinh),
  Atan: unary(atan),
  Atanh: unary(atanh),
  Ceil: unary(ceil),
  Cos: unary(cos),
  Cosh: unary(cosh),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: unary(floor),
  Log: unary(log),
  Neg: unary(neg),
  Reciprocal: unary(reciprocal),
  Round: unary(round),
  Sign: unary(sign),
  Sin: unary(sin),
  Sinh: unary(sinh),
  Sqrt: unary(sqrt),
  Tan: unary(tan),
  Tanh: unary(tanh),
  Identity: (call) => call.value(0),
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(quotient),
  Pow: binary(power),
  Mod: binary((x, y, call) => call.attributes.flag("fmod", false) ? rem(x, y) : remainder(x, y)),
  Max: variadic(maximum),
  Min: variadic(minimum),
  Sum: variadic(add),
  Mean: (call) => call.lifted((...xs) => div(xs.reduce((x, y) => add(x, y)), xs.length)),
  Equal: comparison(eq),
  Greater: comparison(gt),
  GreaterOrEqual: comparison(ge),
  Less: comparison(lt),
  LessOrEqual: comparison(le),
  And: comparison(logicalAnd),
  Or: comparison(logicalOr),
  Xor: comparison((x, y) => ne(cast(x, "bool"), cast(y, "bool"))),
  Not: (call) => logicalNot(call.tensor(0)),
  BitShift: bitShift,
  BitwiseAnd: binary(bitwiseAnd),
  BitwiseOr: binary(bitwiseOr),
  BitwiseXor: binary(bitwiseXor),
  BitwiseNot: unary(bitwiseNot),
  IsNaN: (call) => isNaN(call.computed(0)),
  IsInf: infinite,
  Clip: clip,
  Where: (call) => call.like(1, where(call.tensor(0), call.computed(1), call.computed(2))),
  Cast: castOp,
  CastLike: (call) => castTo(call.tensor(0), call.type(1)),
};
