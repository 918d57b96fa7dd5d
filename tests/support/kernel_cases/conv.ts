/**
 * Convolutions and their gradients over one list of geometries, and what may be fused behind them.
 *
 * @module
 */
import { binary, type Expr, select } from "../../../core/ir/expr.ts";
import type { ConvKernel } from "../../../core/ir/kernel.ts";
import type { DType } from "../../../core/dtype.ts";
import type { ConvGeometry } from "../../../core/ir/windows.ts";
import { contiguousStrides, sizeOf } from "../../../core/shape.ts";
import { exact, type Tolerance } from "../close.ts";
import { isLong } from "../share.ts";
import { noise, noise64 } from "../noise.ts";
import { buildCase, dense, f32, type KernelCase, load, result, store, strided } from "./builder.ts";
import { windowGeometry, type WindowSizes } from "./windows.ts";

/** Parameters of a convolution; the default is 1. */
export interface ConvSizes extends WindowSizes {
  readonly n?: number;
  readonly c?: number;
  readonly o?: number;
  readonly groups?: number;
}

/** All the numbers of a convolution. */
export function convGeometry({ n = 1, c = 1, o = 1, groups = 1, ...windows }: ConvSizes): ConvGeometry {
  return { n, c, o, groups, ...windowGeometry(windows) };
}

/** The shapes of x, the weight and y. */
export function convShapes(g: ConvGeometry): Readonly<Record<"x" | "weight" | "y", readonly number[]>> {
  return { x: [g.n, g.c, g.h, g.w], weight: [g.o, g.c / g.groups, g.kh, g.kw], y: [g.n, g.o, g.oh, g.ow] };
}

const roles = {
  conv2d: ["x", "weight", "y"],
  conv2dInputGrad: ["y", "weight", "x"],
  conv2dFilterGrad: ["x", "y", "weight"],
} as const;

/** A convolution kernel of one kind, all contiguous: its two operands' shapes and its domain. */
export function convRoles(kind: ConvKernel["kind"], g: ConvGeometry): readonly (readonly number[])[] {
  return roles[kind].map((role) => convShapes(g)[role]);
}

const kinds: readonly ConvKernel["kind"][] = ["conv2d", "conv2dInputGrad", "conv2dFilterGrad"];

/** Sums of as many terms as there are products per point. */
function convTolerance(terms: number): Tolerance {
  return { relative: 1e-5, absolute: 1e-7 * terms + 1e-6 };
}

function termsOf(kind: ConvKernel["kind"], g: ConvGeometry): number {
  if (kind === "conv2d") return g.c / g.groups * g.kh * g.kw;
  return kind === "conv2dInputGrad" ? g.o / g.groups * g.kh * g.kw : g.n * g.oh * g.ow;
}

/** One kernel of one kind; `offset` is that of both operands and the output inside larger buffers. */
function convCase(
  name: string,
  kind: ConvKernel["kind"],
  g: ConvGeometry,
  options: { dtype?: "f32" | "f64"; offset?: number; tolerance?: Tolerance } = {},
): KernelCase {
  const { dtype = "f32", offset = 0 } = options;
  const tolerance = options.tolerance ?? convTolerance(termsOf(kind, g));
  const values = dtype === "f32" ? noise : noise64;
  return buildCase(`${kind}: ${name}`, tolerance, (p) => {
    const [lhs, rhs, domain] = convRoles(kind, g);
    const x = p.input(dtype, values(1, offset + sizeOf(lhs)));
    const y = p.input(dtype, values(2, offset + sizeOf(rhs)));
    const out = p.output(dtype, sizeOf(domain));
    p.run({
      kind,
      shape: domain,
      geometry: g,
      operands: [dense(x, lhs, offset), dense(y, rhs, offset)],
      loads: [],
      stores: [store(dense(out, domain), result(0, dtype))],
    });
  });
}

