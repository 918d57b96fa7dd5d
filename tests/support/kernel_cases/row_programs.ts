/**
 * Programs whose kernels compute row by row, as softmax does: what a device may do block by block of rows, and what it may not.
 *
 * @module
 */
import { binary, type Expr, select, unary } from "../../../core/ir/expr.ts";
import type { Access, ConvKernel, Kernel, Store } from "../../../core/ir/kernel.ts";
import type { ConvGeometry } from "../../../core/ir/windows.ts";
import { contiguousStrides, type Shape, sizeOf } from "../../../core/shape.ts";
import type { Tolerance } from "../close.ts";
import { noise } from "../noise.ts";
import { convGeometry, convRoles, convShapes } from "./conv.ts";
import { buildCase, dense, f32, index, type KernelCase, load, type ProgramBuilder, result, store, strided } from "./builder.ts";

const sums: Tolerance = { relative: 1e-5, absolute: 1e-5 };

/** Strides of one element for each row, over rows and columns. */
function perRow(shape: Shape): readonly number[] {
  return [...contiguousStrides(shape.slice(0, -1)), 0];
}

/** A reduction of each row. */
function reduceRows(op: "max" | "sum", from: number, to: number, shape: Shape): Kernel {
  const lead = shape.slice(0, -1);
  return {
    kind: "reduce",
    shape: lead,
    window: shape.slice(-1),
    operands: [dense(from, shape)],
    reductions: [{ op, value: load(0) }],
    loads: [],
    stores: [store(dense(to, lead), result())],
  };
}

/** Elements of rows, each together with its row's number. */
function mapRows(of: (x: Expr, row: Expr) => Expr, from: number, row: number, to: number, shape: Shape): Kernel {
  return {
    kind: "map",
    operands: [],
    shape,
    loads: [dense(from, shape), strided(row, perRow(shape))],
    stores: [store(dense(to, shape), of(load(0), load(1)))],
  };
}

const decay = (x: Expr, top: Expr) => unary("exp", binary("sub", x, top));
const share = (x: Expr, total: Expr) => binary("div", x, total);

/** Softmax, whose maxima and sums share a slot; gives what the exponentials are in. */
function softmax(p: ProgramBuilder, x: number, out: number, shape: Shape): number {
  const rows = sizeOf(shape.slice(0, -1));
  const [top, powers, total] = [p.temporary("f32", rows, 0), p.temporary("f32", sizeOf(shape), 1), p.temporary("f32", rows, 0)];
  p.run(reduceRows("max", x, top, shape));
  p.run(mapRows(decay, x, top, powers, shape));
  p.run(reduceRows("sum", powers, total, shape));
  p.run(mapRows(share, powers, total, out, shape));
  return powers;
}

/** A program over rows of noise. */
export interface RowProgram {
  readonly kernelCase: KernelCase;
  /** How many of its kernels the wasm device runs together from the first on. */
  readonly together: number;
  /** The kernel beside which the last of them runs, if there are blocks enough. */
  readonly partner?: number;
}

function rowProgram(
  name: string,
  shape: Shape,
  together: number,
  build: (p: ProgramBuilder, x: number, shape: Shape) => void,
  partner?: number,
): RowProgram {
  const kernelCase = buildCase(`${name} of [${shape.join(", ")}]`, sums, (p) => {
    build(p, p.input("f32", noise(1, sizeOf(shape))), shape);
  });
  return { kernelCase, together, partner };
}

/** Strides of one element for each channel of images, and of a row or a window for each channel. */
const perChannel = [0, 1, 0, 0];

/** Images less the mean of their channel (or of that of others), over the mean of its square. The statistics are in slots 0 and 1. */
function normalizeChannels(p: ProgramBuilder, from: number, out: number, shape: Shape, others = from): void {
  const [images, channels, height, width] = shape;
  const plane = height * width;
  const [mean, square] = [p.temporary("f32", channels, 0), p.temporary("f32", channels, 1)];
  const reduceChannels = (operands: Kernel["operands"], value: Expr, to: number): Kernel => ({
    kind: "reduce",
    shape: [channels],
    window: [images, height, width],
    operands,
    reductions: [{ op: "sum", value }],
    loads: [],
    stores: [store(dense(to, [channels]), binary("mul", result(), f32(1 / (images * plane))))],
  });
  const byChannels = (buffer: number) => strided(buffer, [plane, channels * plane, width, 1]);
  const distance = binary("sub", load(0), load(1));
  p.run(reduceChannels([byChannels(others)], load(0), mean));
  p.run(reduceChannels([byChannels(from), strided(mean, [1, 0, 0, 0])], binary("mul", distance, distance), square));
  p.run({
    kind: "map",
    operands: [],
    shape,
    loads: [dense(from, shape), strided(mean, perChannel), strided(square, perChannel)],
    stores: [store(dense(out, shape), binary("div", distance, binary("add", load(2), f32(0.5))))],
  });
}

