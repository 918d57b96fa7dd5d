/**
 * What expressions have beside operations: literals, indices, select, casts, bit casts, and nodes used more than once.
 *
 * @module
 */
import { binary, bitcast, cast, constant, type Expr, type ScalarType, select, unary } from "../../../core/ir/expr.ts";
import type { DType } from "../../../core/dtype.ts";
import { exact, smallestNormal, type Tolerance } from "../close.ts";
import { noise } from "../noise.ts";
import { buildCase, dense, elementwiseCase, f32, index, type KernelCase, load, scalarOf, store, strided } from "./builder.ts";
import { largest, storageFloats } from "../storage_floats.ts";

const inf = Infinity;
const rounded: Tolerance = { relative: 1e-7, absolute: smallestNormal };

function literalCase(dtype: DType, values: readonly number[]): KernelCase {
  return buildCase(`literals of ${dtype}`, rounded, (p) => {
    const outputs = values.map(() => p.output(dtype, 3));
    values.forEach((value, k) => {
      p.run({
        kind: "map",
        operands: [],
        shape: [3],
        loads: [],
        stores: [store(strided(outputs[k], [1]), constant(scalarOf(dtype), value))],
      });
    });
    return values.map((value) => [value, value, value]);
  });
}

const literals: readonly KernelCase[] = [
  literalCase("f32", [0, 1, -1.5, 0.1, 3.4028234663852886e38, 1.1754943508222875e-38, 1e10, 16777216, inf, -inf, NaN]),
  literalCase("f64", [0, 0.1, 1e300, -inf, inf, NaN]),
  ...storageFloats.map((dtype) => literalCase(dtype, [0, -0, 1, -1.5, largest(dtype), 2 ** -24, inf, -inf, NaN])),
  literalCase("i32", [0, -1, 2 ** 31 - 1, -(2 ** 31)]),
  literalCase("u32", [0, 1, 2 ** 31, 2 ** 32 - 1]),
  literalCase("u8", [0, 255]),
  literalCase("bool", [0, 1]),
];

function castCase(from: DType, to: DType, values: readonly number[], known: readonly number[], tolerance = exact): KernelCase {
  const inputs = [{ dtype: from, values }];
  return elementwiseCase(`cast ${from} to ${to}`, tolerance, inputs, to, (x) => cast(scalarOf(to), x), known);
}

const fractions = [0, -0, 0.9, -0.9, 2.5, -2.5, 255.5, 2147483520, 3e9, -3e9, 5e9, inf, -inf, NaN];
const toI32 = [0, 0, 0, 0, 2, -2, 255, 2147483520, 2147483647, -2147483648, 2147483647, 2147483647, -2147483648, 0];
const toU32 = [0, 0, 0, 0, 2, 0, 255, 2147483520, 3000000000, 0, 4294967295, 4294967295, 0, 0];
const toBool = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