const geometries: Readonly<Record<string, ConvSizes>> = {
  "1x1 image, 1x1 filter": { input: [1, 1], kernel: [1, 1] },
  "one pixel of output": { c: 2, input: [3, 4], o: 3, kernel: [3, 4] },
  "1x1 filter over channels": { n: 2, c: 5, input: [6, 7], o: 9, kernel: [1, 1] },
  "mnist, first layer of cnn": { n: 4, input: [28, 28], o: 10, kernel: [5, 5] },
  "mnist, second layer of cnn": { n: 4, c: 10, input: [12, 12], o: 20, kernel: [5, 5] },
  "mnist, first layer of simple": { n: 2, input: [28, 28], o: 32, kernel: [3, 3] },
  "mnist, second layer of simple": { n: 2, c: 32, input: [14, 14], o: 64, kernel: [3, 3] },
  "mnist, second layer of lenet": { n: 3, c: 6, input: [12, 12], o: 16, kernel: [5, 5] },
  "many channels, padding": { n: 3, c: 32, input: [7, 6], o: 16, kernel: [3, 3], padding: [1, 1, 1, 1] },
  "many channels, stride 2, padding": {
    n: 3,
    c: 16,
    input: [8, 10],
    o: 32,
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1, 1, 1],
  },
  "256 channels, stride 2": { c: 256, input: [5, 6], o: 40, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  "1x1 filter, stride 2": { n: 2, c: 8, input: [12, 12], o: 16, kernel: [1, 1], stride: [2, 2] },
  "1x1 filter, stride 2, many channels, a rest that no window touches": {
    n: 2,
    c: 48,
    input: [14, 13],
    o: 64,
    kernel: [1, 1],
    stride: [2, 3],
  },
  "even filter, strides 2 and 3, two groups": {
    n: 3,
    c: 12,
    input: [12, 12],
    o: 32,
    kernel: [4, 5],
    stride: [2, 3],
    padding: [1, 2, 0, 3],
    groups: 2,
  },
  "all extents odd": { n: 3, c: 3, input: [11, 13], o: 5, kernel: [3, 5], padding: [1, 1, 2, 2] },
  "even filter": { n: 2, c: 3, input: [8, 9], o: 4, kernel: [2, 4] },
  "same padding of an even filter: asymmetric": { n: 2, c: 2, input: [7, 7], o: 3, kernel: [4, 4], padding: [1, 2, 1, 2] },
  "padding on one side only": { n: 1, c: 2, input: [5, 6], o: 3, kernel: [3, 3], padding: [0, 2, 1, 0] },
  "padding wider than the filter": { n: 1, c: 1, input: [3, 3], o: 2, kernel: [2, 2], padding: [3, 3, 4, 4] },
  "stride 2": { n: 2, c: 3, input: [9, 9], o: 4, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  "stride 2 with a rest that no window touches": { n: 2, c: 3, input: [10, 12], o: 4, kernel: [3, 3], stride: [2, 2] },
  "stride larger than the filter": { n: 2, c: 2, input: [11, 12], o: 3, kernel: [2, 2], stride: [3, 4] },
  "strides that differ": { n: 1, c: 2, input: [12, 9], o: 3, kernel: [4, 3], stride: [3, 1], padding: [1, 0, 0, 1] },
  "dilation 2": { n: 2, c: 3, input: [11, 11], o: 4, kernel: [3, 3], dilation: [2, 2], padding: [2, 2, 2, 2] },
  "dilations that differ": { n: 1, c: 2, input: [13, 10], o: 2, kernel: [3, 2], dilation: [3, 1] },
  "dilation and stride": {
    n: 2,
    c: 2,
    input: [14, 15],
    o: 3,
    kernel: [3, 3],
    stride: [2, 3],
    dilation: [2, 2],
    padding: [1, 2, 2, 1],
  },
  "two groups": { n: 2, c: 4, input: [7, 8], o: 6, kernel: [3, 3], groups: 2 },
  "three groups of one output": { n: 2, c: 6, input: [6, 5], o: 3, kernel: [2, 2], groups: 3 },
  "depthwise": { n: 2, c: 8, input: [9, 9], o: 8, kernel: [3, 3], groups: 8, padding: [1, 1, 1, 1] },
  "depthwise with two outputs per channel, stride 2": {
    n: 2,
    c: 3,
    input: [9, 8],
    o: 6,
    kernel: [3, 3],
    stride: [2, 2],
    groups: 3,
    padding: [1, 1, 1, 1],
  },
  "groups, dilation, stride, padding together": {
    n: 3,
    c: 6,
    input: [13, 12],
    o: 4,
    kernel: [3, 2],
    stride: [2, 1],
    dilation: [2, 3],
    groups: 2,
    padding: [2, 1, 0, 3],
  },
  "one row: a 1-d convolution": { n: 3, c: 4, input: [1, 40], o: 5, kernel: [1, 7], padding: [0, 0, 3, 3] },
  "one column": { n: 2, c: 3, input: [33, 1], o: 4, kernel: [5, 1] },
  "many channels, small image": { n: 5, c: 33, input: [4, 4], o: 37, kernel: [3, 3], padding: [1, 1, 1, 1] },
  "a wide image": { n: 1, c: 1, input: [3, 130], o: 1, kernel: [3, 3] },
  // 3x3 filters over channels in fours, where Winograd's algorithm may be chosen: outputs that are no whole tiles, all paddings.
  "3x3 over many channels": { n: 3, c: 16, input: [13, 11], o: 24, kernel: [3, 3] },
  "3x3 over many channels, same padding": { n: 2, c: 32, input: [14, 14], o: 32, kernel: [3, 3], padding: [1, 1, 1, 1] },
  "3x3 over many channels, asymmetric padding": { n: 2, c: 24, input: [9, 15], o: 20, kernel: [3, 3], padding: [0, 2, 2, 1] },
  "3x3 over many channels, a long strip": { n: 1, c: 20, input: [5, 61], o: 28, kernel: [3, 3], padding: [2, 2, 0, 0] },
  "3x3 over many channels, one image, tall": { n: 1, c: 64, input: [40, 6], o: 16, kernel: [3, 3], padding: [1, 0, 0, 1] },
  "3x3 over many channels, small images whose tiles are together": {
    n: 23,
    c: 32,
    input: [4, 4],
    o: 36,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
  },
  "3x3 over many channels, one small image whose output channels are shared": {
    n: 1,
    c: 64,
    input: [7, 6],
    o: 96,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
  },
  "3x3 over many channels, images of two tiles together": { n: 13, c: 36, input: [9, 6], o: 32, kernel: [3, 3] },
  // Small images of many channels, whose filters' gradient is a product for each tap: taps outside the image, panels and blocks with a rest.
  "3x3 over single pixels": { n: 17, c: 40, input: [1, 1], o: 52, kernel: [3, 3], padding: [1, 1, 1, 1] },
  "3x3 over images of 2 by 2, stride 2": {
    n: 9,
    c: 64,
    input: [2, 2],
    o: 64,
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1, 1, 1],
  },
  "odd channels over small images, strides that differ": {
    n: 8,
    c: 43,
    input: [7, 8],
    o: 31,
    kernel: [3, 5],
    stride: [2, 3],
    dilation: [1, 2],
    padding: [1, 1, 4, 3],
  },
  "1x1 filter over many channels, stride 2": { n: 8, c: 37, input: [6, 5], o: 50, kernel: [1, 1], stride: [2, 2] },
  // Single pixels, whose filters' gradient is a product over pixels: of images together with a rest, and of parts of images.
  "1x1 filter over many channels": { n: 27, c: 37, input: [6, 5], o: 50, kernel: [1, 1] },
  "1x1 filter over large images": { n: 2, c: 19, input: [37, 39], o: 15, kernel: [1, 1] },
  "two groups of many channels": { n: 8, c: 48, input: [4, 5], o: 34, kernel: [3, 3], groups: 2, padding: [1, 1, 1, 1] },
  "filter of a long row": { n: 2, c: 2, input: [3, 90], o: 3, kernel: [2, 80], padding: [1, 0, 5, 6] },
  "filter of a long row, dilation, stride": {
    c: 4,
    input: [1, 180],
    o: 2,
    kernel: [1, 70],
    dilation: [1, 2],
    stride: [1, 3],
    padding: [0, 0, 1, 2],
    groups: 2,
  },
  "stride of many phases": { n: 2, c: 2, input: [40, 70], o: 3, kernel: [3, 2], stride: [20, 30], padding: [2, 1, 1, 0] },
  "stride of many phases, overlapping": { c: 2, input: [1, 100], o: 2, kernel: [1, 40], stride: [1, 17], dilation: [1, 2] },
  "stride larger than the image": { n: 2, c: 2, input: [5, 6], o: 3, kernel: [3, 2], stride: [1000, 2 ** 20] },
  "large filter of 11, stride 4": { n: 1, c: 3, input: [35, 35], o: 8, kernel: [11, 11], stride: [4, 4], padding: [2, 2, 2, 2] },
};

