/**
 * Matrix products: sizes around every tile and vector width, all transposes, batches, offsets, epilogues.
 *
 * @module
 */
import { binary, cast, type Expr } from "../../../core/ir/expr.ts";
import type { MatmulKernel } from "../../../core/ir/kernel.ts";
import { exact, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, f32, index, type KernelCase, load, result, store, strided } from "./builder.ts";

/** Dot products of `k` terms below 1 in size. */
function dotTolerance(k: number): Tolerance {
  return { relative: 1e-5, absolute: 1e-7 * k + 1e-6 };
}

/** Batch, m, n, k. */
type Sizes = readonly [number, number, number, number];

/** How a factor lies in memory: its strides over its [batch, rows, columns], how large it is, and from where. */
interface Layout {
  readonly strides: readonly [number, number, number];
  readonly size: number;
  readonly offset?: number;
}

const rowMajor = (b: number, r: number, c: number): Layout => ({ strides: [r * c, c, 1], size: b * r * c });
const columnMajor = (b: number, r: number, c: number): Layout => ({ strides: [r * c, 1, r], size: b * r * c });
const shared = (_: number, r: number, c: number): Layout => ({ strides: [0, c, 1], size: r * c });
const shifted = (b: number, r: number, c: number): Layout => ({ ...rowMajor(b, r, c), size: b * r * c + 5, offset: 5 });
const padded = (b: number, r: number, c: number): Layout => ({ strides: [r * (c + 3), c + 3, 1], size: b * r * (c + 3) });
const sparse = (b: number, r: number, c: number): Layout => ({ strides: [r * c * 2, c * 2, 2], size: b * r * c * 2 });
const backwards = (b: number, r: number, c: number): Layout => ({
  strides: [r * c, -c, -1],
  size: b * r * c,
  offset: r * c - 1,
});
const rowsBackwards = (b: number, r: number, c: number): Layout => ({
  strides: [r * c, -c, 1],
  size: b * r * c,
  offset: (r - 1) * c,
});
const columnsBackwards = (b: number, r: number, c: number): Layout => ({
  strides: [r * c, c, -1],
  size: b * r * c,
  offset: c - 1,
});
const turnedBackwards = (b: number, r: number, c: number): Layout => ({
  strides: [r * c, 1, -r],
  size: b * r * c,
  offset: r * (c - 1),
});
const interleaved = (b: number, r: number, c: number): Layout => ({ strides: [c, b * c, 1], size: b * r * c });
const repeatedRow = (b: number, _: number, c: number): Layout => ({ strides: [c, 0, 1], size: b * c });

type MakeLayout = (b: number, r: number, c: number) => Layout;

function productCase(
  name: string,
  sizes: Sizes,
  left: MakeLayout = rowMajor,
  right: MakeLayout = rowMajor,
  dtype: "f32" | "f64" = "f32",
): KernelCase {
  const [b, m, n, k] = sizes;
  const [tolerance, values] = dtype === "f32" ? [dotTolerance(k), noise] : [{ relative: 1e-13, absolute: 1e-15 * k }, noise64];
  return buildCase(name, tolerance, (p) => {
    const [lhs, rhs] = [left(b, m, k), right(b, k, n)];
    const x = p.input(dtype, values(1, lhs.size));
    const y = p.input(dtype, values(2, rhs.size));
    const out = p.output(dtype, b * m * n);
    p.run({
      kind: "matmul",
      shape: [b, m, n],
      k,
      operands: [strided(x, lhs.strides, lhs.offset), strided(y, rhs.strides, rhs.offset)],
      loads: [],
      stores: [store(dense(out, [b, m, n]), result(0, dtype))],
    });
  });
}

const sizes: readonly Sizes[] = [
  [1, 1, 1, 1],
  [1, 2, 3, 4],
  [1, 3, 2, 1],
  [1, 5, 7, 3],
  [1, 6, 8, 16],
  [1, 7, 9, 17],
  [1, 8, 8, 8],
  [1, 11, 15, 31],
  [1, 12, 16, 5],
  [1, 13, 17, 33],
  [1, 31, 33, 65],
  [1, 64, 10, 784],
  [1, 64, 64, 64],
  [1, 65, 63, 129],
  [1, 130, 70, 300],
  [2, 170, 109, 530],
  [1, 90, 45, 40],
  [1, 10, 320, 64],
  [1, 200, 1, 50],
  [1, 1, 200, 50],
  [1, 1, 1, 1000],
  [1, 300, 5, 2],
  [1, 257, 129, 7],
  [2, 3, 5, 4],
  [3, 17, 9, 8],
  [33, 4, 4, 4],
  [7, 1, 6, 3],
];

const layouts: readonly MakeLayout[] = [
  rowMajor,
  columnMajor,
  shared,
  shifted,
  padded,
  sparse,
  backwards,
  rowsBackwards,
  columnsBackwards,
  turnedBackwards,
  interleaved,
  repeatedRow,
];

