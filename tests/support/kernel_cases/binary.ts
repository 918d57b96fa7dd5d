/**
 * Every operation of two arguments, over all pairs of a list of values: the lists are broadcast against each other.
 *
 * @module
 */
import { binary, type BinaryOp, type ScalarType } from "../../../core/ir/expr.ts";
import { exact, smallestNormal, type Tolerance } from "../close.ts";
import { buildCase, elementwiseCase, type KernelCase, load, store, strided } from "./builder.ts";

const comparisons: readonly BinaryOp[] = ["lt", "le", "eq", "ne"];

/** op(x[i], y[j]) for all i, j. */
function pairsCase(
  op: BinaryOp,
  type: ScalarType,
  xs: readonly number[],
  ys: readonly number[],
  tolerance: Tolerance,
  note = "",
): KernelCase {
  return buildCase(`${op} ${type}${note}`, tolerance, (p) => {
    const x = p.input(type, xs);
    const y = p.input(type, ys);
    const out = p.output(comparisons.includes(op) ? "bool" : type, xs.length * ys.length);
    p.run({
      kind: "map",
      operands: [],
      shape: [xs.length, ys.length],
      loads: [strided(x, [1, 0]), strided(y, [0, 1])],
      stores: [store(strided(out, [ys.length, 1]), binary(op, load(0, type), load(1, type)))],
    });
  });
}

const inf = Infinity;
const floats = [0, 1, -1, 0.5, -2.75, 3, 7.25, 1e-3, -123.456, 4e5];
const specials = [...floats, -0, inf, -inf, NaN];
const rounded: Tolerance = { relative: 1e-6, absolute: smallestNormal };
const precise: Tolerance = { relative: 1e-14, absolute: 0 };

const floatCases: readonly KernelCase[] = [
  ...(["add", "sub", "mul", "div", "min", "max"] as const).map((op) =>
    pairsCase(op, "f32", specials, specials, op === "min" || op === "max" ? exact : rounded)
  ),
  ...(["add", "sub", "mul", "div", "min", "max"] as const).map((op) => pairsCase(op, "f64", specials, specials, precise)),
  ...comparisons.flatMap((op) => [
    pairsCase(op, "f32", specials, specials, exact),
    pairsCase(op, "f64", specials, specials, exact),
  ]),
  // Quotients far from integers, where rounding cannot change the remainder by a whole divisor.
  pairsCase("rem", "f32", [0.7, -0.7, 5.3, -5.3, 10.9, 100.3, -100.3], [3, -3, 0.45, 7.7], { relative: 1e-6, absolute: 1e-5 }),
  pairsCase("rem", "f64", [0.7, -0.7, 5.3, -5.3, 10.9, 100.3, -100.3], [3, -3, 0.45, 7.7], { relative: 1e-12, absolute: 1e-12 }),
  pairsCase("rem", "f32", [7, -7, 6, -6, 0, 1], [3, -3, 2, 1], exact, " of integers"),
  pairsCase("rem", "f32", [inf, 1, NaN, -2], [inf, NaN, 0, -inf], exact, " at special points"),
  pairsCase(
    "rem",
    "f32",
    [1e30, -3e38, 7, 1e-30, 2 ** 100, 123456792],
    [0.1, 3e-38, -2.5, 1e30, 3].map(Math.fround),
    exact,
    " of any size",
  ),
  // The error of exp(y log x) grows with the size of y log x, here 7 at most.
  pairsCase("pow", "f32", [0.1, 0.5, 0.9, 1, 1.5, 2, 10], [-3, -2, -1, -0.5, 0, 0.5, 1, 2, 2.5, 3], {
    ...rounded,
    relative: 2e-6,
  }),
  pairsCase("pow", "f32", [-2, -1, -0.5, -3], [-3, -2, -1, 0, 1, 2, 3, 4], { ...rounded, relative: 2e-6 }, " of negative bases"),
  pairsCase("pow", "f32", [0, 1, 2, 0.5, inf, NaN, -1.5], [0, 1, -1, 0.5, inf, -inf, NaN], rounded, " at special points"),
  pairsCase("pow", "f64", [0.1, 0.5, 1, 1.5, 10, -2], [-3, -1, 0, 0.5, 1, 2, 2.5], { relative: 1e-12, absolute: 0 }),
  pairsCase("atan2", "f32", [0.1, -0.1, 1, -3, 100, -1e-3], [0.2, -0.2, 1, -1, 50, -1e3], { relative: 1e-6, absolute: 5e-7 }),
  pairsCase("atan2", "f32", [0, 1, -1], [1, -1, 2], { relative: 1e-6, absolute: 5e-7 }, " on the axes"),
  pairsCase("atan2", "f32", [1, -1], [0, inf, -inf, NaN], { relative: 1e-6, absolute: 5e-7 }, " at special points"),
  pairsCase("hypot", "f32", [3, -1e-3, 0, 3e30, -0.5], [4, 4e30, 0, -1e-3], { relative: 1e-6, absolute: 0 }),
  pairsCase("hypot", "f32", [inf, -inf, NaN, 1, 0], [1, -inf, 0, NaN], { relative: 1e-6, absolute: 0 }, " at special points"),
  pairsCase("hypot", "f64", [3, -1e-3, 0, 3e300, -0.5], [4, 4e300, 0, -1e-3], { relative: 1e-12, absolute: 0 }),
  pairsCase("atan2", "f64", [0.1, -0.1, 1, -3, 100, 0], [0.2, -0.2, 1, -1, 50, -1e3], { relative: 1e-12, absolute: 0 }),
];