const doubleTolerance: Tolerance = { relative: 1e-12, absolute: 1e-12 };

const shapes: readonly KernelCase[] = Object.entries(geometries).flatMap(([name, sizes], i) =>
  kinds.flatMap((kind) => [
    convCase(name, kind, convGeometry(sizes)),
    ...(isLong || i % 3 === 0
      ? [convCase(`${name}, f64`, kind, convGeometry(sizes), { dtype: "f64", tolerance: doubleTolerance })]
      : []),
  ])
);

const small = convGeometry({ n: 2, c: 4, input: [7, 6], o: 6, kernel: [3, 2], padding: [1, 0, 0, 1], groups: 2 });

const variants: readonly KernelCase[] = kinds.flatMap((kind) => [
  convCase("operands at an offset", kind, small, { offset: 7 }),
  convCase("f64 in groups", kind, small, { dtype: "f64", tolerance: doubleTolerance }),
  convCase("f64, no groups, stride 2", kind, convGeometry({ n: 2, c: 3, input: [9, 9], o: 4, kernel: [3, 3], stride: [2, 2] }), {
    dtype: "f64",
    offset: 3,
    tolerance: doubleTolerance,
  }),
  convCase("empty batch", kind, convGeometry({ n: 0, c: 2, input: [5, 5], o: 3, kernel: [3, 3] })),
  convCase(
    "no output: the filter is one larger than the image",
    kind,
    convGeometry({ c: 2, input: [4, 9], o: 2, kernel: [5, 3] }),
  ),
]);

