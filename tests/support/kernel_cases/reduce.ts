/**
 * Reductions: every way to combine, windows of every size and layout, several results at once, epilogues.
 *
 * @module
 */
import { binary, cast, type Expr, select, unary } from "../../../core/ir/expr.ts";
import type { Access, ReduceOp } from "../../../core/ir/kernel.ts";
import type { DType } from "../../../core/dtype.ts";
import { contiguousStrides, type Shape, sizeOf } from "../../../core/shape.ts";
import { exact, smallestNormal, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, f32, index, type KernelCase, load, result, scalarOf, store, strided } from "./builder.ts";

/** A sum of `count` terms of size `scale`: rounding grows with both, also where positive and negative terms cancel. */
function sumTolerance(count: number, scale = 1): Tolerance {
  return { relative: 1e-5, absolute: 1e-7 * count * scale + smallestNormal };
}

const givesIndex = (op: ReduceOp) => op === "argmax" || op === "argmin";

/** One reduction of one operand, stored row-major. */
function reduceCase(
  name: string,
  tolerance: Tolerance,
  op: ReduceOp,
  domain: { shape: Shape; window: Shape },
  operand: { dtype?: DType; values: ArrayLike<number>; strides?: readonly number[]; offset?: number },
  known?: ArrayLike<number>,
): KernelCase {
  const { shape, window } = domain;
  const { dtype = "f32", values, offset = 0 } = operand;
  const strides = operand.strides ?? contiguousStrides([...shape, ...window]);
  return buildCase(name, tolerance, (p) => {
    const x = p.input(dtype, values);
    const out = p.output(givesIndex(op) ? "i32" : dtype, sizeOf(shape));
    const type = scalarOf(dtype);
    p.run({
      kind: "reduce",
      shape,
      window,
      operands: [strided(x, strides, offset)],
      reductions: [{ op, value: load(0, type) }],
      loads: [],
      stores: [store(dense(out, shape), result(0, givesIndex(op) ? "i32" : type))],
    });
    return known && [known];
  });
}

const ops: readonly ReduceOp[] = ["sum", "prod", "max", "min", "argmax", "argmin"];
const widths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000];

/** Factors near 1, so that products stay in range. */
function valuesFor(op: ReduceOp, count: number): ArrayLike<number> {
  return op === "prod" ? Array.from(noise(1, count), (x) => 1 + x / 8) : noise(1, count);
}

const layouts: readonly KernelCase[] = ops.flatMap((op) => {
  const tolerance = op === "sum" || op === "prod" ? sumTolerance(1000) : exact;
  const make = (name: string, shape: Shape, window: Shape, size: number, strides?: readonly number[], offset?: number) =>
    reduceCase(`${op} ${name}`, tolerance, op, { shape, window }, { values: valuesFor(op, size), strides, offset });
  return [
    ...widths.map((width) => make(`of rows of ${width}`, [3], [width], 3 * width)),
    ...[1, 3, 4, 5, 17, 64, 130].map((width) => make(`of ${width} columns`, [width], [23], 23 * width, [1, width])),
    make("of all, 20011 in one window", [], [20011], 20011),
    make("of a middle axis", [5, 7], [11], 5 * 11 * 7, [77, 1, 7]),
    make("of the first and last axes", [6], [4, 9], 4 * 6 * 9, [9, 54, 1]),
    make("of three axes, one kept: channels of images", [10], [4, 5, 7], 4 * 10 * 5 * 7, [35, 350, 7, 1]),
    make("of a transposed window", [3], [5, 4], 60, [20, 1, 5]),
    make("of a window read backwards", [3], [9], 27, [9, -1], 8),
    make("of every second element from an offset", [4], [6], 60, [12, 2], 7),
    make("of a broadcast window", [4], [6], 4, [1, 0]),
    make("of one window for all points", [4, 3], [6], 6, [0, 0, 1]),
    make("of windows that overlap", [8], [5], 12, [1, 1]),
    make("of windows of no axes", [7], [], 7),
    make("of windows of extent 1", [7], [1, 1], 7),
    make("over many short rows", [3001], [3], 9003),
    make("over an empty domain", [0, 3], [4], 0),
  ];
});