const casts: readonly KernelCase[] = [
  castCase("f32", "i32", fractions, toI32),
  castCase("f32", "u32", fractions, toU32),
  castCase("f32", "bool", fractions, toBool),
  castCase("f32", "u8", [0, 1, 2.9, 127.5, 254.99, 255], [0, 1, 2, 127, 254, 255]),
  castCase("f64", "i32", fractions, toI32),
  castCase("f64", "u32", fractions, toU32),
  castCase("f64", "bool", fractions, toBool),
  castCase("f64", "f32", [0, 0.1, 1e300, -1e300, NaN, 2 ** 24 + 1], [0, Math.fround(0.1), inf, -inf, NaN, 2 ** 24]),
  castCase("f32", "f64", [0, 0.1, inf, NaN], [0, Math.fround(0.1), inf, NaN]),
  castCase("i32", "f32", [0, -1, 16777217, 2 ** 31 - 1, -(2 ** 31)], [0, -1, 16777216, 2147483648, -2147483648]),
  castCase("i32", "f64", [0, -1, 2 ** 31 - 1], [0, -1, 2 ** 31 - 1]),
  castCase("i32", "u32", [0, -1, 2 ** 31 - 1, -(2 ** 31)], [0, 2 ** 32 - 1, 2 ** 31 - 1, 2 ** 31]),
  castCase("i32", "bool", [0, -1, 256, -(2 ** 31)], [0, 1, 1, 1]),
  castCase("i32", "u8", [0, -1, 256, 511], [0, 255, 0, 255]),
  castCase("u32", "f32", [0, 2 ** 31, 2 ** 32 - 1, 16777217], [0, 2 ** 31, 2 ** 32, 16777216]),
  castCase("u32", "f64", [0, 2 ** 32 - 1], [0, 2 ** 32 - 1]),
  castCase("u32", "i32", [0, 2 ** 31, 2 ** 32 - 1], [0, -(2 ** 31), -1]),
  castCase("u32", "bool", [0, 2 ** 31, 1], [0, 1, 1]),
  castCase("u32", "u8", [0, 256, 257, 2 ** 32 - 1, 300, 7, 8], [0, 0, 1, 255, 44, 7, 8]),
  castCase("u8", "f32", [0, 1, 127, 128, 255, 3, 4], [0, 1, 127, 128, 255, 3, 4]),
  castCase("u8", "i32", [0, 128, 255], [0, 128, 255]),
  castCase("u8", "bool", [0, 128, 255], [0, 1, 1]),
  castCase("bool", "f32", [0, 1, 1, 0, 1], [0, 1, 1, 0, 1]),
  castCase("bool", "i32", [0, 1, 1, 0, 1], [0, 1, 1, 0, 1]),
  castCase("bool", "u32", [0, 1, 1, 0, 1], [0, 1, 1, 0, 1]),
  castCase("bool", "u8", [0, 1, 1, 0, 1], [0, 1, 1, 0, 1]),
];

function bitcastCase(from: "f32" | "i32" | "u32", to: "f32" | "i32" | "u32", values: number[], known: number[]): KernelCase {
  return elementwiseCase(`bitcast ${from} to ${to}`, exact, [{ dtype: from, values }], to, (x) => bitcast(to, x), known);
}

const floats = [0, -0, 1, -1.5, inf, -inf, 0.1];
const floatBits = [0, 0x80000000, 0x3f800000, 0xbfc00000, 0x7f800000, 0xff800000, 0x3dcccccd];

const bitcasts: readonly KernelCase[] = [
  bitcastCase("f32", "u32", floats, floatBits),
  bitcastCase("f32", "i32", floats, floatBits.map((x) => x | 0)),
  bitcastCase("u32", "f32", floatBits, floats.map(Math.fround)),
  bitcastCase("i32", "f32", floatBits.map((x) => x | 0), floats.map(Math.fround)),
  bitcastCase("u32", "i32", [0, 2 ** 32 - 1, 2 ** 31], [0, -1, -(2 ** 31)]),
  bitcastCase("i32", "u32", [0, -1, -(2 ** 31)], [0, 2 ** 32 - 1, 2 ** 31]),
  elementwiseCase(
    "bitcast makes uniform numbers of random bits",
    exact,
    [{ dtype: "u32", values: [0, 2 ** 32 - 1, 2 ** 31, 123456789] }],
    "f32",
    (x) => binary("sub", bitcast("f32", binary("or", binary("shr", x, 9), 0x3f800000)), 1),
    [0, 1 - 2 ** -23, 0.5, (123456789 >>> 9) / 2 ** 23],
  ),
];

function selectCase(name: string, type: ScalarType, xs: readonly number[], ys: readonly number[]): KernelCase {
  const test = [1, 0, 1, 0, 0, 1, 1];
  const inputs = [
    { dtype: "bool" as const, values: test },
    { dtype: type, values: xs },
    { dtype: type, values: ys },
  ];
  return elementwiseCase(name, exact, inputs, type, select, test.map((t, i) => t ? xs[i] : ys[i]));
}

