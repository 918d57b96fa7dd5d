/**
 * Winograd's convolution next to direct sums, on hostile inputs: extreme pixels, infinities and NaN, edges of scale, filters of one tap.
 *
 * Errors are measured against sums in double precision, each in units of the root of the sum of the squares of its own products: what an
 * output has no part in must not show in it. Of the largest such error of direct sums Winograd's may be four times.
 *
 * @module
 */
import assert from "node:assert/strict";
import { narrowTile } from "../../../../core/devices/wasm/codegen/matmul/tile.ts";
import {
  spreadImageGradient,
  winogradFilterGradient,
  winogradGradients,
} from "../../../../core/devices/wasm/codegen/convolution/winograd/gradients.ts";
import { gradientsTogether } from "../../../../core/devices/wasm/codegen/convolution/conv2d.ts";
import type { GeneratorContext } from "../../../../core/devices/wasm/codegen/context.ts";
import type { ConvKernel } from "../../../../core/ir/kernel.ts";
import type { ConvGeometry } from "../../../../core/ir/windows.ts";
import { contiguousStrides, sizeOf } from "../../../../core/shape.ts";
import { convGeometry, convRoles } from "../../../support/kernel_cases/conv.ts";
import { noise } from "../../../support/noise.ts";
import { type Floats, prepare } from "./harness.ts";

type Kind = ConvKernel["kind"];

const padded = [1, 1, 1, 1] as const;
const geometries: Readonly<Record<string, ConvGeometry>> = {
  "whole tiles": convGeometry({ n: 1, c: 16, input: [16, 12], o: 16, kernel: [3, 3], padding: padded }),
  "ragged tiles": convGeometry({ n: 2, c: 20, input: [15, 17], o: 24, kernel: [3, 3], padding: [0, 2, 1, 1] }),
  "in place": convGeometry({ n: 1, c: 16, input: [14, 18], o: 16, kernel: [3, 3] }),
  "small images together": convGeometry({ n: 8, c: 16, input: [8, 7], o: 16, kernel: [3, 3], padding: padded }),
};

/** What is done to an operand of planes of height by width; the indices are those of plane, row and column. */
type Change = (value: number, plane: number, row: number, column: number, height: number, width: number) => number;

const at =
  (extreme: number, plane: number, place: "inside" | "corner" | "edge"): Change => (value, p, row, column, height, width) => {
    const [y, x] = { inside: [height >> 1, width >> 1], corner: [0, 0], edge: [height - 1, width >> 1] }[place];
    return (plane < 0 || p === plane) && row === y && column === x ? extreme : value;
  };
const same: Change = (value) => value;

/** What is done to the images (or their gradients) and to the filters (or to the other images). */
const hostile: Readonly<Record<string, readonly [Change, Change]>> = {
  "nothing": [same, same],
  "an extreme pixel": [at(1e6, 3, "inside"), same],
  "an extreme pixel in a corner": [at(-1e6, 3, "corner"), same],
  "an extreme pixel at an edge": [at(1e6, 3, "edge"), same],
  "a pixel near the end of the range": [at(1e30, 3, "inside"), same],
  "a pixel that is extreme in all channels": [at(1e5, -1, "inside"), same],
  "a pixel that is large": [at(20, 3, "inside"), same],
  "a pixel that is large in all channels": [at(20, -1, "edge"), same],
  "an infinite pixel": [at(Infinity, 3, "inside"), same],
  "an infinite pixel in a corner": [at(-Infinity, 3, "corner"), same],
  "a pixel that is NaN": [at(NaN, 3, "inside"), same],
  "one pixel": [(_, plane, ...where) => at(1, 3, "inside")(0, plane, ...where), same],
  "zeros": [() => 0, same],
  "columns of growing scale": [(value, _, __, column) => value * 16 ** column, same],
  "tiny and large": [(value) => value * 1e-30, (value) => value * 1e30],
  "large": [(value) => value * 1e20, (value) => value * 1e15],
  "tiny": [(value) => value * 1e-20, (value) => value * 1e-15],
  "an extreme value on the other side": [same, at(1e6, 5, "corner")],
  "an infinite value on the other side": [same, at(Infinity, 5, "inside")],
  "a value that is NaN on the other side": [same, at(NaN, 5, "corner")],
  "nothing but single values on the other side": [same, (value, _, row, column) => row === 1 && column === 1 ? value : 0],
  "extreme pixels on both sides": [at(1e6, 3, "corner"), at(1e6, 5, "corner")],
};