const inf = Infinity;

const empties: readonly KernelCase[] = ops.flatMap((op) => {
  const neutral = { sum: 0, prod: 1, max: -inf, min: inf, argmax: 0, argmin: 0 }[op];
  return [
    reduceCase(`${op} of empty windows`, exact, op, { shape: [3], window: [0] }, { values: [] }, [neutral, neutral, neutral]),
    reduceCase(`${op} of empty windows of two axes`, exact, op, { shape: [], window: [4, 0] }, { values: [] }, [neutral]),
  ];
});

const specials: readonly KernelCase[] = [
  ...[0, 1, 4, 9, 12].flatMap((index) =>
    (["max", "min", "argmax", "argmin"] as const).map((op) => {
      const values = Array.from(noise(2, 13));
      values[index] = NaN;
      const known = [givesIndex(op) ? index : NaN];
      return reduceCase(`${op} with NaN at ${index} of 13`, exact, op, { shape: [], window: [13] }, { values }, known);
    })
  ),
  reduceCase("argmax of two NaN gives the first", exact, "argmax", { shape: [], window: [9] }, {
    values: [1, inf, 2, NaN, 3, 4, 5, NaN, 6],
  }, [3]),
  reduceCase("argmax of ties gives the first", exact, "argmax", { shape: [2], window: [6] }, {
    values: [1, 5, 2, 5, 5, 0, 7, 7, 7, 7, 7, 7],
  }, [1, 0]),
  reduceCase("argmin of ties gives the first", exact, "argmin", { shape: [2], window: [6] }, {
    values: [1, 0, 2, 0, 5, 0, 7, 7, 7, 7, 7, 7],
  }, [1, 0]),
  reduceCase("argmax of ties in a long window", exact, "argmax", { shape: [], window: [5000] }, {
    values: Float32Array.from({ length: 5000 }, (_, i) => i % 1000 === 777 ? 1 : 0),
  }, [777]),
  reduceCase("argmax counts positions row-major over a transposed window", exact, "argmax", { shape: [], window: [3, 4] }, {
    values: [0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0],
    strides: [1, 3],
  }, [9]),
  reduceCase("argmin of columns with ties", exact, "argmin", { shape: [4], window: [3] }, {
    values: [2, 1, 1, 5, 1, 1, 2, 5, 1, 1, 0, 4],
    strides: [1, 4],
  }, [1, 0, 2, 2]),
  reduceCase("argmax of zeros of both signs gives the first", exact, "argmax", { shape: [], window: [3] }, {
    values: [-0, 0, -0],
  }, [0]),
  reduceCase("max of minus infinities", exact, "max", { shape: [], window: [5] }, { values: Array(5).fill(-inf) }, [-inf]),
  reduceCase("argmax of minus infinities", exact, "argmax", { shape: [], window: [5] }, { values: Array(5).fill(-inf) }, [0]),
  reduceCase("argmin of infinities", exact, "argmin", { shape: [], window: [5] }, { values: Array(5).fill(inf) }, [0]),
  reduceCase("sum with infinity", exact, "sum", { shape: [3], window: [2] }, { values: [inf, 1, inf, -inf, -inf, 5] }, [
    inf,
    NaN,
    -inf,
  ]),
  reduceCase("prod with zero and infinity", exact, "prod", { shape: [2], window: [2] }, { values: [0, 5, 0, inf] }, [0, NaN]),
  // One running f32 sum would be off by 1 %: long windows need several.
  reduceCase("sum of a million tenths", { relative: 1e-5, absolute: 0 }, "sum", { shape: [], window: [2 ** 20] }, {
    values: new Float32Array(2 ** 20).fill(0.1),
  }, [2 ** 20 * Math.fround(0.1)]),
  reduceCase("sum of long columns of tenths", { relative: 1e-5, absolute: 0 }, "sum", { shape: [3], window: [30000] }, {
    values: new Float32Array(90000).fill(0.1),
    strides: [1, 3],
  }, Array(3).fill(30000 * Math.fround(0.1))),
];

