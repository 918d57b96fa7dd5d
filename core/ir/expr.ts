/**
 * The scalar language: what a kernel computes for one element.
 *
 * One expression serves every device: WGSL text, WebAssembly SIMD and the reference interpreter are printed from it. Nodes are
 * shared by identity (a DAG), so a printer that remembers visited nodes computes each value once.
 *
 * @module
 */
import { computeType, type DType, isStorage } from "../dtype.ts";

/** The type of a scalar. */
export type ScalarType = "f32" | "f64" | "i32" | "u32" | "bool";

/** The type as which elements of a buffer are loaded, and from which they are stored: of storage the one it is computed in. */
export function scalarType(dtype: DType): ScalarType {
  return (isStorage(dtype) ? computeType(dtype) : dtype) as ScalarType;
}

/**
 * Operations of one argument whose result has the argument's type. `not` takes bool; `isNaN` gives bool. `exact` is its argument, rounded
 * as it stands there: a printer whose compiler may treat floats as real numbers hides from it what the value is made of.
 */
export type UnaryOp =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round" // to the nearest, halves to even
  | "trunc"
  | "sqrt"
  | "cbrt"
  | "exp"
  | "exp2"
  | "expm1"
  | "log"
  | "log2"
  | "log10"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "sigmoid"
  | "silu" // x sigmoid(x)
  | "erf"
  | "erfc" // 1 - erf(x)
  | "erfinv"
  | "gelu" // x times the normal distribution function of x
  | "geluTanh" // x sigmoid(sqrt(8 / pi) (x + 0.044715 x^3))
  | "selu"
  | "softplus" // log(1 + e^x)
  | "mish" // x tanh(softplus(x))
  | "gudermannian" // atan(sinh(x))
  | "isru" // x / sqrt(1 + x^2)
  | "softsign" // x / (1 + |x|)
  | "lgamma"
  | "digamma"
  | "isNaN"
  | "exact"
  | "not"; // logical for bool, bitwise for integers

/**
 * Operations of two arguments of one type. `min` and `max` give NaN if either is NaN. `rem` has the sign of the left argument
 * (truncated division; integers divide truncated too). `and`, `or`, `xor` are bitwise on integers, logical on bool. Shifts
 * take their count modulo 32; `shr` is arithmetic on i32. `lt`, `le`, `eq`, `ne` give bool. Of an f64 `and`, `or`, `xor` and shifts take
 * the 64 bits, in functions of doubles as arithmetic (`functions/doubles`).
 */
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "min"
  | "max"
  | "pow"
  | "atan2"
  | "hypot" // sqrt(x^2 + y^2)
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr"
  | "lt"
  | "le"
  | "eq"
  | "ne";

/** A scalar computation. */
export type Expr =
  /** A literal; bool as 0 or 1. May be NaN or infinite: printers must cope. */
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: number }
  /** The element that access number `slot` of the kernel reads at the current point. */
  | { readonly kind: "load"; readonly type: ScalarType; readonly slot: number }
  /** offset + the sum of strides[axis] * (current index along axis): an integer that depends on the indices only. */
  | { readonly kind: "index"; readonly type: "i32"; readonly offset: number; readonly strides: readonly number[] }
  /** In the stores of a kernel that has a result before them (a reduction, a matmul, ...): that result. */
  | { readonly kind: "result"; readonly type: ScalarType; readonly slot: number }
  /** If `called`, by a function of JavaScript, where another than arithmetic would take as long. */
  | { readonly kind: "unary"; readonly type: ScalarType; readonly op: UnaryOp; readonly x: Expr; readonly called?: true }
  | { readonly kind: "binary"; readonly type: ScalarType; readonly op: BinaryOp; readonly x: Expr; readonly y: Expr }
  /** `x` where `test` holds, else `y`; if `rare`, that seldom happens, and a printer may branch around `x`. */
  | {
    readonly kind: "select";
    readonly type: ScalarType;
    readonly test: Expr;
    readonly x: Expr;
    readonly y: Expr;
    readonly rare?: true;
  }
  /** Conversion of the value: floats to integers truncate and saturate, NaN to 0; to bool is `!= 0`. */
  | { readonly kind: "cast"; readonly type: ScalarType; readonly x: Expr }
  /** The same 32 bits read as another type. */
  | { readonly kind: "bitcast"; readonly type: ScalarType; readonly x: Expr };

