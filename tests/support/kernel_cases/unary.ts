/**
 * Every operation of one argument: ordinary values, then zeros, infinities and NaN.
 *
 * @module
 */
import { unary, type UnaryOp } from "../../../core/ir/expr.ts";
import { exact, smallestNormal, type Tolerance } from "../close.ts";
import { noise, noise64 } from "../noise.ts";
import { elementwiseCase, type KernelCase } from "./builder.ts";

/** What a vectorised f32 function reaches: a few units in the last place. */
const close: Tolerance = { relative: 1e-6, absolute: smallestNormal };

/** Functions whose error a shader's built-in promises only absolutely, near their zeros. */
const closeNearZeros: Tolerance = { relative: 1e-6, absolute: 5e-7 };

/** How one function is tested. */
interface Plan {
  readonly op: UnaryOp;
  /** Bounds of the ordinary values. */
  readonly range: readonly [number, number];
  readonly tolerance: Tolerance;
  /** Arguments and values that hold exactly (to the rounding of f32), beside NaN -> NaN. */
  readonly special: readonly (readonly [number, number])[];
}

const inf = Infinity;

const plans: readonly Plan[] = [
  { op: "neg", range: [-1e3, 1e3], tolerance: exact, special: [[inf, -inf], [-inf, inf], [0, -0], [1, -1]] },
  { op: "abs", range: [-1e3, 1e3], tolerance: exact, special: [[inf, inf], [-inf, inf], [-0, 0], [-1, 1]] },
  { op: "sign", range: [-9, 9], tolerance: exact, special: [[inf, 1], [-inf, -1], [0, 0], [-0, 0], [1e-30, 1]] },
  {
    op: "floor",
    range: [-9, 9],
    tolerance: exact,
    special: [[inf, inf], [-inf, -inf], [-0.5, -1], [0.5, 0], [3e9, 3e9], [-3, -3], [16777217, 16777216]],
  },
  { op: "ceil", range: [-9, 9], tolerance: exact, special: [[inf, inf], [-inf, -inf], [-0.5, 0], [0.5, 1], [-3e9, -3e9]] },
  {
    op: "round",
    range: [-9, 9],
    tolerance: exact,
    special: [[inf, inf], [-inf, -inf], [0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [-2.5, -2], [8388609, 8388609]],
  },
  { op: "trunc", range: [-9, 9], tolerance: exact, special: [[inf, inf], [-inf, -inf], [-0.5, 0], [-1.5, -1], [3e9, 3e9]] },
  { op: "sqrt", range: [0, 1e4], tolerance: close, special: [[inf, inf], [0, 0], [-1, NaN], [4, 2], [-inf, NaN]] },
  { op: "exp", range: [-85, 88], tolerance: close, special: [[inf, inf], [-inf, 0], [0, 1], [90, inf], [-120, 0], [3e4, inf]] },
  {
    op: "log",
    range: [1e-6, 50],
    tolerance: closeNearZeros,
    special: [[inf, inf], [0, -inf], [-1, NaN], [1, 0], [-inf, NaN], [-1e-30, NaN], [1e30, Math.log(Math.fround(1e30))]],
  },
  { op: "expm1", range: [-20, 88], tolerance: close, special: [[inf, inf], [-inf, -1], [0, 0], [1e-6, 1.0000005e-6], [90, inf]] },
  {
    op: "log1p",
    range: [-0.999, 50],
    tolerance: close,
    special: [[inf, inf], [-1, -inf], [-2, NaN], [0, 0], [1e-6, 9.999995e-7]],
  },
  { op: "sin", range: [-60, 60], tolerance: closeNearZeros, special: [[inf, NaN], [-inf, NaN], [0, 0], [1e-4, Math.sin(1e-4)]] },
  { op: "cos", range: [-60, 60], tolerance: closeNearZeros, special: [[inf, NaN], [-inf, NaN], [0, 1]] },
  { op: "tan", range: [-1.4, 1.4], tolerance: { relative: 2e-6, absolute: 5e-7 }, special: [[inf, NaN], [-inf, NaN], [0, 0]] },
  {
    op: "asin",
    range: [-1, 1],
    tolerance: closeNearZeros,
    special: [[1, Math.PI / 2], [-1, -Math.PI / 2], [1.5, NaN], [inf, NaN]],
  },
  { op: "acos", range: [-1, 1], tolerance: closeNearZeros, special: [[1, 0], [-1, Math.PI], [0, Math.PI / 2], [-1.5, NaN]] },
  {
    op: "atan",
    range: [-30, 30],
    tolerance: close,
    special: [[inf, Math.PI / 2], [-inf, -Math.PI / 2], [0, 0], [1, Math.PI / 4]],
  },
  {
    op: "sinh",
    range: [-80, 80],
    tolerance: close,
    special: [[inf, inf], [-inf, -inf], [0, 0], [1e-4, Math.sinh(1e-4)], [-90, -inf]],
  },
  { op: "cosh", range: [-80, 80], tolerance: close, special: [[inf, inf], [-inf, inf], [0, 1], [-90, inf]] },
  { op: "tanh", range: [-12, 12], tolerance: close, special: [[inf, 1], [-inf, -1], [0, 0], [1e-4, Math.tanh(1e-4)], [100, 1]] },
  { op: "erf", range: [-5, 5], tolerance: close, special: [[inf, 1], [-inf, -1], [0, 0], [1e-4, 1.1283791633e-4], [30, 1]] },
  { op: "erfc", range: [-5, 9], tolerance: close, special: [[inf, 0], [-inf, 2], [0, 1], [30, 0]] },
  { op: "sigmoid", range: [-80, 20], tolerance: close, special: [[inf, 1], [-inf, 0], [0, 0.5], [100, 1]] },
  {
    op: "silu",
    range: [-80, 40],
    tolerance: close,
    special: [[inf, inf], [-inf, -0], [0, 0], [-0, -0], [1e30, 1e30], [-1e30, -0]],
  },
  {
    op: "gelu",
    range: [-12, 12],
    tolerance: close,
    special: [[inf, inf], [-inf, -0], [0, 0], [-0, -0], [1e30, 1e30], [-1e30, -0]],
  },
  {
    op: "geluTanh",
    range: [-9, 9],
    tolerance: close,
    special: [[inf, inf], [-inf, -0], [0, 0], [-0, -0], [1e30, 1e30], [-1e30, -0]],
  },
  {
    op: "mish",
    range: [-80, 40],
    tolerance: close,
    special: [[inf, inf], [-inf, -0], [0, 0], [-0, -0], [1e30, 1e30], [-1e30, -0]],
  },
  { op: "selu", range: [-30, 9], tolerance: close, special: [[inf, inf], [-inf, -1.7580993408473766], [0, 0], [-0, -0]] },
  { op: "softplus", range: [-80, 40], tolerance: close, special: [[inf, inf], [-inf, 0], [0, Math.LN2], [1e30, 1e30]] },
  {
    op: "gudermannian",
    range: [-12, 12],
    tolerance: close,
    special: [[inf, Math.PI / 2], [-inf, -Math.PI / 2], [0, 0], [-0, -0]],
  },
  { op: "isru", range: [-30, 30], tolerance: close, special: [[inf, 1], [-inf, -1], [0, 0], [-0, -0], [1e30, 1]] },
  { op: "softsign", range: [-30, 30], tolerance: close, special: [[inf, 1], [-inf, -1], [0, 0], [-0, -0], [3, 0.75]] },
];

const count = 203; // not a multiple of any vector width

function spread(values: Float32Array | Float64Array, [low, high]: readonly [number, number]): number[] {
  return Array.from(values, (x) => low + (x + 1) / 2 * (high - low));
}

/** f64 is tested to 12 digits: single-precision tables must not stand in for it. */
function doubled({ relative, absolute }: Tolerance): Tolerance {
  return { relative: Math.min(relative, 1e-12), absolute: Math.min(absolute, 1e-13) };
}

function floatCases({ op, range, tolerance, special }: Plan): KernelCase[] {
  const apply = unary.bind(undefined, op);
  const rounding = { relative: Math.max(tolerance.relative, 1e-7), absolute: Math.max(tolerance.absolute, smallestNormal) };
  const points = [...special.map(([x]) => x), NaN];
  const values = [...special.map(([, y]) => y), NaN];
  // Near zero, where functions that are nearly the identity lose digits if made from others.
  const small = Array.from(noise(2, 50, 1e-3));
  const inside = range[0] < 0 ? [...spread(noise(1, count), range), ...small] : spread(noise(1, count), range);
  const outputs64 = op === "exp" || op === "expm1" || op === "sinh" || op === "cosh"
    ? special.filter(([x]) => !(Number.isFinite(x) && Math.abs(x) > 80))
    : special;
  return [
    elementwiseCase(`${op} f32`, tolerance, [{ dtype: "f32", values: inside }], "f32", apply),
    elementwiseCase(`${op} f32 at special points`, rounding, [{ dtype: "f32", values: points }], "f32", apply, values),
    elementwiseCase(`${op} f64`, doubled(tolerance), [{ dtype: "f64", values: spread(noise64(3, count), range) }], "f64", apply),
    elementwiseCase(
      `${op} f64 at special points`,
      doubled(tolerance),
      [{ dtype: "f64", values: [...outputs64.map(([x]) => x), NaN] }],
      "f64",
      apply,
    ),
  ];
}

const integers = [0, 1, -1, 2, -7, 1000003, -(2 ** 31), 2 ** 31 - 1];
const naturals = [0, 1, 2, 7, 1000003, 2 ** 31, 2 ** 32 - 1];

const integerCases: readonly KernelCase[] = [
  ...(["neg", "abs", "sign", "not"] as const).map((op) =>
    elementwiseCase(
      `${op} i32`,
      exact,
      [{ dtype: "i32", values: integers }],
      "i32",
      (x) => unary(op, x),
      {
        neg: [0, -1, 1, -2, 7, -1000003, -(2 ** 31), -(2 ** 31) + 1],
        abs: [0, 1, 1, 2, 7, 1000003, -(2 ** 31), 2 ** 31 - 1],
        sign: [0, 1, -1, 1, -1, 1, -1, 1],
        not: [-1, -2, 0, -3, 6, -1000004, 2 ** 31 - 1, -(2 ** 31)],
      }[op],
    )
  ),
  ...(["neg", "abs", "sign", "not"] as const).map((op) =>
    elementwiseCase(`${op} u32`, exact, [{ dtype: "u32", values: naturals }], "u32", (x) => unary(op, x))
  ),
  elementwiseCase("not bool", exact, [{ dtype: "bool", values: [0, 1, 1, 0, 1] }], "bool", (x) => unary("not", x), [
    1,
    0,
    0,
    1,
    0,
  ]),
  elementwiseCase(
    "isNaN f32",
    exact,
    [{ dtype: "f32", values: [NaN, 0, inf, -inf, 1, -NaN, 3e38] }],
    "bool",
    (x) => unary("isNaN", x),
    [1, 0, 0, 0, 0, 1, 0],
  ),
  elementwiseCase("isNaN f64", exact, [{ dtype: "f64", values: [NaN, 0, inf, 1e300] }], "bool", (x) => unary("isNaN", x), [
    1,
    0,
    0,
    0,
  ]),
  elementwiseCase(
    "isNaN of a computed NaN",
    exact,
    [{ dtype: "f32", values: [0, 1, -1, 4] }],
    "bool",
    (x) => unary("isNaN", unary("sqrt", x)),
    [0, 0, 1, 0],
  ),
];

/** Angles of all sizes among one another, which take different ways. */
const angles = [0.5, 1e5, -3, 8e9, 6399, 6401, -2e20, 3e38, 1, 2, 3, 4, 32768, -1e7, 0.1, 1.2e-3, 7, 1e12].map(Math.fround);

const farCases: readonly KernelCase[] = (["sin", "cos", "tan"] as const).map((op) =>
  elementwiseCase(
    `${op} f32 of angles near and far`,
    { relative: 1e-6, absolute: smallestNormal },
    [{ dtype: "f32", values: angles }],
    "f32",
    (x) => unary(op, x),
  )
);

/** Cases of operations of one argument. */
export const unaryCases: readonly KernelCase[] = [...plans.flatMap(floatCases), ...farCases, ...integerCases];
