/**
 * The table of COTANGENT_DEBUG=time: what kernels cost, and how times add up.
 *
 * @module
 */
import assert from "node:assert/strict";
import { unary } from "../../../core/ir/expr.ts";
import { costOf, describeKernel } from "../../../core/ir/cost.ts";
import type { Kernel } from "../../../core/ir/kernel.ts";
import type { Program } from "../../../core/ir/program.ts";
import { showProgram } from "../../../core/compile/show.ts";
import { KernelTimes } from "../../../core/devices/profile.ts";
import { load, result } from "../../support/kernel_cases/builder.ts";

const product: Kernel = {
  kind: "matmul",
  shape: [1, 4, 8],
  k: 16,
  operands: [{ buffer: 0, offset: 0, strides: [64, 16, 1] }, { buffer: 1, offset: 0, strides: [128, 8, 1] }],
  loads: [],
  stores: [{ buffer: 2, offset: 0, strides: [32, 8, 1], value: result(0) }],
};
/** One number, spread over the result. */
const spread: Kernel = {
  kind: "map",
  operands: [],
  shape: [4, 8],
  loads: [{ buffer: 3, offset: 0, strides: [0, 0] }],
  stores: [{ buffer: 2, offset: 0, strides: [8, 1], value: unary("exp", load(0, "f32")) }],
};
/** Rows of eight; about three comparisons for each element. */
const order: Kernel = {
  kind: "argsort",
  shape: [4, 8],
  descending: true,
  n: 8,
  operands: [{ buffer: 2, offset: 0, strides: [8, 1] }],
  loads: [],
  stores: [{ buffer: 4, offset: 0, strides: [8, 1], value: result(0, "i32") }],
};
const program: Program = {
  buffers: [64, 128, 32, 1, 32].map((size, index) => ({
    dtype: index === 4 ? "i32" : "f32",
    size,
    location: { kind: "input", index },
  })),
  slots: [],
  kernels: [product, spread],
  inputs: [0, 1, 2, 3, 4],
  outputs: [],
};

Deno.test("a kernel's work is counted from its description", () => {
  assert.deepEqual(costOf(program, product), { flops: 2 * 4 * 8 * 16, bytes: 4 * (64 + 128 + 32) });
  assert.deepEqual(costOf(program, spread), { flops: 32, bytes: 4 * (1 + 32) });
  assert.equal(describeKernel(product), "matmul [1, 4, 8] over 16");
  assert.equal(describeKernel(spread), "map [4, 8]");
  assert.deepEqual(costOf(program, order), { flops: 32 * 3, bytes: 4 * (32 + 32) });
  assert.equal(describeKernel(order), "argsort [4, 8]");
  assert.match(showProgram({ ...program, kernels: [order] }), /kernel 0: argsort \[4, 8\] descending\n {2}operand f32:input2/);
});

Deno.test("times add up by kernel, the longest first, with the parts of those that have several, and the algorithm of those that have a choice", () => {
  const times = new KernelTimes();
  const sorting: Program = { ...program, kernels: [order] };
  assert.equal(times.table(), "");
  for (let run = 0; run < 2; run++) {
    times.add(program, 1, "map", 0.5);
    times.add(program, 0, "matmul", 1);
    times.add(program, 0, "matmul sum", 0.5);
    times.add(sorting, 0, "by counting", 0.25);
  }
  const cells = times.table().split("\n").map((line) => line.trim().split(/\s{2,}/));
  assert.deepEqual(cells, [
    ["share", "ms", "runs", "us/run", "GFLOP/s", "GB/s", "kernel"],
    ["66.7 %", "3.00", "2", "1500.0", "0.00", "0.00", "matmul [1, 4, 8] over 16"],
    ["44.4 %", "2.00", "2", "1000.0", "matmul"],
    ["22.2 %", "1.00", "2", "500.0", "matmul sum"],
    ["22.2 %", "1.00", "2", "500.0", "0.00", "0.00", "map [4, 8]"],
    ["11.1 %", "0.50", "2", "250.0", "0.00", "0.00", "argsort [4, 8]"],
    ["11.1 %", "0.50", "2", "250.0", "by counting"],
  ]);
});
