/**
 * The scalar language on plain numbers: what every operation of `ir/expr.ts` means.
 *
 * Floats are doubles, also those of type f32: the reference computes the exact answer, not how f32 rounds it. Only
 * literals and casts round to f32, because there the rounding is the meaning. Integers are held as whole numbers in the range of
 * their type and wrap around; bool is 0 or 1.
 *
 * @module
 */
import { isBool, isFloat, isInteger, rounding, roundTo, wholeRange } from "../../dtype.ts";
import type { BinaryOp, ScalarType, UnaryOp } from "../../ir/expr.ts";
import { doubleMath } from "../../ir/functions/double.ts";
import { integerPower, roundHalfEven } from "./special.ts";

/** Brings the outcome of an operation back into the range of its type. */
function intoRange(type: ScalarType): (x: number) => number {
  return isFloat(type) ? (x) => x : rounding(type);
}

const functions = doubleMath();

const unaries: Readonly<Record<UnaryOp, (x: number) => number>> = {
  ...functions,
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  exact: (x) => x,
  isNaN: (x) => Number.isNaN(x) ? 1 : 0,
  not: (x) => ~x,
};

/** The function of an operation of one argument of the given type. */
export function unaryFunction(op: UnaryOp, type: ScalarType): (x: number) => number {
  if (op === "not" && isBool(type)) return (x) => 1 - x;
  const f = unaries[op];
  if (isFloat(type)) return f;
  const wrap = intoRange(type);
  return (x) => wrap(f(x));
}

const binaries: Readonly<Record<BinaryOp, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  rem: functions.rem,
  min: Math.min,
  max: Math.max,
  pow: functions.pow,
  atan2: functions.atan2,
  hypot: functions.hypot,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  shl: (x, y) => x << y, // the language itself takes the count modulo 32
  shr: (x, y) => x >> y,
  lt: (x, y) => x < y ? 1 : 0,
  le: (x, y) => x <= y ? 1 : 0,
  eq: (x, y) => x === y ? 1 : 0,
  ne: (x, y) => x !== y ? 1 : 0,
};

/** The function of an operation of two arguments of the given type. */
export function binaryFunction(op: BinaryOp, type: ScalarType): (x: number, y: number) => number {
  if (isFloat(type)) return binaries[op];
  const f = integerBinary(op, type);
  const wrap = intoRange(type);
  return (x, y) => wrap(f(x, y));
}

/** Where integers differ from floats; |0 and >>>0 of the quotient truncate it, and make a division by zero 0. */
function integerBinary(op: BinaryOp, type: ScalarType): (x: number, y: number) => number {
  if (op === "mul") return Math.imul;
  if (op === "pow") return integerPower;
  if (op === "shr" && type === "u32") return (x, y) => x >>> y;
  return binaries[op];
}

/** Conversion of a value: floats to integers truncate and saturate, NaN to 0; integers wrap; to bool is `!= 0`. */
export function castFunction(from: ScalarType, to: ScalarType): (x: number) => number {
  if (to === "f32") return Math.fround;
  if (isFloat(from) && isInteger(to)) return (x) => saturate(x, ...wholeRange(to));
  return intoRange(to);
}

function saturate(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high)) + 0; // + 0 turns -0 into 0
}

/** A literal as its type holds it. */
export function constantValue(type: ScalarType, value: number): number {
  return roundTo(type, value);
}
