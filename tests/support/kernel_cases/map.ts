/**
 * Elementwise kernels: domains, strides, offsets, several stores, narrow types, and memory overwritten in place.
 *
 * @module
 */
import { binary, cast, constant, unary } from "../../../core/ir/expr.ts";
import type { DType } from "../../../core/dtype.ts";
import { contiguousStrides, type Shape, sizeOf } from "../../../core/shape.ts";
import { exact, smallestNormal, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, f32, index, type KernelCase, load, scalarOf, store, strided } from "./builder.ts";
import { storageFloats } from "../storage_floats.ts";

const rounded: Tolerance = { relative: 1e-6, absolute: smallestNormal };

/** y = 2 x + 1 over a domain, all row-major. */
function affineCase(shape: Shape): KernelCase {
  return buildCase(`map over [${shape.join(", ")}]`, exact, (p) => {
    const x = p.input("f32", noiseInt(1, sizeOf(shape), -99, 99));
    const out = p.output("f32", sizeOf(shape));
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [dense(x, shape)],
      stores: [store(dense(out, shape), binary("add", binary("mul", load(0), 2), 1))],
    });
  });
}

const domains: readonly KernelCase[] = [
  [],
  [1],
  [2],
  [3],
  [4],
  [5],
  [8],
  [31],
  [64],
  [257],
  [100003],
  [1, 1, 1],
  [3, 5],
  [1, 7],
  [7, 1],
  [64, 3, 28],
  [2, 3, 4, 5],
  [3, 1, 2, 1, 5, 2],
  [2, 1, 3, 2, 2, 3, 5],
  [0],
  [3, 0],
  [0, 4, 5],
].map(affineCase);

