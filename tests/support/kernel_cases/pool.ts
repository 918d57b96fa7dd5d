/**
 * Pooling and its gradients: padding, ceil mode, dilation, overlapping windows, ties and NaN.
 *
 * @module
 */
import { binary, type Expr, select } from "../../../core/ir/expr.ts";
import type { PoolKernel } from "../../../core/ir/kernel.ts";
import type { PoolGeometry } from "../../../core/ir/windows.ts";
import { sizeOf } from "../../../core/shape.ts";
import { exact, type Tolerance } from "../close.ts";
import { noise, noise64, noiseInt } from "../noise.ts";
import { buildCase, dense, f32, type KernelCase, load, result, store, strided } from "./builder.ts";
import { windowGeometry, type WindowSizes } from "./windows.ts";

/** Parameters of pooling; the default is 1, of the stride that of the kernel. */
export interface PoolSizes extends WindowSizes {
  readonly n?: number;
  readonly c?: number;
  readonly ceil?: boolean;
  readonly countPadding?: boolean;
}

/** All the numbers of a pooling. */
export function poolGeometry({ n = 1, c = 1, ceil, countPadding = true, ...windows }: PoolSizes): PoolGeometry {
  return { n, c, countPadding, ...windowGeometry({ ...windows, stride: windows.stride ?? windows.kernel }, ceil) };
}

const roles = {
  maxPool2d: { operands: ["x"], domain: "y" },
  maxPool2dScatter: { operands: ["x", "y"], domain: "x" },
  maxPool2dGather: { operands: ["x", "x"], domain: "y" },
  avgPool2d: { operands: ["x"], domain: "y" },
  avgPool2dGrad: { operands: ["y"], domain: "x" },
} as const;

type PoolKind = PoolKernel["kind"];

const kinds = Object.keys(roles) as PoolKind[];

/** The shapes of a pooling kernel's operands and its domain. */
export function poolRoles(kind: PoolKind, g: PoolGeometry): { operands: readonly number[][]; domain: readonly number[] } {
  const shapes = { x: [g.n, g.c, g.h, g.w], y: [g.n, g.c, g.oh, g.ow] };
  return { operands: roles[kind].operands.map((role) => shapes[role]), domain: shapes[roles[kind].domain] };
}

const sums: Tolerance = { relative: 1e-6, absolute: 1e-6 };

interface Options {
  readonly dtype?: "f32" | "f64";
  readonly offset?: number;
  readonly x?: ArrayLike<number>;
  /** g or t, for kernels that have one. */
  readonly other?: ArrayLike<number>;
  readonly known?: ArrayLike<number>;
}

function poolCase(name: string, kind: PoolKind, g: PoolGeometry, options: Options = {}): KernelCase {
  const { dtype = "f32", offset = 0, known } = options;
  const tolerance = kind === "maxPool2d" || kind === "maxPool2dGather" ? exact : sums;
  const values = dtype === "f32" ? noise : noise64;
  return buildCase(`${kind}: ${name}`, tolerance, (p) => {
    const { operands, domain } = poolRoles(kind, g);
    const given = kind === "avgPool2dGrad" ? [options.other ?? options.x] : [options.x, options.other];
    const ids = operands.map((shape, k) => p.input(dtype, given[k] ?? values(k + 1, offset + sizeOf(shape))));
    const out = p.output(dtype, sizeOf(domain));
    p.run({
      kind,
      shape: domain,
      geometry: g,
      operands: ids.map((id, k) => dense(id, operands[k], offset)),
      loads: [],
      stores: [store(dense(out, domain), result(0, dtype))],
    });
    return known && [known];
  });
}