const types: readonly KernelCase[] = [
  ...ops.flatMap((op) => [
    reduceCase(`${op} i32`, exact, op, { shape: [5], window: [13] }, {
      dtype: "i32",
      values: noiseInt(3, 65, -(2 ** 29), 2 ** 29),
    }),
    reduceCase(`${op} u32`, exact, op, { shape: [5], window: [13] }, {
      dtype: "u32",
      values: Uint32Array.from(noiseInt(4, 65, -(2 ** 30), 2 ** 30)),
    }),
    reduceCase(`${op} f64`, { relative: 1e-13, absolute: 1e-13 }, op, { shape: [5], window: [13] }, {
      dtype: "f64",
      values: noise64(5, 65),
    }),
    reduceCase(`${op} f64 of columns`, { relative: 1e-13, absolute: 1e-13 }, op, { shape: [5], window: [13] }, {
      dtype: "f64",
      values: noise64(6, 65),
      strides: [1, 5],
    }),
  ]),
  reduceCase("max i32 of empty windows is the least integer", exact, "max", { shape: [], window: [0] }, {
    dtype: "i32",
    values: [],
  }, [
    -(2 ** 31),
  ]),
  reduceCase("min u32 of empty windows is the greatest integer", exact, "min", { shape: [], window: [0] }, {
    dtype: "u32",
    values: [],
  }, [
    2 ** 32 - 1,
  ]),
  reduceCase("max bool: any", exact, "max", { shape: [3], window: [5] }, {
    dtype: "bool",
    values: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1],
  }, [
    0,
    1,
    1,
  ]),
  reduceCase("min bool: all", exact, "min", { shape: [3], window: [5] }, {
    dtype: "bool",
    values: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1],
  }, [
    0,
    0,
    1,
  ]),
];

/** A reduction kernel over rows whose reduced value and epilogue are given. */
function rowsCase(
  name: string,
  tolerance: Tolerance,
  [rows, columns]: readonly [number, number],
  reductions: readonly { op: ReduceOp; value: Expr }[],
  stores: readonly { dtype: DType; value: Expr }[],
  operands: (x: number, y: number) => readonly Access[] = (x) => [dense(x, [rows, columns])],
): KernelCase {
  return buildCase(name, tolerance, (p) => {
    const x = p.input("f32", noise(7, rows * columns));
    const y = p.input("f32", noise(8, columns));
    const z = p.input("f32", noise(9, rows));
    const outputs = stores.map(({ dtype }) => p.output(dtype, rows));
    p.run({
      kind: "reduce",
      shape: [rows],
      window: [columns],
      operands: operands(x, y),
      reductions,
      loads: [dense(z, [rows])],
      stores: stores.map(({ value }, k) => store(dense(outputs[k], [rows]), value)),
    });
  });
}

const x = load(0);
const square = binary("mul", x, x);