/** How a convolution of single channels ends. */
interface Ending {
  readonly loads?: readonly Access[];
  readonly stores: readonly Store[];
}

/** A convolution of single channels of images, or one of its gradients. */
function convolve(
  p: ProgramBuilder,
  kind: ConvKernel["kind"],
  geometry: ConvGeometry,
  [lhs, rhs]: readonly [number, number],
  { loads = [], stores }: Ending,
): void {
  const [left, right, shape] = convRoles(kind, geometry);
  p.run({ kind, geometry, shape, operands: [dense(lhs, left), dense(rhs, right)], loads, stores });
}

/** The geometry of windows of 3 by 3, one for each channel. */
function channelsOf([n, c, h, w]: Shape, stride = 1): ConvGeometry {
  const windows = { input: [h, w], kernel: [3, 3], stride: [stride, stride], padding: [1, 1, 1, 1] } as const;
  return convGeometry({ n, c, o: c, groups: c, ...windows });
}

/** Normalised images, the convolution of each channel, and the same again: what is in slots 2 and 3, and the outputs. */
function separable(
  p: ProgramBuilder,
  x: number,
  shape: Shape,
  stride: number,
  ending = (y: number, shape: Shape): Ending => ({ stores: [store(dense(y, shape), result())] }),
): void {
  const geometry = channelsOf(shape, stride);
  const { y: outShape } = convShapes(geometry);
  const [filters, normal] = [p.input("f32", noise(2, 9 * shape[1])), p.output("f32", sizeOf(shape))];
  const y = p.temporary("f32", sizeOf(outShape), 2);
  normalizeChannels(p, x, normal, shape);
  convolve(p, "conv2d", geometry, [normal, filters], ending(y, outShape));
  normalizeChannels(p, y, p.output("f32", sizeOf(outShape)), outShape);
}

/**
 * The way back through that: the gradient `g` of what the convolution gives is normalised, those of the images, where they are positive, and of
 * the filters, which are updated in place, come of it, and the former are normalised once more.
 */
function separableBackwards(p: ProgramBuilder, g: number, shape: Shape, stride: number): void {
  const geometry = channelsOf(shape, stride);
  const { y: outShape, weight } = convShapes(geometry);
  const [images, filters] = [p.input("f32", noise(2, sizeOf(shape))), p.input("f32", noise(3, 9 * shape[1]))];
  const [normal, back] = [p.temporary("f32", sizeOf(outShape), 2), p.temporary("f32", sizeOf(shape), 3)];
  normalizeChannels(p, g, normal, outShape);
  convolve(p, "conv2dInputGrad", geometry, [normal, filters], {
    loads: [dense(images, shape)],
    stores: [store(dense(back, shape), select(binary("lt", f32(0), load(0)), result(), f32(0)))],
  });
  const update = binary("sub", load(0), binary("mul", f32(1e-3), result()));
  convolve(p, "conv2dFilterGrad", geometry, [images, normal], {
    loads: [dense(filters, weight)],
    stores: [store(dense(p.donate(filters), weight), update)],
  });
  normalizeChannels(p, back, p.output("f32", sizeOf(shape)), shape);
}

const plain = (p: ProgramBuilder, x: number, shape: Shape) => void softmax(p, x, p.output("f32", sizeOf(shape)), shape);