/** A kernel with loads of the domain's shape and of one value per second axis, and stores made by the test. */
function epilogueCase(
  name: string,
  kind: ConvKernel["kind"],
  g: ConvGeometry,
  values: readonly { value: Expr; strides?: readonly number[]; dtype?: DType }[],
  donate = false,
): KernelCase {
  return buildCase(`${kind}: ${name}`, convTolerance(termsOf(kind, g)), (p) => {
    const [lhs, rhs, domain] = convRoles(kind, g);
    const x = p.input("f32", noise(3, sizeOf(lhs)));
    const y = p.input("f32", noise(4, sizeOf(rhs)));
    const bias = p.input("f32", noise(5, domain[1]));
    const other = p.input("f32", noise(6, sizeOf(domain)));
    p.run({
      kind,
      shape: domain,
      geometry: g,
      operands: [dense(x, lhs), dense(y, rhs)],
      loads: [strided(bias, [0, 1, 0, 0]), dense(other, domain)],
      stores: values.map(({ value, strides = contiguousStrides(domain), dtype = "f32" }) => {
        const out = donate ? p.donate(other) : p.output(dtype, sizeOf(domain));
        return store(strided(out, strides), value);
      }),
    });
  });
}

const biased = binary("add", result(), load(0));
const masked: Expr = { kind: "select", type: "f32", test: binary("lt", f32(0), load(1)), x: result(), y: f32(0) };
const lenet = convGeometry({ n: 3, c: 6, input: [12, 12], o: 16, kernel: [5, 5] });
const first = convGeometry({ n: 3, input: [13, 12], o: 7, kernel: [3, 3] });
const strides2 = convGeometry({ n: 2, c: 3, input: [9, 10], o: 5, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] });

const tiny = convGeometry({ n: 9, c: 40, input: [3, 2], o: 45, kernel: [3, 3], padding: [1, 1, 1, 1] });
const single = convGeometry({ n: 32, c: 24, input: [2, 2], o: 30, kernel: [1, 1] });
const many = convGeometry({ n: 2, c: 32, input: [10, 13], o: 32, kernel: [3, 3], padding: [1, 1, 0, 1] });
const planes = convGeometry({ n: 5, c: 24, input: [8, 10], o: 24, kernel: [3, 3], padding: [1, 1, 1, 1], groups: 24 });

const epilogues: readonly KernelCase[] = [small, lenet, first, strides2, many, tiny, single, planes].flatMap((g, i) => [
  epilogueCase(`bias and relu, geometry ${i}`, "conv2d", g, [{ value: binary("max", biased, 0) }]),
  epilogueCase(`value before and after relu, and a bool, geometry ${i}`, "conv2d", g, [
    { value: biased },
    { value: binary("max", biased, 0) },
    { value: binary("le", f32(100), biased), dtype: "bool" },
  ]),
  epilogueCase(`a store without the result before one with it, geometry ${i}`, "conv2d", g, [
    { value: binary("mul", load(1), load(1)) },
    { value: biased },
  ]),
  epilogueCase(`gradient of relu behind, geometry ${i}`, "conv2dInputGrad", g, [{ value: masked }]),
  epilogueCase(`weight update in place, geometry ${i}`, "conv2dFilterGrad", g, [
    { value: binary("sub", load(1), binary("mul", result(), 0.01)) },
  ], true),
  epilogueCase(`stored with the batch innermost, geometry ${i}`, "conv2d", g, [
    { value: result(), strides: [1, g.n * g.oh * g.ow, g.n * g.ow, g.n] },
  ]),
]);