/** Choices of 0 on either side, which have shorter instructions, and of -0, which must not take them. */
function zeroCases(type: "f32" | "i32" | "u32" | "f64", values: readonly number[]): KernelCase[] {
  const test = values.map((_, i) => i % 3 === 0 ? 1 : 0);
  const zeroCase = (name: string, zero: number, first: boolean) =>
    elementwiseCase(
      `select ${name} of ${type}`,
      exact,
      [{ dtype: "bool", values: test }, { dtype: type, values }],
      type,
      (t, x) => {
        const literal = constant(type, zero);
        const chosen = first ? select(t, literal, x) : select(t, x, literal);
        return Object.is(zero, -0) ? binary("div", constant(type, 1), chosen) : chosen;
      },
      values.map((x, i) => {
        const chosen = (test[i] === 1) === first ? zero : x;
        return Object.is(zero, -0) ? 1 / chosen : chosen;
      }),
    );
  const signed = type === "f32" || type === "f64";
  return [
    zeroCase("0 or a value", 0, true),
    zeroCase("a value or 0", 0, false),
    ...signed ? [zeroCase("-0 or a value", -0, true), zeroCase("a value or -0", -0, false)] : [],
  ];
}

const selects: readonly KernelCase[] = [
  ...zeroCases("f32", [NaN, 2, inf, -inf, -1, 4, 8]),
  ...zeroCases("f64", [NaN, 2, inf, -inf, -1, 4, 8]),
  ...zeroCases("i32", [1, -2, 3, -4, 5, 6, -7]),
  ...zeroCases("u32", [1, 2, 3, 2 ** 32 - 1, 5, 6, 7]),
  selectCase("select f32, with NaN and infinity in the branch not taken", "f32", [1, NaN, 3, inf, 5, 6, 7], [
    NaN,
    2,
    inf,
    4,
    -inf,
    NaN,
    0,
  ]),
  selectCase("select i32", "i32", [1, 2, 3, 4, 5, 6, 7], [-1, -2, -3, -4, -5, -6, -7]),
  selectCase("select u32", "u32", [1, 2, 3, 4, 5, 6, 2 ** 32 - 1], [9, 8, 7, 6, 5, 4, 3]),
  selectCase("select f64", "f64", [1, NaN, 3, inf, 5, 6, 7], [NaN, 2, inf, 4, -inf, NaN, 0.1]),
  selectCase("select bool", "bool", [1, 0, 0, 1, 1, 0, 1], [0, 1, 1, 0, 1, 1, 0]),
  elementwiseCase(
    "select by a comparison and its negation",
    exact,
    [{ dtype: "f32", values: [-2, -0, 0, 3, NaN] }],
    "f32",
    (x) => select(unary("not", binary("lt", f32(0), x)), f32(-1), binary("mul", x, 2)),
    [-1, -1, -1, 6, -1],
  ),
  elementwiseCase(
    "bool made of comparisons by and, or, xor",
    exact,
    [{ dtype: "f32", values: [-2, 0, 1, 5, NaN] }],
    "bool",
    (x) => {
      const positive = binary("lt", f32(0), x);
      const small = binary("le", unary("abs", x), 2);
      return binary("xor", binary("and", positive, small), binary("or", unary("isNaN", x), constant("bool", 0)));
    },
    [0, 0, 1, 0, 1],
  ),
];

const indices: readonly KernelCase[] = [
  buildCase("index counts along both axes", exact, (p) => {
    const out = p.output("i32", 12);
    p.run({ kind: "map", operands: [], shape: [3, 4], loads: [], stores: [store(dense(out, [3, 4]), index([10, -1], 5))] });
    return [[5, 4, 3, 2, 15, 14, 13, 12, 25, 24, 23, 22]];
  }),
  buildCase("index of a scalar domain", exact, (p) => {
    const out = p.output("i32", 1);
    p.run({ kind: "map", operands: [], shape: [], loads: [], stores: [store(strided(out, []), index([], 42))] });
    return [[42]];
  }),
  buildCase("index as f32: arange, and a triangular mask", exact, (p) => {
    const range = p.output("f32", 9);
    const mask = p.output("bool", 9);
    p.run({
      kind: "map",
      operands: [],
      shape: [3, 3],
      loads: [],
      stores: [
        store(dense(range, [3, 3]), binary("add", binary("mul", cast("f32", index([3, 1])), 0.5), 1)),
        store(dense(mask, [3, 3]), binary("le", index([0, 1]), index([1, 0]))),
      ],
    });
    return [[1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5], [1, 0, 0, 1, 1, 0, 1, 1, 1]];
  }),
  buildCase("index over five axes of a long domain", exact, (p) => {
    const out = p.output("i32", 2 * 3 * 5 * 7 * 11);
    const shape = [2, 3, 5, 7, 11];
    p.run({ kind: "map", operands: [], shape, loads: [], stores: [store(dense(out, shape), index([1, 100, -7, 3, 1000], -9))] });
  }),
];