const products: readonly KernelCase[] = [
  ...sizes.map((s) => productCase(`product of sizes [${s.join(", ")}]`, s)),
  ...sizes.slice(4, 20).map((s) => productCase(`product of sizes [${s.join(", ")}], left transposed`, s, columnMajor)),
  ...sizes.slice(4, 20).map((s) => productCase(`product of sizes [${s.join(", ")}], right transposed`, s, rowMajor, columnMajor)),
  ...sizes.slice(7, 13).map((s) =>
    productCase(`product of sizes [${s.join(", ")}], both transposed`, s, columnMajor, columnMajor)
  ),
  ...layouts.map((left) => productCase(`product with ${left.name} left`, [2, 9, 11, 13], left)),
  ...layouts.map((right) => productCase(`product with ${right.name} right`, [2, 9, 11, 13], rowMajor, right)),
  // Large enough to be packed, with whole tiles and rests of them.
  ...layouts.map((left) => productCase(`larger product with ${left.name} left`, [2, 37, 70, 61], left)),
  ...layouts.map((right) => productCase(`larger product with ${right.name} right`, [2, 37, 70, 61], rowMajor, right)),
  productCase("product of an empty batch", [0, 2, 3, 4]),
  productCase("product of no rows", [1, 0, 3, 4]),
  productCase("product of no columns", [1, 2, 0, 4]),
  productCase("product over no terms is zero", [1, 3, 5, 0]),
];

const doubles: readonly KernelCase[] = [
  ...sizes.map((s) => productCase(`f64 product of sizes [${s.join(", ")}]`, s, rowMajor, rowMajor, "f64")),
  ...layouts.flatMap((layout) => [
    productCase(`f64 product with ${layout.name} left`, [2, 9, 11, 13], layout, rowMajor, "f64"),
    productCase(`f64 product with ${layout.name} right`, [2, 9, 11, 13], rowMajor, layout, "f64"),
  ]),
  productCase("f64 product of more terms than a panel has", [2, 7, 5, 2100], rowMajor, columnMajor, "f64"),
  productCase("f64 product of several blocks of panels", [1, 13, 139, 300], rowMajor, rowMajor, "f64"),
  productCase("f64 product whose rows are shared", [1, 530, 67, 261], columnMajor, rowMajor, "f64"),
  productCase("f64 product over no terms is zero", [1, 3, 5, 0], rowMajor, rowMajor, "f64"),
  buildCase("f64 product with a bias, rounded to f32", { relative: 1e-6, absolute: 1e-7 }, (p) => {
    const [m, n, k] = [65, 63, 40];
    const operands = [
      dense(p.input("f64", noise64(1, m * k)), [1, m, k]),
      dense(p.input("f64", noise64(2, k * n)), [1, k, n]),
    ] as const;
    const bias = strided(p.input("f64", noise64(3, n)), [0, 0, 1]);
    const out = p.output("f32", m * n);
    const sum = binary("add", result(0, "f64"), load(0, "f64"));
    p.run({
      kind: "matmul",
      shape: [1, m, n],
      k,
      operands,
      loads: [bias],
      stores: [store(dense(out, [1, m, n]), cast("f32", sum))],
    });
  }),
];

/** A product whose stores are made by the test: x [m, k] by y [k, n], with a bias [n] and a residual [m, n] to load. */
function epilogueCase(
  name: string,
  [m, n, k]: readonly [number, number, number],
  make: (out: number) => Pick<MatmulKernel, "stores">,
  outputs = 1,
): KernelCase {
  return buildCase(name, dotTolerance(k), (p) => {
    const x = p.input("f32", noise(3, m * k));
    const y = p.input("f32", noise(4, k * n));
    const bias = p.input("f32", noise(5, n));
    const residual = p.input("f32", noise(6, m * n));
    const first = p.output("f32", m * n);
    for (let i = 1; i < outputs; i++) p.output("f32", m * n);
    p.run({
      kind: "matmul",
      shape: [1, m, n],
      k,
      operands: [dense(x, [1, m, k]), dense(y, [1, k, n])],
      loads: [strided(bias, [0, 0, 1]), dense(residual, [1, m, n])],
      ...make(first),
    });
  });
}

const biased = binary("add", result(), load(0));
const relu = (x: Expr) => binary("max", x, 0);
const [M, N, K] = [19, 21, 23];

