/**
 * Kernels of shapes for which the generators of `webgpu` cut the work up: parts, trees, chains, unrolled rows, tiles that overhang.
 *
 * @module
 */
import { binary } from "../../../../core/ir/expr.ts";
import { exact } from "../../../support/close.ts";
import { eachCase } from "../../../support/each_case.ts";
import { buildCase, dense, f32, load, result, store, strided } from "../../../support/kernel_cases/builder.ts";
import { convGeometry } from "../../../support/kernel_cases/conv.ts";
import { noise, noiseInt } from "../../../support/noise.ts";
import { checkCase } from "../../../support/run_case.ts";
import type { Choice } from "../kernels.ts";
import { tunedDevice, type Tuning, tunings } from "./share_of_kernels.ts";

/** Each shape with each order of the operands' axes. */
const products = [
  [1, 64, 10, 320],
  [2, 33, 47, 29],
  [1, 1, 100, 50],
  [1, 16, 16, 5000],
  [1, 200, 136, 40],
  [1, 32, 48, 1000],
  [1, 7, 9, 2000],
].flatMap(([batch, m, n, k]) =>
  (["nn", "nt", "tn", "tt"] as const).map(([left, right]) =>
    buildCase(`matmul ${batch}x${m}x${n}x${k} ${left}${right}`, { relative: 1e-5, absolute: 1e-5 * Math.sqrt(k) }, (p) => {
      const lhs = p.input("f32", noise(1, batch * m * k));
      const rhs = p.input("f32", noise(2, batch * n * k));
      const bias = p.input("f32", noise(3, n));
      const out = p.output("f32", batch * m * n);
      p.run({
        kind: "matmul",
        shape: [batch, m, n],
        k,
        operands: [
          strided(lhs, left === "n" ? [m * k, k, 1] : [m * k, 1, m]),
          strided(rhs, right === "n" ? [n * k, n, 1] : [n * k, 1, k]),
        ],
        loads: [strided(bias, [0, 0, 1])],
        stores: [store(dense(out, [batch, m, n]), binary("max", binary("add", result(0), load(0)), f32(0)))],
      });
    })
  )
);

/** [batch, channels, height, width, filters, kernel, stride, padding, groups] */
const convolutions = [
  [64, 1, 28, 28, 10, 5, 1, 0, 1],
  [16, 10, 12, 12, 20, 5, 1, 0, 1],
  [8, 16, 14, 14, 24, 3, 1, 1, 1],
  [8, 16, 15, 13, 24, 3, 2, 1, 1],
  [3, 8, 17, 30, 12, 3, 3, 2, 2],
  [2, 32, 9, 9, 40, 1, 1, 0, 1],
].flatMap(([n, c, h, w, o, kernel, stride, padding, groups]) =>
  (["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const).map((kind) => {
    const geometry = convGeometry({
      n,
      c,
      input: [h, w],
      o,
      kernel: [kernel, kernel],
      stride: [stride, stride],
      padding: [padding, padding, padding, padding],
      groups,
    });
    const image = [n, c, h, w];
    const filter = [o, c / groups, kernel, kernel];
    const output = [n, o, geometry.oh, geometry.ow];
    const [left, right, shape] = kind === "conv2d"
      ? [image, filter, output]
      : kind === "conv2dInputGrad"
      ? [output, filter, image]
      : [image, output, filter];
    const size = (extents: readonly number[]) => extents.reduce((product, extent) => product * extent, 1);
    const tolerance = { relative: 1e-5, absolute: 1e-6 * Math.sqrt(size(left) * size(right) / size(shape)) };
    return buildCase(`${kind} ${image} by ${filter}, stride ${stride}, padding ${padding}`, tolerance, (p) => {
      const lhs = p.input("f32", noise(1, size(left)));
      const rhs = p.input("f32", noise(2, size(right)));
      const bias = p.input("f32", noise(3, shape[1]));
      const out = p.output("f32", size(shape));
      p.run({
        kind,
        geometry,
        shape,
        operands: [dense(lhs, left), dense(rhs, right)],
        loads: [strided(bias, [0, 1, 0, 0])],
        stores: [store(dense(out, shape), binary("add", result(0), load(0)))],
      });
    });
  })
);

/** Rows added up by index, enough of them that the indices are sorted first. */
const manyRows = [
  { outer: 1, size: 20000, inner: 16, count: 4000, most: 19999 },
  { outer: 3, size: 700, inner: 1, count: 10000, most: 699 },
  { outer: 1, size: 9000, inner: 1, count: 9000, most: 3 },
].map(({ outer, size, inner, count, most }) =>
  buildCase(`takeGrad ${outer} by ${size} rows of ${inner}, ${count} indices up to ${most}`, exact, (p) => {
    const g = p.input("f32", noiseInt(1, outer * count * inner, -9, 9));
    const indices = p.input("i32", noiseInt(2, count, 0, most));
    const shape = [outer, size, inner];
    const out = p.output("f32", outer * size * inner);
    p.run({
      kind: "scatterAddRows",
      shape,
      outer,
      size,
      inner,
      count,
      operands: [dense(g, [outer, count, inner]), dense(indices, [count])],
      loads: [],
      stores: [store(dense(out, shape), result(0))],
    });
  })
);

/** What the quick tests run: each shape with one tuning; of a product one order of axes, of a convolution one of its kinds. */
export function shareOfCutUp(tuning: Tuning): Choice {
  const first = tunings[tuning];
  const alternatives: Readonly<Record<string, number>> = { products: 4, convolutions: 3 };
  return (cases, topic) => {
    const count = alternatives[topic] ?? 1;
    return cases.filter((_, i) => {
      const row = Math.floor(i / count);
      return (i + row) % count === first % count && row % 2 === first;
    });
  };
}

/** Tests the kernels of a tuning. */
export function testCutUp(tuning: Tuning, choose: Choice = (cases) => cases): void {
  const device = tunedDevice(tuning)?.device;
  for (const [topic, cases] of Object.entries({ products, convolutions, manyRows })) {
    const name = `kernels on webgpu, ${tuning} kernels: shapes that are cut up, ${topic}`;
    Deno.test(
      { name, ignore: !device, sanitizeOps: false, sanitizeResources: false },
      () => eachCase(choose(cases, topic), ({ name }) => name, (one) => checkCase(device!, one)),
    );
  }
}