export const rowPrograms: readonly RowProgram[] = [
  rowProgram("softmax", [512, 300], 4, plain, 1),
  rowProgram("softmax in rows of a prime number", [1009, 131], 4, plain, 1),
  rowProgram("softmax along one of several axes", [8, 3, 50, 66], 4, plain, 1),
  rowProgram("softmax in many short rows", [60_000, 5], 4, plain, 1),
  rowProgram("softmax in rows just enough for two threads", [32, 9000], 4, plain, 1),
  rowProgram("softmax in few rows", [6, 9000], 4, plain),
  rowProgram("softmax of little", [64, 10], 0, plain),
  rowProgram("softmax of long rows", [4, 70_001], 0, plain),
  rowProgram("softmax in place", [512, 300], 4, (p, x, shape) => void softmax(p, x, p.donate(x), shape), 1),
  rowProgram("softmax in place, whose logits are still read at the end", [512, 300], 4, (p, x, shape) => {
    const rows = shape[0];
    const [top, powers, total] = [p.temporary("f32", rows, 0), p.temporary("f32", sizeOf(shape), 1), p.temporary("f32", rows, 2)];
    p.run(reduceRows("max", x, top, shape));
    p.run(mapRows(decay, x, top, powers, shape));
    p.run(reduceRows("sum", powers, total, shape));
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [dense(powers, shape), strided(total, perRow(shape)), dense(x, shape)],
      stores: [store(dense(p.donate(x), shape), binary("add", share(load(0), load(1)), load(2)))],
    });
  }),
  rowProgram("softmax whose powers are read again", [400, 257], 4, (p, x, shape) => {
    const powers = softmax(p, x, p.output("f32", sizeOf(shape)), shape);
    const [rows, columns] = shape;
    p.run({
      kind: "reduce",
      shape: [columns],
      window: [rows],
      operands: [strided(powers, [1, columns])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [],
      stores: [store(dense(p.output("f32", columns), [columns]), result())],
    });
  }),
  rowProgram("maxima that the rows above read", [500, 256], 0, (p, x, shape) => {
    const [rows, columns] = shape;
    const top = p.temporary("f32", rows, 0);
    p.run(reduceRows("max", x, top, shape));
    p.run({
      kind: "map",
      operands: [],
      shape: [rows - 1, columns],
      loads: [dense(x, shape), strided(top, [1, 0], 1)],
      stores: [store(dense(p.output("f32", (rows - 1) * columns), [rows - 1, columns]), decay(load(0), load(1)))],
    });
  }),
  rowProgram("rows upside down", [500, 256], 0, (p, x, shape) => {
    const [rows, columns] = shape;
    const doubled = p.temporary("f32", rows * columns, 0);
    p.run(mapRows((e, row) => binary("add", e, row), x, x, doubled, shape));
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [strided(doubled, [-columns, 1], (rows - 1) * columns)],
      stores: [store(dense(p.output("f32", rows * columns), shape), binary("mul", load(0), f32(2)))],
    });
  }),
  rowProgram("a slot for rows of two lengths", [512, 300], 2, (p, x, shape) => {
    const [rows, columns] = shape;
    const shifted = p.temporary("f32", rows * columns, 0);
    const top = p.temporary("f32", rows, 1);
    const wide = p.temporary("f32", rows * columns * 2, 0);
    p.run(mapRows((e, first) => binary("sub", e, first), x, x, shifted, shape));
    p.run(reduceRows("max", shifted, top, shape));
    const half = (offset: number) => store(strided(wide, [2 * columns, 1], offset), decay(load(0), load(1)));
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [dense(x, shape), strided(top, [1, 0])],
      stores: [half(0), half(columns)],
    });
    p.run(reduceRows("sum", wide, p.output("f32", rows), [rows, 2 * columns]));
  }),
  rowProgram("rows that know their numbers", [512, 300], 0, (p, x, shape) => {
    const [top, numbered] = [p.temporary("f32", shape[0], 0), p.output("f32", sizeOf(shape))];
    p.run(reduceRows("max", x, top, shape));
    const number: Expr = { kind: "cast", type: "f32", x: index([1, 0]) };
    p.run(mapRows((e, row) => binary("add", binary("sub", e, row), number), x, top, numbered, shape));
  }),
  rowProgram("channels", [4, 16, 66, 130], 3, (p, x, shape) => {
    normalizeChannels(p, x, p.output("f32", sizeOf(shape)), shape);
  }),
  rowProgram("channels in place, as many as images", [20, 20, 39, 40], 3, (p, x, shape) => {
    normalizeChannels(p, x, p.donate(x), shape);
  }),
  rowProgram("channels of a map that is made first and then forgotten", [3, 32, 75, 75], 4, (p, x, shape) => {
    const scaled = p.temporary("f32", sizeOf(shape), 2);
    const image: Expr = { kind: "cast", type: "f32", x: index([1, 0, 0, 1]) };
    p.run({
      kind: "map",
      operands: [],
      shape,
      loads: [dense(x, shape)],
      stores: [store(dense(scaled, shape), binary("add", load(0), binary("mul", image, f32(1 / 64))))],
    });
    normalizeChannels(p, scaled, p.output("f32", sizeOf(shape)), shape);
  }),
  rowProgram("channels whose statistics lie where other channels are", [4, 16, 66, 130], 2, (p, x, shape) => {
    const doubled = p.temporary("f32", sizeOf(shape), 1);
    p.run(mapRows((e) => binary("mul", e, f32(2)), x, x, doubled, shape));
    normalizeChannels(p, x, p.output("f32", sizeOf(shape)), shape, doubled);
  }),
  rowProgram("channels of little", [4, 16, 20, 30], 0, (p, x, shape) => {
    normalizeChannels(p, x, p.output("f32", sizeOf(shape)), shape);
  }),
  rowProgram("channels of small planes", [256, 260, 3, 3], 0, (p, x, shape) => {
    normalizeChannels(p, x, p.output("f32", sizeOf(shape)), shape);
  }),
  rowProgram("columns of a matrix", [1024, 600, 1, 1], 0, (p, x, shape) => {
    normalizeChannels(p, x, p.output("f32", sizeOf(shape)), shape);
  }),
  rowProgram("convolved channels", [6, 20, 50, 52], 7, (p, x, shape) => separable(p, x, shape, 1)),
  rowProgram("channels of one image, convolved", [1, 40, 130, 121], 7, (p, x, shape) => separable(p, x, shape, 1)),
  rowProgram("channels convolved at every other place", [7, 17, 67, 75], 7, (p, x, shape) => separable(p, x, shape, 2)),
  rowProgram("convolved channels of small images", [64, 260, 4, 6], 7, (p, x, shape) => separable(p, x, shape, 1)),
  rowProgram("convolved channels, with a bias and their squares", [6, 20, 50, 52], 7, (p, x, shape) => {
    const bias = p.input("f32", noise(5, shape[1]));
    separable(p, x, shape, 1, (y, shape) => {
      const biased = binary("add", result(), load(0));
      const squares = p.output("f32", sizeOf(shape));
      return {
        loads: [strided(bias, perChannel)],
        stores: [store(dense(y, shape), biased), store(dense(squares, shape), binary("mul", biased, biased))],
      };
    });
  }),
  rowProgram("convolved channels that know their numbers", [8, 20, 62, 62], 3, (p, x, shape) => {
    const number: Expr = { kind: "cast", type: "f32", x: index(perChannel) };
    separable(p, x, shape, 1, (y, shape) => ({ stores: [store(dense(y, shape), binary("add", result(), number))] }));
  }),
  rowProgram("convolved channels whose planes are stored on their sides", [8, 20, 62, 62], 3, (p, x, shape) => {
    separable(p, x, shape, 1, (y, [, channels, height, width]) => ({
      stores: [store(strided(y, [channels * height * width, height * width, 1, height]), result())],
    }));
  }),
  rowProgram("gradients of convolved channels", [6, 20, 50, 52], 8, (p, x, shape) => separableBackwards(p, x, shape, 1)),
  rowProgram("gradients of channels convolved at every other place", [6, 20, 66, 52], 8, (p, x, shape) => {
    separableBackwards(p, p.input("f32", noise(4, sizeOf(convShapes(channelsOf(shape, 2)).y))), shape, 2);
    p.run(mapRows((e, first) => binary("add", e, first), x, x, p.output("f32", sizeOf(shape)), shape));
  }),
  rowProgram("gradients of convolved channels of small images", [64, 260, 4, 6], 8, (p, x, shape) => {
    separableBackwards(p, x, shape, 1);
  }),
  rowProgram("columns that know their numbers", [512, 300], 3, (p, x, shape) => {
    const [top, numbered] = [p.temporary("f32", shape[0], 0), p.output("f32", sizeOf(shape))];
    const number: Expr = binary("mul", { kind: "cast", type: "f32", x: index([0, 1]) }, f32(1 / 256));
    p.run(mapRows((e) => binary("add", e, number), x, x, numbered, shape));
    p.run(reduceRows("max", numbered, top, shape));
    p.run(mapRows(decay, numbered, top, p.output("f32", sizeOf(shape)), shape));
  }),
];

export const rowProgramCases: readonly KernelCase[] = rowPrograms.map(({ kernelCase }) => kernelCase);