const geometries: Readonly<Record<string, PoolSizes>> = {
  "one window": { input: [2, 2], kernel: [2, 2] },
  "window of one": { n: 2, c: 3, input: [4, 5], kernel: [1, 1] },
  "2x2 of mnist": { n: 3, c: 5, input: [24, 24], kernel: [2, 2] },
  "2x2 with a rest": { n: 2, c: 3, input: [7, 9], kernel: [2, 2] },
  "2x2 with a rest, ceil": { n: 2, c: 3, input: [7, 9], kernel: [2, 2], ceil: true },
  "3x3, stride 2: overlapping": { n: 2, c: 3, input: [9, 11], kernel: [3, 3], stride: [2, 2] },
  "3x3, stride 1, padding 1": { n: 2, c: 2, input: [6, 7], kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] },
  "3x3, stride 2, padding 1, ceil": {
    n: 2,
    c: 3,
    input: [8, 10],
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1, 1, 1],
    ceil: true,
  },
  "3x2, stride 3x1": { n: 1, c: 4, input: [10, 6], kernel: [3, 2], stride: [3, 1] },
  "stride larger than the window": { n: 2, c: 2, input: [11, 13], kernel: [2, 3], stride: [4, 5] },
  "asymmetric padding": { n: 1, c: 2, input: [6, 6], kernel: [3, 3], stride: [2, 2], padding: [0, 1, 1, 0] },
  "dilation 2": { n: 2, c: 2, input: [10, 9], kernel: [3, 2], stride: [1, 2], dilation: [2, 2] },
  "dilation 2, padding 1, ceil": {
    n: 2,
    c: 2,
    input: [9, 10],
    kernel: [2, 3],
    stride: [2, 3],
    dilation: [2, 2],
    padding: [1, 1, 1, 1],
    ceil: true,
  },
  "ceil, stride 3: long overhang": { n: 1, c: 3, input: [8, 8], kernel: [4, 4], stride: [3, 3], ceil: true },
  "windows of long rows": { n: 2, c: 2, input: [2, 150], kernel: [2, 100], stride: [1, 7], padding: [0, 1, 20, 30] },
  "windows of long rows, dilation, ceil": {
    c: 3,
    input: [3, 170],
    kernel: [2, 70],
    stride: [2, 9],
    dilation: [1, 2],
    padding: [1, 1, 8, 8],
    ceil: true,
  },
  "windows larger than the image, ceil": { n: 2, c: 2, input: [3, 4], kernel: [4, 6], ceil: true },
  "windows larger than the image, padding, ceil": {
    c: 2,
    input: [3, 5],
    kernel: [6, 9],
    stride: [4, 5],
    padding: [1, 1, 1, 1],
    ceil: true,
  },
  "windows that are mostly padding": { input: [3, 4], kernel: [1000, 2000], padding: [500, 500, 1000, 1000], stride: [3, 2] },
  "steps larger than the image": { n: 2, input: [5, 6], kernel: [2, 3], stride: [1000, 2 ** 20] },
  "taps far apart": { n: 2, input: [5, 600], kernel: [1, 3], dilation: [2 ** 20, 250], stride: [2, 40] },
  "global": { n: 3, c: 7, input: [7, 5], kernel: [7, 5] },
  "one row": { n: 2, c: 3, input: [1, 21], kernel: [1, 3], stride: [1, 2] },
};

const shapes: readonly KernelCase[] = Object.entries(geometries).flatMap(([name, sizes]) => [
  ...kinds.map((kind) => poolCase(name, kind, poolGeometry(sizes))),
  ...(["avgPool2d", "avgPool2dGrad"] as const).map((kind) =>
    poolCase(`${name}, padding not counted`, kind, poolGeometry({ ...sizes, countPadding: false }))
  ),
]);

const overlapping = poolGeometry({ n: 2, c: 3, input: [7, 8], kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] });
const tiles = poolGeometry({ n: 2, c: 2, input: [4, 6], kernel: [2, 2] });

const variants: readonly KernelCase[] = kinds.flatMap((kind) => [
  poolCase("operands at an offset", kind, overlapping, { offset: 5 }),
  poolCase("f64", kind, overlapping, { dtype: "f64" }),
  poolCase("empty batch", kind, poolGeometry({ n: 0, c: 2, input: [4, 4], kernel: [2, 2] })),
  // Small integers: most windows have ties, and the first of them must win everywhere.
  poolCase("ties in 2x2", kind, tiles, { x: noiseInt(3, 96, 0, 1) }),
  poolCase("ties in overlapping windows", kind, overlapping, {
    x: noiseInt(4, sizeOf(poolRoles(kind, overlapping).operands[0]), 0, 2),
  }),
]);

const inf = Infinity;
const four = poolGeometry({ input: [2, 4], kernel: [2, 2] });
const row = poolGeometry({ input: [1, 4], kernel: [1, 3], stride: [1, 1] });
const framed = poolGeometry({ input: [2, 2], kernel: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1] });
const uncounted = poolGeometry({ input: [2, 2], kernel: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1], countPadding: false });
const ceiled = poolGeometry({ input: [1, 5], kernel: [1, 2], ceil: true });

/** Of every kind of number, and windows of nothing but minus infinity, at the edges too. */
const extreme = Float32Array.from({ length: sizeOf(poolRoles("maxPool2d", overlapping).operands[0]) }, (_, i) => {
  if (i % 56 < 20 || i % 5 === 0) return -inf;
  return i % 17 === 0 ? NaN : i % 13 === 0 ? inf : i % 3 - 1;
});