const epilogues: readonly KernelCase[] = [
  ...([[19, 21, 23], [64, 10, 320], [64, 128, 65], [1, 10, 33], [6, 8, 0], [130, 1, 9]] as const).map((s) =>
    epilogueCase(`bias and relu over sizes [${s.join(", ")}]`, s, (out) => ({
      stores: [store(dense(out, [1, s[0], s[1]]), relu(biased))],
    }))
  ),
  epilogueCase("value before and after the activation", [M, N, K], (out) => ({
    stores: [store(dense(out, [1, M, N]), biased), store(dense(out + 1, [1, M, N]), relu(biased))],
  }), 2),
  epilogueCase("a store without the result before one with it", [M, N, K], (out) => ({
    stores: [store(dense(out, [1, M, N]), relu(load(1))), store(dense(out + 1, [1, M, N]), biased)],
  }), 2),
  epilogueCase("a residual added, scaled, stored transposed", [M, N, K], (out) => ({
    stores: [store(strided(out, [0, 1, M]), binary("add", binary("mul", result(), 0.5), load(1)))],
  })),
  epilogueCase("gradient of relu: zero where the residual is not positive", [M, N, K], (out) => ({
    stores: [
      store(dense(out, [1, M, N]), { kind: "select", type: "f32", test: binary("lt", f32(0), load(1)), x: result(), y: f32(0) }),
    ],
  })),
  epilogueCase("the result not used at all", [M, N, K], (out) => ({ stores: [store(dense(out, [1, M, N]), load(1))] })),
  epilogueCase("the index in an epilogue", [M, N, K], (out) => ({
    stores: [store(dense(out, [1, M, N]), binary("add", result(), cast("f32", index([0, 100, -1], 3))))],
  })),
  buildCase("the weights updated in place by their own gradient", dotTolerance(64), (p) => {
    const g = p.input("f32", noise(7, 64 * 10));
    const x = p.input("f32", noise(8, 64 * 33));
    const weight = p.input("f32", noise(9, 10 * 33));
    p.donate(weight);
    p.run({
      kind: "matmul",
      shape: [1, 10, 33],
      k: 64,
      operands: [strided(g, [0, 1, 10]), dense(x, [1, 64, 33])],
      loads: [dense(weight, [1, 10, 33])],
      stores: [store(dense(weight, [1, 10, 33]), binary("sub", load(0), binary("mul", result(), 0.01)))],
    });
  }),
  buildCase("integers, rounded to i32 and compared", exact, (p) => {
    const x = p.input("f32", noiseInt(10, 9 * 12, -9, 9));
    const y = p.input("f32", noiseInt(11, 12 * 7, -9, 9));
    const whole = p.output("i32", 63);
    const positive = p.output("bool", 63);
    p.run({
      kind: "matmul",
      shape: [1, 9, 7],
      k: 12,
      operands: [dense(x, [1, 9, 12]), dense(y, [1, 12, 7])],
      loads: [],
      stores: [
        store(dense(whole, [1, 9, 7]), cast("i32", result())),
        store(dense(positive, [1, 9, 7]), binary("lt", f32(0), result())),
      ],
    });
  }),
  buildCase("a product stored into part of a larger output", exact, (p) => {
    const x = p.input("f32", noiseInt(12, 6, -9, 9));
    const y = p.input("f32", noiseInt(13, 12, -9, 9));
    const out = p.output("f32", 4 * 8);
    p.run({ kind: "map", operands: [], shape: [32], loads: [], stores: [store(dense(out, [32]), f32(7))] });
    p.run({
      kind: "matmul",
      shape: [1, 2, 4],
      k: 3,
      operands: [dense(x, [1, 2, 3]), dense(y, [1, 3, 4])],
      loads: [],
      stores: [store(strided(out, [0, 8, 1], 10), result())],
    });
  }),
];

const knownCases: readonly KernelCase[] = [
  buildCase("a product known by hand", exact, (p) => {
    const x = p.input("f32", [1, 2, 3, 4, 5, 6]);
    const y = p.input("f32", [7, 8, 9, 10, 11, 12]);
    const out = p.output("f32", 4);
    p.run({
      kind: "matmul",
      shape: [1, 2, 2],
      k: 3,
      operands: [dense(x, [1, 2, 3]), dense(y, [1, 3, 2])],
      loads: [],
      stores: [store(dense(out, [1, 2, 2]), result())],
    });
    return [[58, 64, 139, 154]];
  }),
  buildCase("a product with infinity and NaN", exact, (p) => {
    const x = p.input("f32", [Infinity, 1, NaN, 1, 2, 1]);
    const y = p.input("f32", [1, 1]);
    const out = p.output("f32", 3);
    p.run({
      kind: "matmul",
      shape: [1, 3, 1],
      k: 2,
      operands: [dense(x, [1, 3, 2]), dense(y, [1, 2, 1])],
      loads: [],
      stores: [store(dense(out, [1, 3, 1]), result())],
    });
    return [[Infinity, NaN, 3]];
  }),
];

/** Cases of matrix products. */
export const matmulCases: readonly KernelCase[] = [...products, ...doubles, ...epilogues, ...knownCases];
