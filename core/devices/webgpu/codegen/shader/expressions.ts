/**
 * Scalar expressions as WGSL text.
 *
 * Every node that is no leaf becomes one `let`, so that shared nodes are computed once and nesting stays flat. Mathematical functions
 * become functions of the shader, written from their expansions.
 *
 * @module
 */
import { DTypeError } from "../../../../errors.ts";
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "../../../../ir/expr.ts";
import { expandBinary, expandLiteral, expandUnary } from "../../../../ir/functions/mod.ts";
import type { HelperName } from "./helpers.ts";

/** What expressions are printed into: a shader, as far as they need one. */
export interface ShaderText {
  line(text: string): void;
  fresh(prefix: string): string;
  define(text: string): string;
  helper(name: HelperName): string;
  when(conditions: readonly string[], body: () => void): void;
  once(name: string, write: () => void): void;
  function(signature: string, write: () => void): void;
}

/** What leaves stand for at the point being computed: names or short expressions. */
export interface Leaves {
  load(slot: number): string;
  index(offset: number, strides: readonly number[]): string;
  result(slot: number): string;
}

/** Prints expressions at one point of the domain; a node printed once is reused. */
export function scalarPrinter(shader: ShaderText, leaves: Leaves): (e: Expr) => string {
  return printerWith(shader, leaves, new Map());
}

/** A printer in whose place some nodes are known already. */
function printerWith(shader: ShaderText, leaves: Leaves, known: Map<Expr, string>): (e: Expr) => string {
  const print = (e: Expr): string => {
    let text = known.get(e);
    if (text === undefined) {
      // What a branch computes is known inside it alone.
      text = e.kind === "select" && e.rare
        ? printBranch(shader, e, print, printerWith(shader, leaves, new Map(known)))
        : printNode(shader, leaves, e, print);
      // Literals stay in place, where drivers see them.
      if (e.kind !== "const") text = shader.define(text);
      known.set(e, text);
    }
    return text;
  };
  return print;
}

function printBranch(
  shader: ShaderText,
  e: Extract<Expr, { kind: "select" }>,
  print: (e: Expr) => string,
  inside: (e: Expr) => string,
): string {
  const value = shader.fresh("v");
  const test = print(e.test);
  shader.line(`var ${value} = ${print(e.y)};`);
  shader.when([test], () => shader.line(`${value} = ${inside(e.x)};`));
  return value;
}

function printNode(shader: ShaderText, leaves: Leaves, e: Expr, print: (e: Expr) => string): string {
  refuseDouble(e.type);
  switch (e.kind) {
    case "const":
      return literal(shader, e.type, e.value);
    case "load":
      return leaves.load(e.slot);
    case "index":
      return leaves.index(e.offset, e.strides);
    case "result":
      return leaves.result(e.slot);
    case "unary":
      return printFunction(shader, e, [e.x], print) ?? printUnary(shader, e.op, e.x.type, print(e.x));
    case "binary": {
      const simple = expandLiteral(e.op, e.x, e.y);
      if (simple) return print(simple);
      return printFunction(shader, e, [e.x, e.y], print) ?? printBinary(shader, e.op, e.x.type, print(e.x), print(e.y));
    }
    case "select":
      return `select(${print(e.y)}, ${print(e.x)}, ${print(e.test)})`;
    case "cast":
      return printCast(shader, e.type, e.x.type, print(e.x));
    case "bitcast":
      return `bitcast<${e.type}>(${print(e.x)})`;
  }
}

function refuseDouble(type: ScalarType): void {
  if (type === "f64") throw new DTypeError("Cannot use f64 on webgpu: shaders have no 64-bit floats, cast to f32", { type });
}

/** A literal of a type; values that WGSL rejects as literals come from helper functions. */
export function literal(shader: ShaderText, type: ScalarType, value: number): string {
  switch (type) {
    case "bool":
      return value ? "true" : "false";
    case "u32":
      return `${value >>> 0}u`;
    case "i32":
      return `i32(${value | 0})`;
    default:
      return floatLiteral(shader, Math.fround(value));
  }
}

function floatLiteral(shader: ShaderText, value: number): string {
  if (Number.isNaN(value)) return `${shader.helper("nan")}()`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}${shader.helper("infinity")}()`;
  const subnormal = value !== 0 && Math.abs(value) < 2 ** -126;
  if (Object.is(value, -0) || subnormal) return `bitcast<f32>(${bitsOf(value)}u)`;
  return `f32(${value})`;
}

function bitsOf(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0];
}

/** A call of the function that an operation becomes, if it is not one of WGSL's own; the function is added to the shader. */
function printFunction(
  shader: ShaderText,
  e: Extract<Expr, { kind: "unary" | "binary" }>,
  values: readonly Expr[],
  print: (e: Expr) => string,
): string | undefined {
  const parameters = values.map((value, slot): Expr => ({ kind: "load", type: value.type, slot }));
  const expansion = e.kind === "unary" ? expandUnary(e.op, parameters[0]) : expandBinary(e.op, parameters[0], parameters[1]);
  if (!expansion) return undefined;
  const name = `${e.op}_${e.type}`;
  shader.once(name, () => writeFunction(shader, name, expansion, parameters));
  return `${name}(${values.map(print).join(", ")})`;
}

function writeFunction(shader: ShaderText, name: string, expansion: Expr, parameters: readonly Expr[]): void {
  const names = ["x", "y"];
  const signature = parameters.map(({ type }, i) => `${names[i]}: ${type}`).join(", ");
  const unknown = () => {
    throw new Error(`${name} depends on more than its arguments`);
  };
  shader.function(`${name}(${signature}) -> ${expansion.type}`, () => {
    const value = scalarPrinter(shader, { load: (slot) => names[slot], index: unknown, result: unknown })(expansion);
    // Comparisons of NaN may come out either way.
    const guarded = parameters.length === 1 ? `select(${value}, x, ${shader.helper("isNan")}(x))` : value;
    shader.line(`return ${guarded};`);
  });
}

function printUnary(shader: ShaderText, op: UnaryOp, type: ScalarType, x: string): string {
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

function printFloatUnary(shader: ShaderText, op: UnaryOp, x: string): string {
  if (op === "sign") return `${shader.helper("signOf")}(${x})`;
  if (op === "exact") return `${shader.helper("exact")}(${x})`;
  // abs, floor, ceil, trunc, sqrt and round (WGSL rounds halves to even) are exact as they are.
  return op === "neg" ? `-${x}` : `${op}(${x})`;
}

const comparisons: Readonly<Partial<Record<BinaryOp, string>>> = { lt: "<", le: "<=", eq: "==" };
const arithmetic: Readonly<Partial<Record<BinaryOp, string>>> = { add: "+", sub: "-", mul: "*" };
const bitwise: Readonly<Partial<Record<BinaryOp, string>>> = { and: "&", or: "|", xor: "^" };

function printBinary(shader: ShaderText, op: BinaryOp, type: ScalarType, x: string, y: string): string {
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

function printFloatBinary(shader: ShaderText, op: BinaryOp, x: string, y: string): string {
  switch (op) {
    case "div":
      return `${x} / ${y}`;
    case "min":
      return `${shader.helper("minimum")}(${x}, ${y})`;
    case "max":
      return `${shader.helper("maximum")}(${x}, ${y})`;
    default:
      throw unsupported(op, "f32");
  }
}

function printIntegerBinary(shader: ShaderText, op: BinaryOp, type: "i32" | "u32" | ScalarType, x: string, y: string): string {
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

function printCast(shader: ShaderText, to: ScalarType, from: ScalarType, x: string): string {
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
