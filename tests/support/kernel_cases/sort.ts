/**
 * Sorted order: lengths on both sides of every way to sort, ties, NaN, infinities and both zeros, every type, strides, epilogues.
 *
 * @module
 */
import { binary, cast } from "../../../core/ir/expr.ts";
import type { Access } from "../../../core/ir/kernel.ts";
import type { DType } from "../../../core/dtype.ts";
import { contiguousStrides } from "../../../core/shape.ts";
import { exact } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, index, type KernelCase, load, result, scalarOf, store, strided } from "./builder.ts";

interface Options {
  readonly dtype?: DType;
  readonly descending?: boolean;
  readonly values?: ArrayLike<number>;
  /** Where the elements lie; row after row if not given. */
  readonly layout?: Omit<Access, "buffer">;
  readonly known?: ArrayLike<number>;
  /** How many indices of each row are wanted; all if not given. */
  readonly count?: number;
}

/** Values of many sizes and both signs; integers reach the ends of their range. */
function valuesOf(dtype: DType, count: number): ArrayLike<number> {
  if (dtype === "f32") return Array.from(noise(1, count), (x, i) => x * 10 ** (i % 7 - 3));
  if (dtype === "f64") return Array.from(noise64(1, count), (x, i) => x * 10 ** (i % 7 - 3));
  const low = dtype === "i32" ? -(2 ** 31) : 0;
  return Array.from(
    noise64(1, count),
    (x, i) => i % 50 === 7 ? low : i % 50 === 9 ? low + 2 ** 32 - 1 : low + Math.floor(Math.abs(x) * 2 ** 31),
  );
}

function sortCase(name: string, rows: number, n: number, options: Options = {}): KernelCase {
  const { dtype = "f32", descending = false, known, count = n } = options;
  const { layout = { offset: 0, strides: contiguousStrides([rows, n]) } } = options;
  const shape = [rows, n];
  return buildCase(`argsort: ${name}`, exact, (p) => {
    const ends = layout.strides.map((stride, axis) => stride * Math.max(0, shape[axis] - 1));
    const size = rows * n === 0 ? 0 : ends.reduce((at, end) => at + Math.max(end, 0), layout.offset) + 1;
    const source = p.input(dtype, options.values ?? valuesOf(dtype, size));
    const out = p.output("i32", rows * count);
    p.run({
      kind: "argsort",
      shape: [rows, count],
      descending,
      n,
      operands: [{ buffer: source, ...layout }],
      loads: [],
      stores: [store(dense(out, [rows, count]), result(0, "i32"))],
    });
    return known && [known];
  });
}

const sizes: readonly KernelCase[] = [
  sortCase("no rows", 0, 5),
  sortCase("rows of nothing", 3, 0),
  ...[1, 2, 3, 32, 33, 64, 65, 257, 1000].map((n) => sortCase(`${n} numbers, thrice`, 3, n)),
  sortCase("one row of 4096", 1, 4096),
  sortCase("one row of 4097, descending", 1, 4097, { descending: true }),
  sortCase("100003 numbers", 1, 100_003),
  sortCase("two rows of 20000, descending", 2, 20_000, { descending: true }),
  sortCase("many short rows", 5001, 5),
  sortCase("rows for all threads", 300, 100, { descending: true }),
];

const ties: readonly KernelCase[] = [
  sortCase("all equal", 2, 70, { values: new Array<number>(140).fill(3), known: Array.from({ length: 140 }, (_, i) => i % 70) }),
  sortCase("all equal, descending", 1, 300, {
    values: new Array<number>(300).fill(-1),
    descending: true,
    known: Array.from({ length: 300 }, (_, i) => i),
  }),
  ...[40, 300, 20_000].flatMap((n) =>
    [false, true].map((descending) =>
      sortCase(`${n} of a few values${descending ? ", descending" : ""}`, 1, n, { values: noiseInt(2, n, -3, 3), descending })
    )
  ),
  sortCase("sorted already", 1, 500, { values: Array.from({ length: 500 }, (_, i) => i), descending: true }),
];

const inf = Infinity;
const special = [1, NaN, -0, -inf, 0, inf, NaN, -1, 1e-45, 3e38, -0, -3e38];
const ascending = [3, 11, 7, 2, 4, 10, 8, 0, 9, 5, 1, 6];
const downwards = [1, 6, 5, 9, 0, 8, 2, 4, 10, 7, 11, 3];

/** The special values, many of them. */
function strew(n: number): number[] {
  return Array.from(noiseInt(3, n, 0, special.length - 1), (i) => special[i]);
}

const specials: readonly KernelCase[] = (["f32", "f64"] as const).flatMap((dtype) => [
  sortCase(`special values ${dtype}`, 1, 12, { dtype, values: special, known: ascending }),
  sortCase(`special values ${dtype}, descending`, 1, 12, { dtype, values: special, known: downwards, descending: true }),
  sortCase(`many special values ${dtype}`, 2, 150, { dtype, values: strew(300) }),
  sortCase(`many special values ${dtype}, descending`, 2, 150, { dtype, values: strew(300), descending: true }),
  sortCase(`most special values ${dtype}`, 1, 20_000, { dtype, values: strew(20_000) }),
]);