const knownCases: readonly KernelCase[] = [
  poolCase("known by hand", "maxPool2d", four, { x: [1, 2, 5, 6, 4, 3, 8, 7], known: [4, 8] }),
  poolCase("NaN is largest", "maxPool2d", four, { x: [1, NaN, 5, inf, 4, 3, 8, NaN], known: [NaN, NaN] }),
  poolCase("NaN is largest", "maxPool2dScatter", four, {
    x: [1, NaN, 5, inf, NaN, 3, 8, NaN],
    other: [10, 20],
    known: [0, 10, 0, 0, 0, 0, 0, 20],
  }),
  poolCase("NaN is largest", "maxPool2dGather", four, {
    x: [1, NaN, 5, inf, NaN, 3, 8, NaN],
    other: [1, 2, 3, 4, 5, 6, 7, 8],
    known: [2, 8],
  }),
  poolCase("minus infinity has a position", "maxPool2dScatter", four, {
    x: [-inf, -inf, -inf, -1, -inf, -inf, -inf, -inf],
    other: [10, 20],
    known: [10, 0, 0, 20, 0, 0, 0, 0],
  }),
  poolCase("padding never wins", "maxPool2d", framed, { x: [-1, -2, -3, -inf], known: [-1, -2, -3, -inf] }),
  poolCase("padding never wins", "maxPool2dScatter", framed, { x: [-1, -2, -3, -inf], other: [1, 2, 3, 4], known: [1, 2, 3, 4] }),
  poolCase("several windows are summed at one position", "maxPool2dScatter", row, {
    x: [1, 9, 2, 3],
    other: [1, 10],
    known: [0, 11, 0, 0],
  }),
  poolCase("the first of ties", "maxPool2dScatter", row, { x: [5, 5, 5, 5], other: [1, 10], known: [1, 10, 0, 0] }),
  poolCase("the first of ties", "maxPool2dGather", row, { x: [5, 5, 5, 5], other: [1, 2, 3, 4], known: [1, 2] }),
  ...(["maxPool2d", "maxPool2dScatter", "maxPool2dGather"] as const).map((kind) =>
    poolCase("NaN and infinities in overlapping windows", kind, overlapping, { x: extreme })
  ),
  poolCase("known by hand", "avgPool2d", four, { x: [1, 2, 5, 6, 4, 3, 8, 7], known: [2.5, 6.5] }),
  poolCase("padding counted", "avgPool2d", framed, { x: [4, 8, 12, 16], known: [1, 2, 3, 4] }),
  poolCase("padding not counted", "avgPool2d", uncounted, { x: [4, 8, 12, 16], known: [4, 8, 12, 16] }),
  poolCase("overhang never counts", "avgPool2d", ceiled, { x: [2, 4, 6, 8, 10], known: [3, 7, 10] }),
  poolCase("overhang never counts", "avgPool2dGrad", ceiled, { other: [2, 4, 6], known: [1, 1, 2, 2, 6] }),
  poolCase("NaN stays", "avgPool2d", four, { x: [1, NaN, 5, inf, 4, 3, 8, 7], known: [NaN, inf] }),
];

/** A pooling with a value per channel and one per point to load. */
function epilogueCase(name: string, kind: PoolKind, g: PoolGeometry, values: readonly Expr[], transposed = false): KernelCase {
  return buildCase(`${kind}: ${name}`, sums, (p) => {
    const { operands, domain } = poolRoles(kind, g);
    const ids = operands.map((shape, k) => p.input("f32", noise(k + 5, sizeOf(shape))));
    const bias = p.input("f32", noise(8, domain[1]));
    const other = p.input("f32", noise(9, sizeOf(domain)));
    const [n, c, h, w] = domain;
    p.run({
      kind,
      shape: domain,
      geometry: g,
      operands: ids.map((id, k) => dense(id, operands[k])),
      loads: [strided(bias, [0, 1, 0, 0]), dense(other, domain)],
      stores: values.map((value) => {
        const out = p.output("f32", sizeOf(domain));
        return store(transposed ? strided(out, [1, n, n * c * w, n * c]) : dense(out, [n, c, h, w]), value);
      }),
    });
  });
}

const relu = binary("max", binary("add", result(), load(0)), 0);
const masked = select(binary("lt", f32(0), load(1)), result(), f32(0));

const epilogues: readonly KernelCase[] = kinds.flatMap((kind) =>
  [tiles, overlapping].flatMap((g, i) => [
    epilogueCase(`bias and relu, geometry ${i}`, kind, g, [relu]),
    epilogueCase(`two stores, one masked, geometry ${i}`, kind, g, [masked, binary("mul", result(), 2)]),
    epilogueCase(`a store without the result before one with it, geometry ${i}`, kind, g, [load(1), relu]),
    epilogueCase(`stored with the batch innermost, geometry ${i}`, kind, g, [result()], true),
  ])
);

/** Cases of pooling. */
export const poolCases: readonly KernelCase[] = [...shapes, ...variants, ...knownCases, ...epilogues];