/** Values of a shape of planes, changed. */
function values(seed: number, shape: readonly number[], change: Change): Float32Array<ArrayBuffer> {
  const [height, width] = shape.slice(-2);
  return noise(seed, sizeOf(shape)).map((value, i) =>
    change(value, Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width, height, width)
  ) as Float32Array<ArrayBuffer>;
}

/** The sums in double precision, the roots of the sums of squares, and the sums of floats, term by term. */
function directSums(kind: Kind, g: ConvGeometry, [left, right]: readonly [Floats, Floats]): [Float64Array, Float64Array, Floats] {
  const size = sizeOf(convRoles(kind, g)[2]);
  const [sums, squares, direct] = [new Float64Array(size), new Float64Array(size), new Float32Array(size)];
  const add = (to: number, a: number, b: number) => {
    const product = left[a] * right[b];
    sums[to] += product;
    squares[to] += product * product;
    direct[to] += Math.fround(product);
  };
  const { top, left: before } = g.padding;
  for (let n = 0; n < g.n; n++) {
    for (let o = 0; o < g.o; o++) {
      for (let c = 0; c < g.c; c++) {
        const [plane, filters] = [(n * g.c + c) * g.h, (o * g.c + c) * 9];
        for (let oy = 0; oy < g.oh; oy++) {
          const [firstRow, endRow] = [Math.max(0, top - oy), Math.min(3, g.h + top - oy)];
          for (let ox = 0; ox < g.ow; ox++) {
            const output = ((n * g.o + o) * g.oh + oy) * g.ow + ox;
            const [first, end] = [Math.max(0, before - ox), Math.min(3, g.w + before - ox)];
            for (let ky = firstRow; ky < endRow; ky++) {
              for (let kx = first; kx < end; kx++) {
                const image = (plane + oy + ky - top) * g.w + ox + kx - before;
                const filter = filters + ky * 3 + kx;
                if (kind === "conv2d") add(output, image, filter);
                else if (kind === "conv2dInputGrad") add(image, output, filter);
                else add(filter, image, output);
              }
            }
          }
        }
      }
    }
  }
  return [sums, squares.map(Math.sqrt), direct];
}

/** A kernel with these buffers: its operands and its output. */
function kernelOf(kind: Kind, g: ConvGeometry, buffers: readonly [number, number, number]): ConvKernel {
  const roles = convRoles(kind, g);
  const access = (i: number) => ({ buffer: buffers[i], offset: 0, strides: contiguousStrides(roles[i]) });
  const value = { kind: "result", type: "f32", slot: 0 } as const;
  const stores = [{ ...access(2), value }];
  return { kind, shape: roles[2], geometry: g, operands: [access(0), access(1)], loads: [], stores };
}

/** A kernel by each form of Winograd's algorithm, by name, as functions of its inputs. */
function winograd(kind: Kind, g: ConvGeometry, threads: number): Map<string, (inputs: readonly [Floats, Floats]) => Floats> {
  const roles = convRoles(kind, g);
  const kernel = kernelOf(kind, g, [0, 1, 2]);
  const options = { threads, epilogue: false, tiles: narrowTile } as const;
  const none = (shape: readonly number[]) => new Float32Array(sizeOf(shape));
  const { algorithms } = prepare(kernel, [none(roles[0]), none(roles[1])], options);
  const forms = algorithms.filter((name) => name.startsWith("Winograd"));
  const spreads = kind === "conv2dInputGrad" && g.n >= threads;
  assert.equal(forms.length, kind === "conv2dFilterGrad" ? 1 : spreads ? 3 : 2);
  return new Map(forms.map((name) => [name, (inputs) => {
    const prepared = prepare(kernel, inputs, { ...options, algorithm: algorithms.indexOf(name) });
    prepared.run();
    prepared.checkSurroundings();
    return prepared.output();
  }]));
}

/**
 * The largest error in units of `sizes`; fails where something is not finite, or 0, on one side only. Zeros of the padding times what is not
 * finite on the right are no numbers, which term by term are left out: there results may be so in planes where some are.
 */
