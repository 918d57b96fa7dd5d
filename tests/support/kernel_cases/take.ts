/**
 * Rows by index, and their gradient: repeated and clamped indices, every type, epilogues.
 *
 * @module
 */
import { binary, cast } from "../../../core/ir/expr.ts";
import type { GatherRowsKernel, ScatterAddRowsKernel } from "../../../core/ir/kernel.ts";
import type { DType } from "../../../core/dtype.ts";
import { sizeOf } from "../../../core/shape.ts";
import { exact, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, type KernelCase, load, result, scalarOf, store, strided } from "./builder.ts";
import { storageFloats } from "../storage_floats.ts";

const sums: Tolerance = { relative: 1e-5, absolute: 1e-6 };

/** x is [outer, size, inner]. */
export interface Sizes {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  /** Elements from row to row, where they overlap in a block. */
  readonly step?: number;
}

/** Elements of a block of rows. */
export function blockOf({ size, inner, step = inner }: Sizes): number {
  return size === 0 ? 0 : (size - 1) * step + inner;
}

/** What a case may choose. */
export interface Options {
  readonly dtype?: DType;
  readonly offset?: number;
  readonly source?: ArrayLike<number>;
  readonly known?: ArrayLike<number>;
}

/** Numbers of a type. */
export function valuesOf(dtype: DType, count: number, seed = 1): ArrayLike<number> {
  if (dtype === "f32") return noise(seed, count);
  if (dtype === "f64") return noise64(seed, count);
  return noiseInt(seed, count, 0, dtype === "bool" ? 1 : 200);
}

type Kind = (GatherRowsKernel | ScatterAddRowsKernel)["kind"];

/** All of a kernel but what it loads and stores; `count` indices, both operands at an offset. */
function rowsKernel(kind: Kind, sizes: Sizes, count: number, [source, indices]: readonly number[], offset = 0) {
  const { outer, size, inner } = sizes;
  const [block, shape] = kind === "gatherRows" ? [blockOf(sizes), [outer, count, inner]] : [count * inner, [outer, size, inner]];
  const operands = [dense(source, [outer, block], offset), strided(indices, [1], offset)] as const;
  return { kind, ...sizes, count, shape, operands };
}

function takeCase(
  name: string,
  kind: Kind,
  sizes: Sizes,
  indices: ArrayLike<number>,
  options: Options = {},
): KernelCase {
  const { dtype = "f32", offset = 0, known } = options;
  return buildCase(`${kind}: ${name}`, kind === "scatterAddRows" ? sums : exact, (p) => {
    const length = sizes.outer * (kind === "gatherRows" ? blockOf(sizes) : indices.length * sizes.inner);
    const source = p.input(dtype, options.source ?? valuesOf(dtype, offset + length));
    const indexBuffer = p.input("i32", [...new Array<number>(offset).fill(0), ...Array.from(indices)]);
    const kernel = rowsKernel(kind, sizes, indices.length, [source, indexBuffer], offset);
    const out = p.output(dtype, sizeOf(kernel.shape));
    p.run({ ...kernel, loads: [], stores: [store(dense(out, kernel.shape), result(0, scalarOf(dtype)))] });
    return known && [known];
  });
}

const kinds = ["gatherRows", "scatterAddRows"] as const;

const layouts: readonly KernelCase[] = kinds.flatMap((kind) => [
  takeCase("rows of a table", kind, { outer: 1, size: 10, inner: 7 }, [3, 0, 9, 3, 5]),
  takeCase("elements", kind, { outer: 1, size: 13, inner: 1 }, [12, 0, 12, 1]),
  takeCase("columns of rows", kind, { outer: 5, size: 6, inner: 1 }, [5, 4, 0]),
  takeCase("a middle axis", kind, { outer: 3, size: 4, inner: 5 }, [1, 1, 1, 2, 0, 3, 3]),
  takeCase("one row", kind, { outer: 2, size: 1, inner: 3 }, [0, 0, 0]),
  takeCase("no indices", kind, { outer: 2, size: 3, inner: 4 }, []),
  takeCase("indices out of range are clamped", kind, { outer: 2, size: 3, inner: 2 }, [-1, -100, 3, 1, 2 ** 30, -(2 ** 31)]),
  takeCase("at an offset", kind, { outer: 2, size: 5, inner: 3 }, [4, 2, 2], { offset: 6 }),
  takeCase("a batch of images", kind, { outer: 1, size: 100, inner: 784 }, noiseInt(2, 64, 0, 99)),
  takeCase("many indices into few rows", kind, { outer: 1, size: 3, inner: 17 }, noiseInt(3, 500, 0, 2)),
  takeCase("wide rows", kind, { outer: 1, size: 3, inner: 3001 }, [2, 0, 2]),
  takeCase("f64", kind, { outer: 2, size: 4, inner: 3 }, [3, 3, 0], { dtype: "f64" }),
  takeCase("i32", kind, { outer: 2, size: 4, inner: 3 }, [3, 3, 0], { dtype: "i32" }),
  takeCase("u32", kind, { outer: 2, size: 4, inner: 3 }, [3, 3, 0], { dtype: "u32" }),
]);

