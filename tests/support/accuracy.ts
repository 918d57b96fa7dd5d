/**
 * How exact the functions of single numbers are: for each one its equal in double precision, and the largest error that each device
 * may show. Tests check samples against this table, `tests/accuracy.ts` measures it and writes docs/accuracy.md.
 *
 * @module
 */
import { doubleMath } from "../../core/ir/functions/double.ts";
import * as ct from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

/** One function, and what is promised of it, in units in the last place. */
export interface Accuracy {
  readonly f: (x: Tensor, y: Tensor) => Tensor;
  /** The same of doubles, far more exact than f32. */
  readonly exact: (x: number, y: number) => number;
  /** The largest error of f32 on `wasm`, and on `webgpu` where its driver divides as IEEE 754 does. Default 2. */
  readonly f32?: number;
  /** The largest error of f64, on `wasm` and on the reference. Default 1. */
  readonly f64?: number;
  /** A function of two numbers. */
  readonly binary?: true;
  /** From here on down the error is measured in units of numbers of at least size 8, as the terms are that cancel there. */
  readonly absoluteBelow?: number;
  /** Whether results below the smallest normal number may be lost. */
  readonly flushes?: true;
  /** Why something is not the default. */
  readonly why?: string;
}

const { sigmoid, pow, atan2, rem, ...unaries } = doubleMath();
const softplus = (x: number) => x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
const tanh = unaries.tanh;
const zeros = "below 0 of numbers of at least size 8";

/** The functions by name. */
export const accuracies: Readonly<Record<string, Accuracy>> = {
  sqrt: { f: ct.sqrt, exact: Math.sqrt, f32: 0.5 },
  rsqrt: { f: ct.rsqrt, exact: (x) => 1 / Math.sqrt(x), f64: 1.5, why: "two roundings" },
  cbrt: { f: ct.cbrt, exact: unaries.cbrt, f32: 1 },
  exp: { f: ct.exp, exact: unaries.exp, f32: 1.1 },
  exp2: { f: ct.exp2, exact: unaries.exp2, f32: 1.1 },
  expm1: { f: ct.expm1, exact: unaries.expm1 },
  log: { f: ct.log, exact: unaries.log, f32: 1 },
  log2: { f: ct.log2, exact: unaries.log2, f32: 1 },
  log10: { f: ct.log10, exact: unaries.log10, f32: 1 },
  log1p: { f: ct.log1p, exact: unaries.log1p, f32: 1 },
  sin: { f: ct.sin, exact: unaries.sin },
  cos: { f: ct.cos, exact: unaries.cos },
  tan: { f: ct.tan, exact: unaries.tan },
  asin: { f: ct.asin, exact: unaries.asin },
  acos: { f: ct.acos, exact: unaries.acos },
  atan: { f: ct.atan, exact: unaries.atan },
  sinh: { f: ct.sinh, exact: unaries.sinh },
  cosh: { f: ct.cosh, exact: unaries.cosh },
  tanh: { f: ct.tanh, exact: unaries.tanh },
  asinh: { f: ct.asinh, exact: unaries.asinh },
  acosh: { f: ct.acosh, exact: unaries.acosh },
  atanh: { f: ct.atanh, exact: unaries.atanh },
  sigmoid: { f: ct.sigmoid, exact: sigmoid },
  silu: { f: ct.silu, exact: unaries.silu },
  erf: { f: ct.erf, exact: unaries.erf },
  erfc: { f: ct.erfc, exact: unaries.erfc },
  erfinv: { f: ct.erfinv, exact: unaries.erfinv },
  gelu: { f: (x) => ct.gelu(x), exact: unaries.gelu },
  geluTanh: {
    f: (x) => ct.gelu(x, { approximate: true }),
    exact: (x) => Math.abs(x) > 1e4 ? Math.max(x, 0) : x * sigmoid(Math.sqrt(8 / Math.PI) * (x + 0.044715 * x ** 3)),
  },
  selu: {
    f: (x) => ct.selu(x),
    exact: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  },
  lgamma: { f: ct.lgamma, exact: unaries.lgamma, absoluteBelow: 0, why: zeros },
  digamma: { f: ct.digamma, exact: unaries.digamma, absoluteBelow: 0, why: zeros },
  softplus: { f: ct.softplus, exact: softplus },
  logSigmoid: { f: ct.logSigmoid, exact: (x) => -softplus(-x) },
  mish: {
    f: ct.mish,
    exact: (x) => x < -800 ? -0 : x * tanh(softplus(x)),
  },
  elu: { f: (x) => ct.elu(x), exact: (x) => x > 0 ? x : Math.expm1(x) },
  gudermannian: { f: ct.gudermannian, exact: (x) => Math.atan(Math.sinh(x)) },
  isru: {
    f: ct.isru,
    exact: (x) => Math.abs(x) < 1e18 ? x / Math.sqrt(1 + x * x) : Math.sign(x),
  },
  softsign: {
    f: ct.softsign,
    exact: (x) => Math.abs(x) === Infinity ? Math.sign(x) : x / (1 + Math.abs(x)),
  },
  pow: { f: ct.pow, exact: pow, f32: 1.3, binary: true },
  atan2: { f: ct.atan2, exact: atan2, binary: true },
  hypot: { f: ct.hypot, exact: (x, y) => Math.sqrt(x * x + y * y), binary: true },
  rem: { f: ct.rem, exact: rem, f32: 0.5, f64: 0.5, binary: true },
};

