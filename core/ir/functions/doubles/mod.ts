/**
 * Functions of f64 as arithmetic, for a device that computes two doubles at a time: about as exact as JavaScript's, within a unit in the
 * last place. What few arguments need, and would take long, is left to JavaScript (`called`), and so are all functions that are not here.
 *
 * Bits of doubles are taken by `and`, `or`, `xor` and shifts of f64: there are no integers of 64 bits in the scalar language. Polynomials
 * are minimax fits as in the folder above, their coefficients the nearest doubles; their own error is below 2^-57.
 *
 * @module
 */
import type { Expr, UnaryOp } from "../../expr.ts";
import { sigmoid, silu, softplus } from "./activations.ts";
import { exp, expm1, tanh } from "./exponential.ts";
import { log, log1p } from "./logarithm.ts";
import { cos, sin } from "./trigonometric.ts";

/** By name. */
export const functionsOfDoubles: Readonly<Partial<Record<UnaryOp, (x: Expr) => Expr>>> = {
  exp,
  expm1,
  sigmoid,
  silu,
  softplus,
  tanh,
  log,
  log1p,
  sin,
  cos,
};
