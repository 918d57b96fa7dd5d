/**
 * Products and convolutions large enough for each tiling of the kernels for GPUs, compared with the `wasm` device: the reference would take
 * minutes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { chooseTiling, type Tiling, tilings } from "../../../../core/devices/webgpu/codegen/tiled_product/tiling.ts";
import type { ConvKernel } from "../../../../core/ir/kernel.ts";
import { buildCase, dense, result, store, strided } from "../../../support/kernel_cases/builder.ts";
import { convGeometry, convRoles } from "../../../support/kernel_cases/conv.ts";
import { exact } from "../../../support/close.ts";
import { wasm } from "../../../support/devices.ts";
import { noiseInt } from "../../../support/noise.ts";
import { assertSameNumbers, runProgram } from "../../../support/run_case.ts";
import { tunedDevice } from "./share_of_kernels.ts";

/** Rows, columns and summed axis: none fills its tiles. */
const products = [
  [381, 761, 2003],
  [40, 250, 16000],
  [500, 1000, 43],
  [20, 250, 16001],
  [40, 760, 1000],
  [17, 16, 43],
  [501, 65, 8001],
  [41, 1001, 8001],
  [17, 129, 16001],
  [129, 17, 16001],
  [129, 33, 16001],
] as const;

const orders = ["nn", "nt", "tn", "tt"] as const;

/** Sums of so small integers are exact. */
function productCase(m: number, n: number, k: number, [left, right]: string) {
  return buildCase(`${m} by ${n} over ${k}, ${left}${right}`, exact, (p) => {
    const lhs = p.input("f32", noiseInt(1, m * k, -8, 8));
    const rhs = p.input("f32", noiseInt(2, n * k, -8, 8));
    const out = p.output("f32", m * n);
    p.run({
      kind: "matmul",
      shape: [1, m, n],
      k,
      operands: [
        strided(lhs, left === "n" ? [m * k, k, 1] : [m * k, 1, m]),
        strided(rhs, right === "n" ? [n * k, n, 1] : [n * k, 1, k]),
      ],
      loads: [],
      stores: [store(dense(out, [1, m, n]), result(0))],
    });
  });
}

/** Batch, channels, height and width, filters, extent of a filter, stride. */
const convolutions = [
  [33, 64, 8, 65, 3, 1],
  [33, 96, 9, 65, 3, 2],
  [32, 64, 28, 128, 1, 1],
  [20, 128, 14, 250, 3, 1],
] as const;

const kinds = ["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const;

function convCase(kind: ConvKernel["kind"], [n, c, extent, o, kernel, stride]: typeof convolutions[number]) {
  const around = kernel >> 1;
  const geometry = convGeometry({
    n,
    c,
    o,
    input: [extent, extent],
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [around, around, around, around],
  });
  const [left, right, shape] = convRoles(kind, geometry);
  const size = (extents: readonly number[]) => extents.reduce((product, each) => product * each, 1);
  // The wasm device's own algorithms multiply by fractions.
  const tolerance = { relative: 1e-5, absolute: 1e-3 };
  return buildCase(`${kind} of ${[n, c, extent, o, kernel, stride]}`, tolerance, (p) => {
    const lhs = p.input("f32", noiseInt(1, size(left), -8, 8));
    const rhs = p.input("f32", noiseInt(2, size(right), -8, 8));
    const out = p.output("f32", size(shape));
    p.run({
      kind,
      geometry,
      shape,
      operands: [dense(lhs, left), dense(rhs, right)],
      loads: [],
      stores: [store(dense(out, shape), result(0))],
    });
  });
}

/** The tiling that a product gets, in an order of its axes. */
function tilingOf(m: number, n: number, k: number, [left, right]: string): Tiling {
  const operand = (lines: number, isAlongSteps: boolean) => {
    const neighbours = isAlongSteps ? "steps" as const : "lines" as const;
    return { lines, neighbours, vectors: (isAlongSteps ? k : lines) % 4 === 0 };
  };
  const product = { batch: 1, k, left: operand(m, left === "n"), right: operand(n, right === "t") };
  const target = { maxInvocationsPerWorkgroup: 1024, maxWorkgroupBytes: 2 ** 15 };
  return chooseTiling(product, target);
}

/** Tests them. */
export function testTilings(): void {
  Deno.test("products of these sizes need every tiling", () => {
    for (const order of orders) {
      assert.deepEqual(new Set(products.map(([m, n, k]) => tilingOf(m, n, k, order))), new Set(tilings), order);
    }
  });

  const device = tunedDevice("hardware")?.device;
  const other = wasm instanceof Error ? undefined : wasm.at(-1)!.device;
  Deno.test({
    name: "kernels on webgpu, hardware kernels: tiles of every size agree with wasm",
    ignore: !device || !other,
    sanitizeOps: false,
    sanitizeResources: false,
  }, async (t) => {
    const cases = [
      ...products.flatMap(([m, n, k]) => orders.map((order) => productCase(m, n, k, order))),
      ...convolutions.flatMap((sizes) => kinds.map((kind) => convCase(kind, sizes))),
    ];
    for (const { name, program, inputs, tolerance } of cases) {
      await t.step({
        name,
        sanitizeOps: false,
        sanitizeResources: false,
        fn: async () => {
          const [expected] = await runProgram(other!, program, inputs);
          const [actual] = await runProgram(device!, program, inputs);
          assertSameNumbers("f32", actual, expected, tolerance, name);
        },
      });
    }
  });
}
