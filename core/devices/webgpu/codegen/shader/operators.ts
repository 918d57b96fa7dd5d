/**
 * Operations of the scalar language that WGSL has operators or functions for, or that helper functions compute.
 *
 * @module
 */
import { DTypeError } from "../../../../errors.ts";
import type { BinaryOp, ScalarType, UnaryOp } from "../../../../ir/expr.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** Refuses values of 64 bits. */
export function refuseDouble(type: ScalarType): void {
  if (type === "f64") throw new DTypeError("Cannot use f64 on webgpu: shaders have no 64-bit floats, cast to f32", { type });
}

/** An operation of one argument. */
export function printUnary(shader: WgslWriter, op: UnaryOp, type: ScalarType, x: string): string {
  if (op === "not") return type === "bool" ? `!${x}` : `~${x}`;
  if (op === "isNaN") return type === "f32" ? `${shader.helper("isNan")}(${x})` : "false";
  if (type === "f32") return printFloatUnary(shader, op, x);
  if (type === "bool") throw unsupported(op, type);
  return printIntegerUnary(op, type, x);
}

function printIntegerUnary(op: UnaryOp, type: ScalarType, x: string): string {
  const signed = type === "i32";
  switch (op) {
    case "neg":
      return signed ? `-${x}` : `~${x} + 1u`;
    case "abs":
      return signed ? `abs(${x})` : x;
    case "sign":
      return signed ? `sign(${x})` : `min(${x}, 1u)`;
    case "floor":
    case "ceil":
    case "round":
    case "trunc":
      return x;
    default:
      throw unsupported(op, type);
  }
}

function printFloatUnary(shader: WgslWriter, op: UnaryOp, x: string): string {
  if (op === "sign") return `${shader.helper("signOf")}(${x})`;
  if (op === "exact") return `${shader.helper("exact")}(${x})`;
  if (op === "sqrt" && !shader.roundsEachStep) return `${shader.helper("root")}(${x})`;
  // abs, floor, ceil, trunc and round (WGSL rounds halves to even) are exact as they are.
  return op === "neg" ? `-${x}` : `${op}(${x})`;
}

const comparisons: Readonly<Partial<Record<BinaryOp, string>>> = { lt: "<", le: "<=", eq: "==" };
const arithmetic: Readonly<Partial<Record<BinaryOp, string>>> = { add: "+", sub: "-", mul: "*" };
const bitwise: Readonly<Partial<Record<BinaryOp, string>>> = { and: "&", or: "|", xor: "^" };

/** An operation of two arguments. */
export function printBinary(shader: WgslWriter, op: BinaryOp, type: ScalarType, x: string, y: string): string {
  refuseDouble(type);
  if (type === "bool") return printBooleanBinary(op, x, y);
  if (comparisons[op]) return `${x} ${comparisons[op]} ${y}`;
  // Not `!=`: an unequal test may be compiled as "ordered and unequal", which is false for NaN.
  if (op === "ne") return `!(${x} == ${y})`;
  if (arithmetic[op]) return `${x} ${arithmetic[op]} ${y}`;
  return type === "f32" ? printFloatBinary(shader, op, x, y) : printIntegerBinary(shader, op, type, x, y);
}

function printBooleanBinary(op: BinaryOp, x: string, y: string): string {
  switch (op) {
    case "and":
    case "min":
    case "mul":
      return `${x} & ${y}`;
    case "or":
    case "max":
    case "add":
      return `${x} | ${y}`;
    case "xor":
    case "ne":
      return `${x} != ${y}`;
    case "eq":
      return `${x} == ${y}`;
    case "lt":
      return `!${x} & ${y}`;
    case "le":
      return `!${x} | ${y}`;
    default:
      throw unsupported(op, "bool");
  }
}

function printFloatBinary(shader: WgslWriter, op: BinaryOp, x: string, y: string): string {
  switch (op) {
    case "div":
      return shader.roundsEachStep ? `${x} / ${y}` : `${shader.helper("divide")}(${x}, ${y})`;
    case "min":
      return `${shader.helper("minimum")}(${x}, ${y})`;
    case "max":
      return `${shader.helper("maximum")}(${x}, ${y})`;
    default:
      throw unsupported(op, "f32");
  }
}

function printIntegerBinary(shader: WgslWriter, op: BinaryOp, type: "i32" | "u32" | ScalarType, x: string, y: string): string {
  const signed = type === "i32";
  if (bitwise[op]) return `${x} ${bitwise[op]} ${y}`;
  switch (op) {
    case "div":
      return `${shader.helper(signed ? "divideI32" : "divideU32")}(${x}, ${y})`;
    case "rem":
      return `${shader.helper(signed ? "remainderI32" : "remainderU32")}(${x}, ${y})`;
    case "min":
    case "max":
      return `${op}(${x}, ${y})`;
    case "shl":
    case "shr":
      return `${x} ${op === "shl" ? "<<" : ">>"} (${signed ? `bitcast<u32>(${y})` : y} & 31u)`;
    default:
      throw unsupported(op, type);
  }
}

/** The conversion of a value. */
export function printCast(shader: WgslWriter, to: ScalarType, from: ScalarType, x: string): string {
  refuseDouble(from);
  if (to === from) return x;
  if (to === "bool") return from === "f32" ? `!(${x} == 0.0)` : `${x} != ${from === "u32" ? "0u" : "0"}`;
  if (from === "bool") {
    return to === "f32" ? `select(0.0, 1.0, ${x})` : to === "u32" ? `select(0u, 1u, ${x})` : `select(0, 1, ${x})`;
  }
  if (from === "f32") return `${shader.helper(to === "i32" ? "toI32" : "toU32")}(${x})`;
  return `${to}(${x})`;
}

function unsupported(op: string, type: ScalarType): DTypeError {
  return new DTypeError(`Cannot compute ${op} of ${type} on webgpu: cast to f32 first`, { op, type });
}