/** Both gradients of a convolution as a training step has them: of relu's result before it, and of filters that are updated in place. */
function gradientsCase(name: string, sizes: ConvSizes): KernelCase {
  const g = convGeometry(sizes);
  return buildCase(`both gradients: ${name}`, convTolerance(termsOf("conv2dFilterGrad", g)), (p) => {
    const { x, weight, y } = convShapes(g);
    const [images, gradient] = [p.input("f32", noise(1, sizeOf(x))), p.input("f32", noise(2, sizeOf(y)))];
    const filters = p.donate(p.input("f32", noise(3, sizeOf(weight))));
    const out = p.output("f32", sizeOf(x));
    const masked = select(binary("lt", f32(0), load(0)), result(), f32(0));
    const updated = binary("sub", load(0), binary("mul", f32(0.01), result()));
    p.run({
      kind: "conv2dInputGrad",
      geometry: g,
      shape: x,
      operands: [dense(gradient, y), dense(filters, weight)],
      loads: [dense(images, x)],
      stores: [store(dense(out, x), masked)],
    });
    p.run({
      kind: "conv2dFilterGrad",
      geometry: g,
      shape: weight,
      operands: [dense(images, x), dense(gradient, y)],
      loads: [dense(filters, weight)],
      stores: [store(dense(filters, weight), updated)],
    });
  });
}

const bothGradients: readonly KernelCase[] = [
  gradientsCase("mnist, second layer of simple", { n: 4, c: 32, input: [26, 26], o: 64, kernel: [3, 3] }),
  gradientsCase("padding on some sides", { n: 2, c: 24, input: [17, 18], o: 20, kernel: [3, 3], padding: [0, 2, 1, 0] }),
  gradientsCase("small images", { n: 9, c: 32, input: [6, 7], o: 32, kernel: [3, 3], padding: [1, 1, 1, 1] }),
  gradientsCase("too few images", { n: 1, c: 32, input: [20, 20], o: 32, kernel: [3, 3], padding: [1, 1, 1, 1] }),
  gradientsCase("too little", { n: 2, c: 4, input: [6, 6], o: 4, kernel: [3, 3] }),
];

/** A convolution or a gradient of small integers. */
function knownCase(
  name: string,
  kind: ConvKernel["kind"],
  sizes: ConvSizes,
  values: readonly [lhs: readonly number[], rhs: readonly number[]],
  expected: readonly number[],
): KernelCase {
  return buildCase(`${kind} known by hand${name}`, exact, (p) => {
    const g = convGeometry(sizes);
    const [lhs, rhs, domain] = convRoles(kind, g);
    const [left, right] = values.map((each) => p.input("f32", each));
    p.run({
      kind,
      shape: domain,
      geometry: g,
      operands: [dense(left, lhs), dense(right, rhs)],
      loads: [],
      stores: [store(dense(p.output("f32", sizeOf(domain)), domain), result())],
    });
    return [expected];
  });
}

const digits = [1, 10, 100, 1000];
const knownCases: readonly KernelCase[] = [
  knownCase(
    "",
    "conv2d",
    { input: [3, 3], kernel: [2, 2], padding: [0, 1, 0, 0] },
    [[1, 2, 3, 4, 5, 6, 7, 8, 9], digits],
    [5421, 6532, 8754, 9865, 87, 98],
  ),
  knownCase(
    ": overlapping filters are summed",
    "conv2dInputGrad",
    { input: [2, 3], kernel: [2, 2] },
    [[1, 2], digits],
    [1, 12, 20, 100, 1200, 2000],
  ),
  knownCase(
    ": summed over the batch",
    "conv2dFilterGrad",
    { n: 2, input: [1, 3], kernel: [1, 2] },
    [[1, 2, 3, 4, 5, 6], digits],
    [1 + 20 + 400 + 5000, 2 + 30 + 500 + 6000],
  ),
];

/** Cases of convolutions. */
export const convCases: readonly KernelCase[] = [...shapes, ...variants, ...epilogues, ...bothGradients, ...knownCases];
