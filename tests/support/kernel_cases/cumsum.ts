/**
 * Running sums: extents around every way to walk, both directions, every type, strides, infinities, epilogues.
 *
 * @module
 */
import { binary, cast } from "../../../core/ir/expr.ts";
import type { Access } from "../../../core/ir/kernel.ts";
import type { DType } from "../../../core/dtype.ts";
import { contiguousStrides, type Shape, sizeOf } from "../../../core/shape.ts";
import { exact, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, type KernelCase, load, result, scalarOf, store, strided } from "./builder.ts";

interface Options {
  readonly dtype?: DType;
  readonly reverse?: boolean;
  readonly values?: ArrayLike<number>;
  /** Where the elements lie; row after row if not given. */
  readonly layout?: Omit<Access, "buffer">;
  readonly known?: ArrayLike<number>;
  readonly tolerance?: Tolerance;
}

/** Values on both sides of zero; integers wrap around. */
function valuesOf(dtype: DType, count: number): ArrayLike<number> {
  if (dtype === "f32") return noise(1, count);
  if (dtype === "f64") return noise64(1, count);
  const low = dtype === "i32" ? -(2 ** 31) : 0;
  return Array.from(noise64(1, count), (x) => low + Math.floor(Math.abs(x) * 2 ** 31));
}

const tolerances: Readonly<Partial<Record<DType, Tolerance>>> = {
  f32: { relative: 1e-6, absolute: 4e-6 },
  f64: { relative: 2e-16, absolute: 1e-15 },
};

function cumsumCase(name: string, shape: Shape, options: Options = {}): KernelCase {
  const { dtype = "f32", reverse = false, known, layout = { offset: 0, strides: contiguousStrides(shape) } } = options;
  return buildCase(`cumsum: ${name}`, options.tolerance ?? tolerances[dtype] ?? exact, (p) => {
    const ends = layout.strides.map((stride, axis) => stride * Math.max(0, shape[axis] - 1));
    const size = sizeOf(shape) === 0 ? 0 : ends.reduce((at, end) => at + Math.max(end, 0), layout.offset) + 1;
    const source = p.input(dtype, options.values ?? valuesOf(dtype, size));
    const out = p.output(dtype, sizeOf(shape));
    p.run({
      kind: "cumsum",
      shape,
      reverse,
      operands: [{ buffer: source, ...layout }],
      loads: [],
      stores: [store(dense(out, shape), result(0, scalarOf(dtype)))],
    });
    return known && [known];
  });
}

const shapes: readonly Shape[] = [
  [0, 5],
  [3, 0],
  [2, 3, 0],
  ...[1, 2, 3, 4, 5, 8, 63, 64, 65, 255, 256, 257, 1000].map((n) => [3, n]),
  ...[1, 2, 4, 5, 9, 500].map((rows) => [rows, 13]),
  [1, 4096],
  ...[1, 2, 3, 4, 5, 7, 8, 16, 63, 65].map((inner) => [2, 6, inner]),
  ...[64, 511, 513, 1030].map((inner) => [1, 65, inner]),
  [300, 70, 2],
  [1, 70, 130],
];

const sizes: readonly KernelCase[] = shapes.flatMap((shape) =>
  [false, true].map((reverse) => cumsumCase(`${shape}${reverse ? " backwards" : ""}`, shape, { reverse }))
);

const types: readonly KernelCase[] = (["f64", "i32", "u32"] as const).flatMap((dtype) =>
  [[3, 5], [2, 300], [2, 5, 3], [3, 70, 9]].flatMap((shape) =>
    [false, true].map((reverse) => cumsumCase(`${shape} of ${dtype}${reverse ? " backwards" : ""}`, shape, { dtype, reverse }))
  )
);

const layouts: readonly KernelCase[] = (["f32", "f64"] as const).flatMap((dtype) =>
  [false, true].flatMap((reverse) => {
    const make = (name: string, shape: Shape, strides: readonly number[], offset = 0) =>
      cumsumCase(`${name} of ${dtype}${reverse ? " backwards" : ""}`, shape, { dtype, reverse, layout: { offset, strides } });
    return [
      make("columns of a matrix", [7, 90], [1, 7]),
      make("rows in the order of columns", [1, 50, 20], [0, 1, 50]),
      make("from the end", [3, 50], [50, -1], 49),
      make("from the last row", [2, 30, 10], [300, -10, 1], 290),
      make("columns from the last", [2, 30, 10], [300, 10, -1], 9),
      make("every third", [5, 40], [120, 3], 2),
      make("one row again and again", [6, 70], [0, 1]),
      make("one number again and again", [6, 70], [1, 0], 1),
      make("one column again and again", [2, 9, 12], [9, 1, 0]),
    ];
  })
);

const inf = Infinity;
const special = [1, inf, -1, 3e38, -inf, 1, NaN, 2];
const specials: readonly KernelCase[] = (["f32", "f64"] as const).flatMap((dtype) => [
  cumsumCase(`infinities of ${dtype}`, [1, 4], { dtype, values: special.slice(0, 4), known: [1, inf, inf, inf] }),
  cumsumCase(`infinities and NaN of ${dtype}`, [1, 8], {
    dtype,
    values: special,
    known: [1, inf, inf, inf, NaN, NaN, NaN, NaN],
  }),
  cumsumCase(`NaN of ${dtype}, backwards`, [1, 8], { dtype, values: special, reverse: true, known: [...Array(7).fill(NaN), 2] }),
]);

/** The sums themselves, and with their axes the other way round and scaled by what is loaded. */
function epilogueCase(shape: Shape, reverse: boolean): KernelCase {
  return buildCase(`cumsum: two stores of [${shape}]`, exact, (p) => {
    const size = sizeOf(shape);
    const x = p.input("f32", noiseInt(4, size, -5, 5));
    const scale = p.input("f32", Array.from({ length: shape[0] }, (_, i) => 2 ** (i % 4)));
    const [sums, turned] = [p.output("f32", size), p.output("i32", size)];
    const backwards = contiguousStrides(shape.toReversed()).toReversed();
    p.run({
      kind: "cumsum",
      shape,
      reverse,
      operands: [dense(x, shape)],
      loads: [strided(scale, shape.map((_, axis) => axis === 0 ? 1 : 0))],
      stores: [
        store(dense(sums, shape), binary("add", result(0), load(0))),
        store(strided(turned, backwards), cast("i32", binary("mul", result(0), load(0)))),
      ],
    });
  });
}

/** Cases of running sums. */
export const cumsumCases: readonly KernelCase[] = [
  ...sizes,
  ...types,
  ...layouts,
  ...specials,
  ...[[3, 7], [9, 130], [2, 5, 3], [2, 70, 9], [1, 300, 600], [300, 300]].flatMap((shape) =>
    [false, true].map((reverse) => epilogueCase(shape, reverse))
  ),
];