/** The smallest normal number of a type. */
const smallest = { f32: 2 ** -126, f64: 2 ** -1022 } as const;

/** The distance of neighbours at a number. */
function unitOf(type: "f32" | "f64", value: number): number {
  const size = Math.max(Math.abs(value), smallest[type]);
  const exponent = Math.min(Math.floor(Math.log2(size)), type === "f32" ? 127 : 1023);
  // The logarithm of what is just below a power of two may be that of the power.
  const below = size < 2 ** exponent ? 1 : 0;
  return 2 ** (exponent - below) * 2 ** (type === "f32" ? -23 : -52);
}

/** How a result is judged. */
export interface Judgement {
  readonly type: "f32" | "f64";
  /** Whether the device may take numbers below the smallest normal one for 0, and results that would be. */
  readonly flushes?: boolean;
  /** What the exact result has beyond a double. */
  readonly low?: number;
  /** The size that units are taken of is at least this. */
  readonly least?: number;
}

/** The error of a result in units in the last place of the exact one; infinite where NaN or infinity is wrong. */
export function unitsOff(got: number, want: number, { type, flushes, low = 0, least = 0 }: Judgement): number {
  const rounded = type === "f32" ? Math.fround(want) : want;
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got) ? 0 : Infinity;
  if (got === rounded && !Number.isFinite(got)) return 0;
  if (!Number.isFinite(want) || (type === "f64" && !Number.isFinite(got))) return Infinity;
  if (flushes && Math.abs(want) < smallest[type]) return Math.abs(got) <= smallest[type] ? 0 : Infinity;
  // Infinity stands where the next number would be.
  const value = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
  return Math.abs((value - want) - low) / unitOf(type, Math.max(Math.abs(want), least));
}

/** Every n-th bit pattern of the floats, with an odd step, so that the low bits vary too. */
export function floatsOf(count: number, first = 0): Float32Array {
  const step = Math.floor(2 ** 32 / count) | 1;
  return new Float32Array(Uint32Array.from({ length: count }, (_, i) => first + Math.imul(i, step)).buffer);
}

/** Numbers of ordinary size, of both signs, the dense ones near 0. */
export function ordinary(count: number, most = 40): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (2 * (i + 0.37) / count - 1) ** 3 * most);
}

/** For the n-th argument some other, of a magnitude that leads to finite results in a good part of the pairs. */
export function partners(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const random = Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0;
    const size = 2 ** ((random & 1023) / 64 - 8);
    return (random >>> 31 ? -size : size) * (1 + ((random >>> 10) & 0xfffff) / 2 ** 20);
  });
}

/** The least size that units are taken of, at an argument. */
export function leastSize({ absoluteBelow = -Infinity }: Accuracy, x: number): number {
  return x < absoluteBelow ? 8 : 0;
}

/** Zeros, infinities, NaN, the ends of the floats and of the numbers below the normal ones. */
export const specialFloats: readonly number[] = [
  ...[0, 1, 2, 0.5, 2 ** -149, 2 ** -126 - 2 ** -149, 2 ** -126, 2 ** 128 - 2 ** 104, Infinity],
  ...[88.72283, 88.72284, 103.97, -103.98, 709.8, 1e4, 1e30, 1 - 2 ** -24, 1 + 2 ** -23],
].flatMap((x) => [x, -x].map(Math.fround)).concat(NaN);