function largestError(found: Floats, direct: Floats, sums: Float64Array, sizes: Float64Array, plane: number): number {
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    if (!Number.isFinite(direct[i])) {
      assert.equal(Number.isFinite(found[i]), false, `${i}: ${found[i]} instead of ${direct[i]}`);
    } else if (!Number.isFinite(found[i])) {
      const from = i - i % plane;
      assert(plane > 0 && direct.subarray(from, from + plane).some((each) => !Number.isFinite(each)), `${i}: ${found[i]}`);
    } else if (sizes[i] === 0) assert.equal(Math.abs(found[i]), 0, `${i}: nothing contributes`);
    else largest = Math.max(largest, Math.abs(found[i] - sums[i]) / sizes[i]);
  }
  return largest;
}

for (const [geometry, g] of Object.entries(geometries)) {
  for (const kind of ["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const) {
    Deno.test(`Winograd's ${kind}, ${geometry}: errors on hostile inputs`, () => {
      const forms = winograd(kind, g, 2);
      for (const [name, changes] of Object.entries(hostile)) {
        const [left, right, result] = convRoles(kind, g);
        const inputs = [values(1, left, changes[0]), values(2, right, changes[1])] as const;
        const [sums, sizes, direct] = directSums(kind, g, inputs);
        const plane = inputs[1].every(Number.isFinite) ? 0 : sizeOf(result.slice(-2));
        const errorOf = (found: Floats) => largestError(found, direct, sums, sizes, plane);
        const most = errorOf(direct);
        for (const [form, computed] of forms) {
          const error = errorOf(computed(inputs));
          assert.ok(error <= 4 * most, `${form}, ${name}: ${error / most} times the error of direct sums`);
        }
      }
    });
  }
  if (g.n === 1) continue;
  Deno.test(`Winograd's gradients, ${geometry}: together as one by one, on hostile inputs`, () => {
    const [gradient, filters, images, output] = [0, 1, 2, 3];
    const kernels = [
      kernelOf("conv2dInputGrad", g, [gradient, filters, output]),
      kernelOf("conv2dFilterGrad", g, [images, gradient, output]),
    ] as const;
    const shapes = [...convRoles("conv2dInputGrad", g).slice(0, 2), convRoles("conv2dFilterGrad", g)[0]];
    const together = (context: GeneratorContext) => winogradGradients(context, ...kernels);
    const alone = [
      (context: GeneratorContext) => spreadImageGradient(context, kernels[0]),
      (context: GeneratorContext) => winogradFilterGradient(context, kernels[1]),
    ];
    for (const [name, [one, other]] of Object.entries(hostile)) {
      for (const changes of [[one, other, other], [other, one, one]]) {
        const inputs = shapes.map((shape, i) => values(i + 1, shape, changes[i]));
        kernels.forEach((kernel, i) => {
          const [found, expected] = [together, alone[i]].map((write) => {
            const prepared = prepare(kernel, inputs, { threads: 2, epilogue: false, tiles: narrowTile, write });
            prepared.run();
            prepared.checkSurroundings();
            return prepared.output();
          });
          assert.deepEqual(found, expected, `${kernel.kind}, ${name}`);
        });
      }
    }
  });
}

Deno.test("gradients are computed together where images are larger than their gradient, and the second needs nothing of the first", () => {
  const [gradient, filters, images, output] = [0, 1, 2, 3];
  const isTogether = (g: ConvGeometry, image = images, threads = 2) => {
    const [first, second] = [
      kernelOf("conv2dInputGrad", g, [gradient, filters, output]),
      kernelOf("conv2dFilterGrad", g, [image, gradient, output]),
    ];
    const shapes = [...convRoles("conv2dInputGrad", g).slice(0, 2), convRoles("conv2dFilterGrad", g)[0]];
    let found = false;
    const write = (context: GeneratorContext) => {
      found = gradientsTogether(context, first, second) !== undefined;
      return [];
    };
    prepare(first, shapes.map((shape) => new Float32Array(sizeOf(shape))), {
      threads,
      epilogue: false,
      tiles: narrowTile,
      write,
    });
    return found;
  };
  const simple = convGeometry({ n: 4, c: 32, input: [26, 26], o: 64, kernel: [3, 3] });
  assert.ok(isTogether(simple) && isTogether(simple, images, 1));
  assert.ok(!isTogether(simple, output));
  assert.ok(!isTogether(convGeometry({ n: 1, c: 32, input: [26, 26], o: 64, kernel: [3, 3] })));
  assert.ok(!isTogether(convGeometry({ n: 4, c: 32, input: [24, 24], o: 64, kernel: [3, 3], padding: padded })));
});