const comparisons: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne"]);

/** A literal of the given type. */
export function constant(type: ScalarType, value: number): Expr {
  return { kind: "const", type, value };
}

/** `op` applied to one scalar. */
export function unary(op: UnaryOp, x: Expr): Expr {
  return { kind: "unary", type: op === "isNaN" ? "bool" : x.type, op, x };
}

/** `op` applied to one double by a function of JavaScript. */
export function called(op: UnaryOp, x: Expr): Expr {
  return { kind: "unary", type: x.type, op, x, called: true };
}

/** `op` applied to two scalars of one type; a number stands for a literal of the other's type. */
export function binary(op: BinaryOp, x: Expr, y: Expr | number): Expr {
  const right = typeof y === "number" ? constant(x.type, y) : y;
  return { kind: "binary", type: comparisons.has(op) ? "bool" : x.type, op, x, y: right };
}

/** `x` where `test` holds, else `y`. Both are computed. */
export function select(test: Expr, x: Expr, y: Expr): Expr {
  return { kind: "select", type: x.type, test, x, y };
}

/** `x` where `test` holds, which it seldom does, else `y`; `x` need not be computed where it holds nowhere. */
export function rarely(test: Expr, x: Expr, y: Expr): Expr {
  return { kind: "select", type: x.type, test, x, y, rare: true };
}

/** The value of `x` as another type. */
export function cast(type: ScalarType, x: Expr): Expr {
  return x.type === type ? x : { kind: "cast", type, x };
}

/** The bits of `x` read as another type of 32 bits. */
export function bitcast(type: ScalarType, x: Expr): Expr {
  return x.type === type ? x : { kind: "bitcast", type, x };
}

/** Whether an expression has no arguments. */
export function isLeaf({ kind }: Expr): boolean {
  return kind === "const" || kind === "load" || kind === "result" || kind === "index";
}

/** Text that equal leaves have in common. */
export function leafKey(e: Expr): string {
  switch (e.kind) {
    case "const":
      return `${e.kind} ${e.type} ${Object.is(e.value, -0) ? "-0" : e.value}`;
    case "load":
    case "result":
      return `${e.kind} ${e.type} ${e.slot}`;
    case "index":
      return `${e.kind} ${e.type} ${e.offset} ${e.strides}`;
    default:
      throw new Error(`${e.kind} is no leaf`);
  }
}

/** Tells the direct arguments of an expression, in order. They are told and not listed, as compiling asks for them most. */
export function eachArgument(e: Expr, see: (x: Expr) => void): void {
  switch (e.kind) {
    case "unary":
    case "cast":
    case "bitcast":
      see(e.x);
      return;
    case "select":
      see(e.test);
      see(e.x);
      see(e.y);
      return;
    case "binary":
      see(e.x);
      see(e.y);
  }
}

/** Rebuilds an expression with its leaves (`load`, `index`, `result`, `const`) replaced; shared nodes stay shared. */
export function mapLeaves(e: Expr, leaf: (leaf: Expr) => Expr, memo: Map<Expr, Expr> = new Map()): Expr {
  const known = memo.get(e);
  if (known) return known;
  const go = (x: Expr) => mapLeaves(x, leaf, memo);
  let made: Expr;
  switch (e.kind) {
    case "unary":
    case "cast":
    case "bitcast":
      made = { ...e, x: go(e.x) };
      break;
    case "binary":
      made = { ...e, x: go(e.x), y: go(e.y) };
      break;
    case "select":
      made = { ...e, test: go(e.test), x: go(e.x), y: go(e.y) };
      break;
    default:
      made = leaf(e);
  }
  memo.set(e, made);
  return made;
}

/** Tells the direct arguments that are computed at every point: all but the rare part of a select. */
export function eachUsualArgument(e: Expr, see: (x: Expr) => void): void {
  if (e.kind !== "select" || !e.rare) return eachArgument(e, see);
  see(e.test);
  see(e.y);
}

/** Visits every node of the expressions once, arguments before users; `each` may leave some arguments out. */
export function visit(roots: readonly Expr[], see: (e: Expr) => void, each = eachArgument): void {
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    each(e, go);
    see(e);
  };
  roots.forEach(go);
}