const epilogues: readonly KernelCase[] = [
  rowsCase("sum and sum of squares: mean and variance at once", sumTolerance(50), [7, 50], [{ op: "sum", value: x }, {
    op: "sum",
    value: square,
  }], [
    { dtype: "f32", value: binary("div", result(0), 50) },
    {
      dtype: "f32",
      value: binary(
        "sub",
        binary("div", result(1), 50),
        binary("mul", binary("div", result(0), 50), binary("div", result(0), 50)),
      ),
    },
  ]),
  rowsCase("max and argmax and sum at once", sumTolerance(21), [5, 21], [{ op: "max", value: x }, { op: "argmax", value: x }, {
    op: "sum",
    value: x,
  }], [
    { dtype: "f32", value: result(0) },
    { dtype: "i32", value: result(1, "i32") },
    { dtype: "f32", value: result(2) },
  ]),
  rowsCase(
    "a dot product per row",
    sumTolerance(37),
    [9, 37],
    [{ op: "sum", value: binary("mul", load(0), load(1)) }],
    [{ dtype: "f32", value: binary("add", result(), load(0)) }],
    (a, b) => [dense(a, [9, 37]), strided(b, [0, 1])],
  ),
  rowsCase("a function before the sum and one after", sumTolerance(19, 3), [6, 19], [{ op: "sum", value: unary("exp", x) }], [
    { dtype: "f32", value: unary("log", result()) },
    { dtype: "f32", value: binary("mul", unary("sqrt", result()), load(0)) },
  ]),
  rowsCase("how many are positive", exact, [6, 19], [{ op: "sum", value: cast("i32", binary("lt", f32(0), x)) }], [
    { dtype: "i32", value: result(0, "i32") },
    { dtype: "f32", value: binary("div", cast("f32", result(0, "i32")), 16) },
    { dtype: "bool", value: binary("lt", result(0, "i32"), 9) },
  ]),
  rowsCase("a sum of those the index admits", sumTolerance(19), [6, 19], [{
    op: "sum",
    value: select(binary("le", index([0, 1]), index([3, 0])), x, f32(0)),
  }], [{ dtype: "f32", value: result() }]),
  rowsCase("the index of the domain in the epilogue", sumTolerance(19, 10), [6, 19], [{ op: "sum", value: x }], [
    { dtype: "f32", value: binary("mul", result(), cast("f32", index([2], 1))) },
  ]),
  rowsCase("an argmax compared with a index", exact, [6, 19], [{ op: "argmax", value: unary("neg", x) }], [
    { dtype: "bool", value: binary("eq", result(0, "i32"), 3) },
    { dtype: "i32", value: binary("mul", result(0, "i32"), 2) },
  ]),
  buildCase("a bias gradient added to a donated sum, in index", sumTolerance(64), (p) => {
    const g = p.input("f32", noise(10, 64 * 10));
    const bias = p.input("f32", noise(11, 10));
    p.donate(bias);
    p.run({
      kind: "reduce",
      shape: [10],
      window: [64],
      operands: [strided(g, [1, 10])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [dense(bias, [10])],
      stores: [store(dense(bias, [10]), binary("sub", load(0), binary("mul", result(), 0.01)))],
    });
  }),
  buildCase("results stored through strides, two domain axes", sumTolerance(5), (p) => {
    const a = p.input("f32", noise(12, 3 * 4 * 5));
    const out = p.output("f32", 12);
    p.run({
      kind: "reduce",
      shape: [3, 4],
      window: [5],
      operands: [dense(a, [3, 4, 5])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [],
      stores: [store(strided(out, [1, 3]), result())],
    });
  }),
  buildCase("a full reduction with an epilogue: mean squared error", sumTolerance(1000), (p) => {
    const a = p.input("f32", noise(13, 1003));
    const b = p.input("f32", noise(14, 1003));
    const out = p.output("f32", 1);
    const difference = binary("sub", load(0), load(1));
    p.run({
      kind: "reduce",
      shape: [],
      window: [1003],
      operands: [dense(a, [1003]), dense(b, [1003])],
      reductions: [{ op: "sum", value: binary("mul", difference, difference) }],
      loads: [],
      stores: [store(strided(out, []), binary("div", result(), 1003))],
    });
  }),
  buildCase("sums of bytes", exact, (p) => {
    const a = p.input("u8", noiseInt(15, 7 * 29, 0, 255));
    const out = p.output("i32", 7);
    p.run({
      kind: "reduce",
      shape: [7],
      window: [29],
      operands: [dense(a, [7, 29])],
      reductions: [{ op: "sum", value: load(0, scalarOf("u8")) }],
      loads: [],
      stores: [store(dense(out, [7]), result(0, scalarOf("u8")))],
    });
  }),
];

/** Cases of reductions. */
export const reduceCases: readonly KernelCase[] = [...layouts, ...empties, ...specials, ...types, ...epilogues];
