/**
 * Functions that devices have no instruction for, as arithmetic: ranges are reduced, then polynomials are evaluated, special values
 * come out of the same arithmetic or are selected at the end. There are no loops.
 *
 * The polynomials are minimax fits (weighted for relative error, found by Lawson's iteration in high precision, coefficients rounded
 * to f32 one after the other); their own error is below 2e-8, so that rounding dominates. `deno task accuracy` measures what is
 * left on each device. Products and sums may be fused by a device or not: what must be exact is so either way.
 *
 * Two kinds of node tell a printer more than what the value is: `exact` marks a step of compensated arithmetic, which a compiler that
 * takes floats for real numbers would fold away, and `rarely` what only few arguments need. Functions of one float give NaN for
 * NaN; those of this folder get there by arithmetic and comparisons of NaN, so a printer whose compiler may assume that there are none
 * (WGSL's) selects it itself.
 *
 * Methods: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980, for the reductions; T. J. Dekker, "A
 * floating-point technique for extending the available precision", 1971, for exact products.
 *
 * @module
 */
import type { BinaryOp, Expr, UnaryOp } from "../expr.ts";
import { geluTanh, gudermannian, mish, selu, silu, softplus, softsign } from "./activations.ts";
import { erf, erfc, erfinv, gelu } from "./error_function.ts";
import { cosh, exp, exp2, expm1, sigmoid, sinh, tanh } from "./exponential.ts";
import { functionsOfDoubles } from "./doubles/mod.ts";
import { digamma, lgamma } from "./gamma.ts";
import { acosh, asinh, atanh } from "./inverse_hyperbolic.ts";
import { acos, asin, atan, atan2 } from "./inverse_trigonometric.ts";
import { log, log10, log1p, log2 } from "./logarithm.ts";
import { cbrt, constantPower, integerPower, pow } from "./power.ts";
import { rem } from "./remainder.ts";
import { hypot, isru } from "./roots.ts";
import { cos, sin, tan } from "./trigonometric.ts";

const unaries: Readonly<Partial<Record<UnaryOp, (x: Expr) => Expr>>> = {
  cbrt,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  sigmoid,
  silu,
  erf,
  erfc,
  erfinv,
  gelu,
  geluTanh,
  selu,
  softplus,
  mish,
  gudermannian,
  isru,
  softsign,
  lgamma,
  digamma,
};

const binaries: Readonly<Partial<Record<BinaryOp, (x: Expr, y: Expr) => Expr>>> = { pow, atan2, hypot, rem };

/** Functions of one float that no device has an instruction for. */
export const functionNames = Object.keys(unaries) as readonly UnaryOp[];

/** Those of two. */
export const binaryFunctionNames = Object.keys(binaries) as readonly BinaryOp[];

/** An operation of one float as arithmetic, or undefined if devices have an instruction for it, or leave it to JavaScript. */
export function expandUnary(op: UnaryOp, x: Expr): Expr | undefined {
  return x.type === "f32" ? unaries[op]?.(x) : x.type === "f64" ? functionsOfDoubles[op]?.(x) : undefined;
}

/** An operation of two f32, i32 or u32 as arithmetic, or undefined if devices have an instruction for it. */
export function expandBinary(op: BinaryOp, x: Expr, y: Expr): Expr | undefined {
  if (op === "pow" && (x.type === "i32" || x.type === "u32")) return integerPower(x, y);
  if (x.type !== "f32") return undefined;
  return binaries[op]?.(x, y);
}

/** The same where the right argument is a literal and that takes less, else undefined. */
export function expandLiteral(op: BinaryOp, x: Expr, y: Expr): Expr | undefined {
  return op === "pow" && y.kind === "const" ? constantPower(x, y.value) : undefined;
}