/** x <- x * 0.5 + x * 0.5, 40 times: 2^40 operations unless shared nodes are computed once. */
function doubledBack(x: Expr): Expr {
  let y = x;
  for (let i = 0; i < 40; i++) {
    const half = binary("mul", y, 0.5);
    y = binary("add", half, half);
  }
  return y;
}

const composites: readonly KernelCase[] = [
  elementwiseCase(
    "a shared node is computed once",
    exact,
    [{ dtype: "f32", values: noise(5, 37) }],
    "f32",
    doubledBack,
    noise(5, 37),
  ),
  elementwiseCase(
    "sigmoid at extremes",
    { relative: 1e-6, absolute: 1e-37 },
    [{ dtype: "f32", values: [0, 80, -80, inf, -inf, NaN, 1, -1] }],
    "f32",
    (x) => binary("div", f32(1), binary("add", unary("exp", unary("neg", x)), 1)),
    [0.5, 1, 1 / (1 + Math.exp(80)), 1, 0, NaN, 1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1))],
  ),
  elementwiseCase(
    "loads of four types in one expression",
    exact,
    [
      { dtype: "u8", values: [0, 255, 3, 4, 5] },
      { dtype: "i32", values: [-1, 2, -3, 4, -5] },
      { dtype: "bool", values: [1, 0, 1, 0, 1] },
      { dtype: "f32", values: [0.5, 1.5, 2.5, 3.5, 4.5] },
    ],
    "f32",
    (a, b, c, d) => binary("add", binary("mul", cast("f32", a), d), select(c, cast("f32", b), f32(100))),
    [-1, 482.5, 4.5, 114, 17.5],
  ),
];

/** Cases of the rest of the scalar language. */
export const expressionCases: readonly KernelCase[] = [
  ...literals,
  ...casts,
  ...bitcasts,
  ...selects,
  ...indices,
  ...composites,
  buildCase("what is rarely needed, of an outer loop, an inner one and both", { relative: 1e-5, absolute: 1e-5 }, (p) => {
    const rows = [1, 5e6, -2].map(Math.fround);
    const columns = Array.from({ length: 21 }, (_, i) => Math.fround(i % 7 === 3 ? 1e9 + i * 1e7 : i / 3 - 2));
    const x = p.input("f32", rows);
    const y = p.input("f32", columns);
    const out = p.output("f32", rows.length * columns.length);
    const [a, b] = [load(0), load(1)];
    const of = (op: "sin" | "cos", e: Expr) => unary(op, e);
    const value = [of("sin", a), binary("mul", of("cos", b), of("sin", b)), binary("rem", a, b)]
      .reduce((sum, e) => binary("add", sum, e), of("cos", binary("max", a, b)));
    p.run({
      kind: "map",
      operands: [],
      shape: [rows.length, columns.length],
      loads: [strided(x, [1, 0]), strided(y, [0, 1])],
      stores: [store(strided(out, [columns.length, 1]), value)],
    });
  }),
  buildCase("one load read twice, one not at all", exact, (p) => {
    const x = p.input("f32", [1, 2, 3]);
    const y = p.input("f32", [9, 9, 9]);
    const out = p.output("f32", 3);
    p.run({
      kind: "map",
      operands: [],
      shape: [3],
      loads: [dense(x, [3]), dense(y, [3])],
      stores: [store(dense(out, [3]), binary("mul", load(0), load(0)))],
    });
    return [[1, 4, 9]];
  }),
];