/** A copy of `shape` with the given strides on either side. */
function copyCase(
  name: string,
  shape: Shape,
  from: { size: number; strides: readonly number[]; offset?: number },
  to: { size: number; strides: readonly number[]; offset?: number } = { size: sizeOf(shape), strides: contiguousStrides(shape) },
): KernelCase {
  return buildCase(`copy ${name}`, exact, (p) => {
    const x = p.input("f32", Float32Array.from({ length: from.size }, (_, i) => i));
    const out = p.output("f32", to.size);
    // Every element is written once at least, so that no element is undefined.
    p.run({
      kind: "map",
      operands: [],
      shape: [to.size],
      loads: [],
      stores: [store(strided(out, [1]), f32(-1))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [strided(x, from.strides, from.offset)],
      stores: [store(strided(out, to.strides, to.offset), load(0))],
    });
  });
}

const copies: readonly KernelCase[] = [
  copyCase("of a transpose", [7, 5], { size: 35, strides: [1, 7] }),
  copyCase("of a large transpose", [301, 203], { size: 301 * 203, strides: [1, 301] }),
  copyCase("of a rotation of axes", [4, 2, 3], { size: 24, strides: [1, 12, 4] }),
  copyCase("backwards", [13], { size: 13, strides: [-1], offset: 12 }),
  copyCase("backwards along the inner axis", [5, 9], { size: 45, strides: [9, -1], offset: 8 }),
  copyCase("of every third element", [11], { size: 40, strides: [3], offset: 4 }),
  copyCase("of a broadcast row", [6, 5], { size: 5, strides: [0, 1] }),
  copyCase("of a broadcast column", [6, 5], { size: 6, strides: [1, 0] }),
  copyCase("of one element everywhere", [3, 21], { size: 4, strides: [0, 0], offset: 3 }),
  copyCase("of a slice", [3, 4], { size: 70, strides: [10, 1], offset: 23 }),
  copyCase("of overlapping windows", [6, 4], { size: 9, strides: [1, 1] }),
  copyCase("of a diagonal", [6], { size: 36, strides: [7] }),
  copyCase("of a transpose in squares", [64, 96], { size: 64 * 96, strides: [1, 64] }),
  copyCase("of outer axes that change places", [32, 3, 64], { size: 32 * 3 * 64, strides: [1, 2048, 32] }),
  copyCase("that exchanges two axes in whole strips", [16, 8], { size: 128, strides: [1, 16] }),
  copyCase("that exchanges two axes in strips of several threads", [256, 192], { size: 256 * 192, strides: [1, 256] }),
  copyCase("that exchanges two of three axes", [3, 40, 24], { size: 2880, strides: [960, 1, 40] }),
  copyCase("that turns three axes", [24, 40, 64], { size: 61440, strides: [1, 24 * 64, 24] }),
  copyCase("that turns three axes, from an offset", [24, 5, 16], { size: 1929, strides: [1, 24 * 16, 24], offset: 9 }),
  copyCase("of columns backwards into rows", [8, 16], { size: 128, strides: [1, -8], offset: 120 }),
  copyCase("from every other row into a transpose", [8, 24], { size: 384, strides: [48, 1] }, { size: 192, strides: [1, 8] }),
  copyCase("into a transpose", [7, 5], { size: 35, strides: [5, 1] }, { size: 35, strides: [1, 7] }),
  copyCase("into every second element", [9], { size: 9, strides: [1] }, { size: 19, strides: [2], offset: 1 }),
  copyCase("into a frame", [4, 5], { size: 20, strides: [5, 1] }, { size: 56, strides: [8, 1], offset: 9 }),
  copyCase("backwards in the store", [10], { size: 10, strides: [1] }, { size: 10, strides: [-1], offset: 9 }),
  copyCase("of six transposed axes", [2, 3, 2, 3, 2, 3], { size: 216, strides: [1, 2, 6, 12, 36, 72] }),
];

/** A value of each type moved unchanged, from and to odd offsets. */
function moveCase(dtype: DType, values: ArrayLike<number>): KernelCase {
  const size = values.length;
  return buildCase(`move ${size} ${dtype} from offset 3 to offset 1`, exact, (p) => {
    const x = p.input(dtype, values);
    const out = p.output(dtype, size);
    const type = scalarOf(dtype);
    p.run({
      kind: "map",
      operands: [],
      shape: [size],
      loads: [],
      stores: [store(strided(out, [1]), constant(type, 1))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [size - 3],
      loads: [strided(x, [1], 3)],
      stores: [store(strided(out, [1], 1), load(0, type))],
    });
    const moved = Array.from(values).slice(3);
    return [[1, ...moved, 1, 1]];
  });
}

const types: readonly KernelCase[] = [
  ...[5, 8, 37, 1027].map((size) => moveCase("u8", noiseInt(2, size, 0, 255))),
  ...storageFloats.flatMap((dtype) => [5, 8, 37, 1027].map((size) => moveCase(dtype, noiseInt(2, size, -256, 256)))),
  ...[5, 38].map((size) => moveCase("bool", noiseInt(3, size, 0, 1))),
  moveCase("i32", noiseInt(4, 37, -(2 ** 30), 2 ** 30)),
  moveCase("u32", noiseInt(5, 37, 0, 2 ** 31 - 1)),
  moveCase("f64", noise64(6, 37)),
  moveCase("f32", noise(7, 37)),
  buildCase("u8 images to f32 in [0, 1]", rounded, (p) => {
    const images = p.input("u8", noiseInt(8, 3 * 29, 0, 255));
    const out = p.output("f32", 3 * 29);
    p.run({
      kind: "map",
      operands: [],
      shape: [3, 29],
      loads: [dense(images, [3, 29])],
      stores: [store(dense(out, [3, 29]), binary("div", cast("f32", load(0, scalarOf("u8"))), 255))],
    });
  }),
  ...storageFloats.flatMap((dtype) => [
    buildCase(`${dtype} and f32 in one kernel, in rows of four`, exact, (p) => {
      const x = p.input(dtype, noiseInt(10, 24, -99, 99));
      const y = p.input("f32", noiseInt(11, 24, -99, 99));
      const [half, whole] = [p.output(dtype, 24), p.output("f32", 24)];
      p.run({
        kind: "map",
        operands: [],
        shape: [3, 8],
        loads: [dense(x, [3, 8]), dense(y, [3, 8])],
        stores: [
          store(dense(half, [3, 8]), binary("sub", load(1), load(0))),
          store(dense(whole, [3, 8]), binary("add", load(1), load(0))),
        ],
      });
    }),
    buildCase(`${dtype} overwritten from its end keeps neighbours`, exact, (p) => {
      const x = p.donate(p.input(dtype, noiseInt(12, 35, -99, 99)));
      p.run({
        kind: "map",
        operands: [],
        shape: [17],
        loads: [strided(x, [2], 1)],
        stores: [store(strided(x, [2], 1), binary("mul", load(0), -2))],
      });
    }),
    buildCase(`${dtype} written through a transpose keeps its neighbours`, exact, (p) => {
      const x = p.input(dtype, noiseInt(9, 35, -127, 127));
      const out = p.output(dtype, 35);
      p.run({
        kind: "map",
        operands: [],
        shape: [5, 7],
        loads: [strided(x, [1, 5])],
        stores: [store(strided(out, [1, 5]), binary("mul", load(0), 2))],
      });
    }),
  ]),
  buildCase("u8 written through a transpose keeps its neighbours", exact, (p) => {
    const x = p.input("u8", noiseInt(9, 35, 0, 255));
    const out = p.output("u8", 35);
    p.run({
      kind: "map",
      operands: [],
      shape: [5, 7],
      loads: [strided(x, [1, 5])],
      stores: [store(strided(out, [1, 5]), binary("xor", load(0, scalarOf("u8")), 0xff))],
    });
  }),
];

const stores: readonly KernelCase[] = [
  buildCase("three outputs of three types from two loads", exact, (p) => {
    const x = p.input("f32", noiseInt(10, 33, -9, 9));
    const y = p.input("f32", noiseInt(11, 3, -9, 9));
    const total = p.output("f32", 33);
    const less = p.output("bool", 33);
    const whole = p.output("i32", 33);
    const [a, b] = [load(0), load(1)];
    const sum = binary("add", a, b);
    p.run({
      kind: "map",
      operands: [],
      shape: [11, 3],
      loads: [dense(x, [11, 3]), strided(y, [0, 1])],
      stores: [
        store(dense(total, [11, 3]), sum),
        store(dense(less, [11, 3]), binary("lt", a, b)),
        store(strided(whole, [1, 11]), cast("i32", binary("mul", sum, 3))),
      ],
    });
  }),
  buildCase("two parts of one output: a concatenation", exact, (p) => {
    const x = p.input("f32", noise(12, 5 * 3));
    const y = p.input("f32", noise(13, 5 * 4));
    const out = p.output("f32", 5 * 7);
    p.run({
      kind: "map",
      operands: [],
      shape: [5, 3],
      loads: [dense(x, [5, 3])],
      stores: [store(strided(out, [7, 1]), load(0))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [5, 4],
      loads: [dense(y, [5, 4])],
      stores: [store(strided(out, [7, 1], 3), load(0))],
    });
  }),
  buildCase("two stores into disjoint parts of one output", exact, (p) => {
    const x = p.input("f32", noise(14, 21));
    const out = p.output("f32", 42);
    p.run({
      kind: "map",
      operands: [],
      shape: [21],
      loads: [dense(x, [21])],
      stores: [store(strided(out, [2]), load(0)), store(strided(out, [2], 1), unary("neg", load(0)))],
    });
  }),
  buildCase("seven buffers in one kernel", rounded, (p) => {
    const inputs = [1, 2, 3, 4, 5].map((seed) => p.input("f32", noise(seed, 50)));
    const [sum, product] = [p.output("f32", 50), p.output("f32", 50)];
    const loads = inputs.map((_, k) => load(k));
    p.run({
      kind: "map",
      operands: [],
      shape: [50],
      loads: inputs.map((x) => dense(x, [50])),
      stores: [
        store(dense(sum, [50]), loads.reduce((x, y) => binary("max", x, y))),
        store(dense(product, [50]), loads.reduce((x, y) => binary("mul", x, y))),
      ],
    });
  }),
];

const inPlace: readonly KernelCase[] = [
  buildCase("a donated input is overwritten", exact, (p) => {
    const x = p.input("f32", noise(15, 77));
    p.donate(x);
    p.run({
      kind: "map",
      operands: [],
      shape: [77],
      loads: [dense(x, [77])],
      stores: [store(dense(x, [77]), binary("mul", load(0), 2))],
    });
  }),
  buildCase("donated and overwritten through the same transpose", exact, (p) => {
    const x = p.input("i32", noiseInt(16, 35, -9, 9));
    p.donate(x);
    p.run({
      kind: "map",
      operands: [],
      shape: [7, 5],
      loads: [strided(x, [1, 7])],
      stores: [store(strided(x, [1, 7]), binary("add", load(0, "i32"), index([5, 1])))],
    });
  }),
  buildCase(
    "sgd with momentum in one pass: two donated inputs, the rate a scalar input",
    { relative: 1e-6, absolute: 1e-7 },
    (p) => {
      const size = 1234;
      const parameter = p.input("f32", noise(17, size));
      const momentum = p.input("f32", noise(18, size));
      const gradient = p.input("f32", noise(19, size));
      const rate = p.input("f32", [0.01]);
      p.donate(parameter);
      p.donate(momentum);
      const velocity = binary("add", binary("mul", load(1), 0.5), load(2));
      p.run({
        kind: "map",
        operands: [],
        shape: [size],
        loads: [dense(parameter, [size]), dense(momentum, [size]), dense(gradient, [size]), strided(rate, [0])],
        stores: [
          store(dense(parameter, [size]), binary("sub", load(0), binary("mul", load(3), velocity))),
          store(dense(momentum, [size]), velocity),
        ],
      });
    },
  ),
  buildCase("a donated input in part, beside a fresh output that reads the old values", exact, (p) => {
    const x = p.input("f32", noiseInt(20, 30, -9, 9));
    const old = p.output("f32", 10);
    p.donate(x);
    p.run({
      kind: "map",
      operands: [],
      shape: [10],
      loads: [strided(x, [2], 5)],
      stores: [store(dense(old, [10]), load(0)), store(strided(x, [2], 5), f32(0))],
    });
  }),
  buildCase("two donated inputs swapped through an intermediate", exact, (p) => {
    const x = p.input("f32", noise(21, 40));
    const y = p.input("f32", noise(22, 40));
    const t = p.temporary("f32", 40, 0);
    p.donate(x);
    p.donate(y);
    for (const [from, to] of [[x, t], [y, x], [t, y]]) {
      p.run({ kind: "map", operands: [], shape: [40], loads: [dense(from, [40])], stores: [store(dense(to, [40]), load(0))] });
    }
  }),
];

/** Cases of elementwise kernels. */
export const mapCases: readonly KernelCase[] = [...domains, ...copies, ...types, ...stores, ...inPlace];