const types: readonly KernelCase[] = (["f64", "i32", "u32"] as const).flatMap((dtype) => [
  ...[5, 200].flatMap((n) =>
    [false, true].map((descending) => sortCase(`${n} ${dtype}${descending ? ", descending" : ""}`, 2, n, { dtype, descending }))
  ),
  sortCase(`17000 ${dtype}`, 2, 17_000, { dtype }),
]);

const layouts: readonly KernelCase[] = [
  sortCase("columns of a matrix", 7, 90, { layout: { offset: 0, strides: [1, 7] } }),
  sortCase("short columns of a matrix", 7, 9, { layout: { offset: 0, strides: [1, 7] } }),
  sortCase("backwards, at an offset", 2, 50, { layout: { offset: 103, strides: [50, -1] } }),
  sortCase("backwards in f64", 2, 50, { dtype: "f64", layout: { offset: 103, strides: [-50, -1] } }),
  sortCase("every third", 3, 40, { layout: { offset: 2, strides: [120, 3] } }),
  sortCase("one row again and again", 4, 70, { layout: { offset: 0, strides: [0, 1] } }),
  sortCase("one number again and again", 2, 70, { layout: { offset: 1, strides: [1, 0] } }),
  sortCase("long columns", 2, 17_000, { layout: { offset: 0, strides: [1, 2] } }),
];

/** The first few: kept in order, or sorted now and then; of long rows by parts; the worst orders of all, ties, and what is not passed over. */
const firsts: readonly KernelCase[] = [
  ...[1, 5, 16].flatMap((count) =>
    [256, 263, 1000].map((n) => sortCase(`the first ${count} of ${n}`, 3, n, { count, descending: n === 263 }))
  ),
  ...[20, 60].map((count) => sortCase(`the first ${count} of 3001`, 3, 3001, { count, descending: count === 20 })),
  sortCase("the first 30 of 40", 3, 40, { count: 30 }),
  sortCase("the first 15000 of 20000", 1, 20_000, { count: 15_000, descending: true }),
  sortCase("the first 2 of 20", 40, 20, { count: 2 }),
  sortCase("none of 20", 4, 20, { count: 0 }),
  ...[7, 100].flatMap((count) =>
    [false, true].flatMap((descending) => [
      sortCase(`the first ${count} of 30001${descending ? ", descending" : ""}`, 1, 30_001, { count, descending }),
      sortCase(`the first ${count} of 20000 of a few values${descending ? ", descending" : ""}`, 2, 20_000, {
        count,
        descending,
        values: noiseInt(2, 40_000, -3, 3),
      }),
      sortCase(`the first ${count} of 6000 that rise${descending ? ", descending" : ""}`, 1, 6000, {
        count,
        descending,
        values: Array.from({ length: 6000 }, (_, i) => i),
      }),
      ...(["f32", "f64"] as const).map((dtype) =>
        sortCase(`the first ${count} special values ${dtype}${descending ? ", descending" : ""}`, 1, 6000, {
          count,
          descending,
          dtype,
          values: strew(6000),
        })
      ),
      ...(["f64", "i32", "u32"] as const).map((dtype) =>
        sortCase(`the first ${count} of 6000 ${dtype}${descending ? ", descending" : ""}`, 2, 6000, { count, descending, dtype })
      ),
    ])
  ),
  sortCase("the first 5 of columns", 7, 90, { count: 5, layout: { offset: 0, strides: [1, 7] } }),
  sortCase("the first 3 backwards, at an offset", 2, 50, { count: 3, layout: { offset: 103, strides: [50, -1] } }),
];

/** Places in all rows as one list, and as floats the other way round, scaled by what is loaded. */
function epilogueCase(rows: number, n: number, count = n): KernelCase {
  return buildCase(`argsort: two stores of [${rows}, ${count}]${count < n ? ` of ${n}` : ""}`, exact, (p) => {
    const x = p.input("f32", noise(4, rows * n));
    const scale = p.input("f32", [1, 2, 4, 8].slice(0, rows));
    const [list, turned] = [p.output("i32", rows * count), p.output("f32", rows * count)];
    p.run({
      kind: "argsort",
      shape: [rows, count],
      descending: false,
      n,
      operands: [dense(x, [rows, n])],
      loads: [strided(scale, [1, 0])],
      stores: [
        store(dense(list, [rows, count]), binary("add", result(0, "i32"), index([n, 0]))),
        store(strided(turned, [1, rows]), binary("mul", cast("f32", result(0, "i32")), load(0))),
      ],
    });
  });
}

/** Cases of sorted order. */
export const sortCases: readonly KernelCase[] = [
  ...sizes,
  ...ties,
  ...specials,
  ...types,
  ...layouts,
  ...firsts,
  epilogueCase(3, 7),
  epilogueCase(4, 130),
  epilogueCase(1, 17_001),
  epilogueCase(4, 400, 9),
  epilogueCase(1, 17_001, 40),
  epilogueCase(1, 17_001, 2000),
  buildCase("argsort: indices as bytes", exact, (p) => {
    const x = p.input("f32", noise(5, 2 * 37));
    const out = p.output("u8", 2 * 37);
    p.run({
      kind: "argsort",
      shape: [2, 37],
      descending: true,
      n: 37,
      operands: [dense(x, [2, 37])],
      loads: [],
      stores: [store(dense(out, [2, 37]), result(0, scalarOf("u8")))],
    });
  }),
];