const integers = [0, 1, -1, 2, 7, -7, 46341, 1000003, -(2 ** 31), 2 ** 31 - 1];
const naturals = [0, 1, 2, 7, 31, 65537, 1000003, 2 ** 31, 2 ** 32 - 1];
const arithmetic: readonly BinaryOp[] = ["add", "sub", "mul", "min", "max", "and", "or", "xor", ...comparisons];
const notZero = (x: number) => x !== 0;

const integerCases: readonly KernelCase[] = [
  ...arithmetic.map((op) => pairsCase(op, "i32", integers, integers, exact)),
  ...arithmetic.map((op) => pairsCase(op, "u32", naturals, naturals, exact)),
  ...(["div", "rem"] as const).flatMap((op) => [
    pairsCase(op, "i32", integers, integers.filter(notZero), exact),
    pairsCase(op, "u32", naturals, naturals.filter(notZero), exact),
  ]),
  ...(["shl", "shr"] as const).flatMap((op) => [
    pairsCase(op, "i32", integers, [0, 1, 5, 31, 32, 33, -1], exact),
    pairsCase(op, "u32", naturals, [0, 1, 5, 31, 32, 33, 2 ** 32 - 1], exact),
  ]),
  pairsCase("pow", "i32", integers, [0, 1, 2, 3, 7, 31, -1, -2], exact),
  pairsCase("pow", "u32", naturals, [0, 1, 2, 3, 7, 31, 2 ** 31 + 1], exact),
  ...([0, 1, 2, 5, 12, -1, -2] as const).map((power) =>
    elementwiseCase(
      `i32 to the power of ${power}`,
      exact,
      [{ dtype: "i32", values: integers }],
      "i32",
      (x) => binary("pow", x, power),
    )
  ),
  ...(["and", "or", "xor", "eq", "ne"] as const).map((op) => pairsCase(op, "bool", [0, 1], [0, 1], exact)),
];

/** A few answers worked out by hand, for the reference. */
const knownCases: readonly KernelCase[] = [
  known("i32 mul wraps", "i32", "mul", [46341, -(2 ** 31), 1000003], [46341, -1, 1000003], [-2147479015, -(2 ** 31), -721379959]),
  known("u32 mul wraps", "u32", "mul", [65537, 2 ** 32 - 1], [65537, 2 ** 32 - 1], [131073, 1]),
  known("u32 sub wraps", "u32", "sub", [0, 5], [1, 7], [2 ** 32 - 1, 2 ** 32 - 2]),
  known("i32 div truncates", "i32", "div", [7, -7, 7, -7, -(2 ** 31)], [2, 2, -2, -2, -1], [3, -3, -3, 3, -(2 ** 31)]),
  known("i32 rem takes the sign of the left", "i32", "rem", [7, -7, 7, -7, -(2 ** 31)], [3, 3, -3, -3, -1], [1, -1, 1, -1, 0]),
  known("i32 shr is arithmetic", "i32", "shr", [-8, -8, 8, -1], [1, 33, 35, 31], [-4, -4, 1, -1]),
  known("u32 shr is logical", "u32", "shr", [2 ** 32 - 8, 8], [1, 35], [2 ** 31 - 4, 1]),
  known("f32 min gives NaN", "f32", "min", [NaN, 1, -inf], [1, NaN, NaN], [NaN, NaN, NaN]),
  known("f32 max gives NaN", "f32", "max", [NaN, 1, inf], [1, NaN, NaN], [NaN, NaN, NaN]),
  known("f32 rem takes the sign of the left", "f32", "rem", [5.5, -5.5, 5.5, -5.5], [2, 2, -2, -2], [1.5, -1.5, 1.5, -1.5]),
  known("f32 pow at 0 and 1", "f32", "pow", [0, NaN, 1, 1, 0, -8], [0, 0, NaN, inf, -1, 1 / 3], [1, 1, 1, 1, inf, NaN]),
  known("f32 ne holds for NaN", "f32", "ne", [NaN, 1, inf], [NaN, 1, inf], [1, 0, 0], "bool"),
];

function known(
  name: string,
  type: ScalarType,
  op: BinaryOp,
  xs: readonly number[],
  ys: readonly number[],
  values: readonly number[],
  to: ScalarType = type,
): KernelCase {
  const inputs = [{ dtype: type, values: xs }, { dtype: type, values: ys }];
  return elementwiseCase(name, rounded, inputs, to, (x, y) => binary(op, x, y), values);
}

/** Cases of operations of two arguments. */
export const binaryCases: readonly KernelCase[] = [...floatCases, ...integerCases, ...knownCases];