/** Rows so short that several are read at once: whole vectors of them, remainders, shares of threads. */
const shortRows: readonly KernelCase[] = [
  ...(["f32", "f64", "i32", "u8", "bool", ...storageFloats] as const).map((dtype) =>
    takeCase(`many elements, ${dtype}`, "gatherRows", { outer: 3, size: 50, inner: 1 }, noiseInt(8, 39, 0, 49), {
      dtype,
      offset: 3,
    })
  ),
  takeCase("many elements of a long list", "gatherRows", { outer: 1, size: 5000, inner: 1 }, noiseInt(9, 70_001, 0, 4999)),
  takeCase("elements of many rows", "gatherRows", { outer: 700, size: 40, inner: 1 }, noiseInt(10, 90, 0, 39)),
  takeCase("many indices out of range", "gatherRows", { outer: 2, size: 7, inner: 1 }, noiseInt(11, 41, -20, 20)),
  takeCase("the ends of what an index can be", "gatherRows", { outer: 1, size: 7, inner: 1 }, [
    2 ** 31 - 1,
    -(2 ** 31),
    6,
    7,
    -1,
    0,
  ]),
  takeCase("few elements of many rows", "gatherRows", { outer: 90, size: 3, inner: 1 }, [2, 0]),
  takeCase("one element of many rows", "gatherRows", { outer: 90, size: 3, inner: 1 }, [2]),
  takeCase("many pairs", "gatherRows", { outer: 2, size: 30, inner: 2 }, noiseInt(12, 75, 0, 29)),
  takeCase("many rows of three", "gatherRows", { outer: 1, size: 300, inner: 3 }, noiseInt(13, 9001, 0, 299)),
  ...[1, 3].map((inner) =>
    buildCase(`take: rows of ${inner} with an epilogue and a store of another order`, sums, (p) => {
      const [outer, size, count] = [5, 20, 38];
      const shape = [outer, count, inner];
      const x = p.input("f32", noise(14, outer * size * inner));
      const indices = p.input("i32", noiseInt(15, count, 0, size - 1));
      const [scale, bias] = [p.input("f32", noise(16, count)), p.input("f32", noise(17, outer * count * inner))];
      const [out, turned] = [p.output("f32", sizeOf(shape)), p.output("f32", sizeOf(shape))];
      p.run({
        ...rowsKernel("gatherRows", { outer, size, inner }, count, [x, indices]),
        loads: [strided(scale, [0, 1, 0]), dense(bias, shape)],
        stores: [
          store(dense(out, shape), binary("add", binary("mul", result(), load(0)), load(1))),
          store(strided(turned, [1, outer, outer * count]), result()),
        ],
      });
    })
  ),
];

/** Rows that overlap: spans that begin anywhere, short ones and those that are copied as they are. */
const spans: readonly KernelCase[] = [
  takeCase("spans of a line", "gatherRows", { outer: 1, size: 20, inner: 7, step: 1 }, [3, 0, 19, 3, 25]),
  takeCase("spans of lines, two apart", "gatherRows", { outer: 3, size: 9, inner: 4, step: 2 }, [8, 0, -3, 5]),
  takeCase("spans of one element", "gatherRows", { outer: 2, size: 9, inner: 1, step: 1 }, [8, 0, 5]),
  takeCase("long spans", "gatherRows", { outer: 2, size: 50, inner: 300, step: 1 }, noiseInt(25, 30, 0, 49)),
  takeCase("long spans, four apart", "gatherRows", { outer: 2, size: 50, inner: 64, step: 4 }, noiseInt(26, 30, 0, 49)),
  takeCase("spans of bytes", "gatherRows", { outer: 1, size: 20, inner: 8, step: 1 }, [3, 17], { dtype: "u8" }),
  takeCase("spans of f64", "gatherRows", { outer: 2, size: 20, inner: 5, step: 1 }, [3, 17], { dtype: "f64", offset: 2 }),
];

/** Rows added in many blocks, which threads share, and in few, of which each takes a range of rows. */
const manyBlocks: readonly KernelCase[] = [
  ...(["f32", "f64", "i32", "u32"] as const).map((dtype) =>
    takeCase(`many blocks of elements, ${dtype}`, "scatterAddRows", { outer: 401, size: 30, inner: 1 }, noiseInt(18, 55, 0, 29), {
      dtype,
    })
  ),
  takeCase("many blocks of rows of three", "scatterAddRows", { outer: 301, size: 5, inner: 3 }, noiseInt(19, 60, -2, 7)),
  takeCase("many blocks of rows of six", "scatterAddRows", { outer: 201, size: 7, inner: 6 }, noiseInt(20, 30, 0, 6), {
    offset: 1,
  }),
  takeCase("elements of a long list", "scatterAddRows", { outer: 1, size: 9001, inner: 1 }, noiseInt(21, 30_000, 0, 9000)),
  ...[[150, 1], [60, 5], [3, 1]].map(([outer, inner]) =>
    buildCase(`takeGrad: ${outer} blocks of rows of ${inner} with an epilogue`, sums, (p) => {
      const [size, count] = [40, 120];
      const shape = [outer, size, inner];
      const g = p.input("f32", noise(22, outer * count * inner));
      const indices = p.input("i32", noiseInt(23, count, 0, size - 1));
      const bias = p.input("f32", noise(24, outer * size * inner));
      const out = p.output("f32", sizeOf(shape));
      p.run({
        ...rowsKernel("scatterAddRows", { outer, size, inner }, count, [g, indices]),
        loads: [dense(bias, shape)],
        stores: [store(dense(out, shape), binary("add", binary("mul", result(), 2), load(0)))],
      });
    })
  ),
];

const types: readonly KernelCase[] = [
  ...storageFloats.flatMap((dtype) => [
    takeCase(`${dtype} in odd rows`, "gatherRows", { outer: 1, size: 9, inner: 5 }, [8, 0, 8, 3, 1], { dtype }),
    takeCase(`${dtype} in rows of four`, "gatherRows", { outer: 3, size: 5, inner: 8 }, [4, 0, 2], { dtype }),
  ]),
  takeCase("bytes in odd rows", "gatherRows", { outer: 1, size: 9, inner: 5 }, [8, 0, 8, 3, 1], { dtype: "u8" }),
  takeCase("bool", "gatherRows", { outer: 2, size: 5, inner: 3 }, [4, 0, 2], { dtype: "bool" }),
  takeCase("NaN and infinity are copied", "gatherRows", { outer: 1, size: 3, inner: 1 }, [2, 1, 0, 1], {
    source: [1, NaN, -Infinity],
    known: [-Infinity, NaN, 1, NaN],
  }),
  takeCase("known by hand", "gatherRows", { outer: 1, size: 3, inner: 2 }, [2, 0, 5], {
    source: [1, 2, 3, 4, 5, 6],
    known: [5, 6, 1, 2, 5, 6],
  }),
  takeCase("known by hand", "scatterAddRows", { outer: 1, size: 3, inner: 2 }, [2, 0, 2], {
    source: [1, 2, 3, 4, 5, 6],
    known: [3, 4, 0, 0, 6, 8],
  }),
];

const epilogues: readonly KernelCase[] = [
  buildCase("take: bytes to f32 in [0, 1] on the way", { relative: 1e-6, absolute: 0 }, (p) => {
    const images = p.input("u8", noiseInt(4, 20 * 29, 0, 255));
    const indexBuffer = p.input("i32", [19, 3, 3, 0]);
    const out = p.output("f32", 4 * 29);
    p.run({
      ...rowsKernel("gatherRows", { outer: 1, size: 20, inner: 29 }, 4, [images, indexBuffer]),
      loads: [],
      stores: [store(dense(out, [1, 4, 29]), binary("div", cast("f32", result(0, scalarOf("u8"))), 255))],
    });
  }),
  buildCase("takeGrad: a table updated in place", sums, (p) => {
    const g = p.input("f32", noise(5, 6 * 4));
    const indexBuffer = p.input("i32", [1, 1, 0, 6, 2, 1]);
    const table = p.input("f32", noise(6, 7 * 4));
    p.donate(table);
    p.run({
      ...rowsKernel("scatterAddRows", { outer: 1, size: 7, inner: 4 }, 6, [g, indexBuffer]),
      loads: [dense(table, [1, 7, 4])],
      stores: [store(dense(table, [1, 7, 4]), binary("sub", load(0), binary("mul", result(), 0.1)))],
    });
  }),
  buildCase("takeGrad: a store without the result before one with it", sums, (p) => {
    const g = p.input("f32", noise(5, 6 * 4));
    const indexBuffer = p.input("i32", [1, 1, 0, 6, 2, 1]);
    const other = p.input("f32", noise(6, 7 * 4));
    const [first, second] = [p.output("f32", 28), p.output("f32", 28)];
    p.run({
      ...rowsKernel("scatterAddRows", { outer: 1, size: 7, inner: 4 }, 6, [g, indexBuffer]),
      loads: [dense(other, [1, 7, 4])],
      stores: [
        store(dense(first, [1, 7, 4]), binary("mul", load(0), 2)),
        store(dense(second, [1, 7, 4]), binary("add", load(0), result())),
      ],
    });
  }),
  buildCase("take: two stores, one transposed", exact, (p) => {
    const x = p.input("f32", noiseInt(7, 5 * 3, -9, 9));
    const indexBuffer = p.input("i32", [4, 1, 1, 0]);
    const scale = p.input("f32", [1, 2, 4]);
    const [out, turned] = [p.output("f32", 12), p.output("f32", 12)];
    p.run({
      ...rowsKernel("gatherRows", { outer: 1, size: 5, inner: 3 }, 4, [x, indexBuffer]),
      loads: [strided(scale, [0, 0, 1])],
      stores: [
        store(dense(out, [1, 4, 3]), binary("mul", result(), load(0))),
        store(strided(turned, [0, 1, 4]), result()),
      ],
    });
  }),
];

/** Cases of rows by index. */
export const takeCases: readonly KernelCase[] = [...layouts, ...shortRows, ...spans, ...manyBlocks, ...types, ...epilogues];
