/**
 * Programs written by hand for the passes of the compiler, and what the passes make of them as text.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { PlanInput } from "../../../core/compile/plan.ts";
import { showProgram } from "../../../core/compile/show.ts";
import type { Expr } from "../../../core/ir/expr.ts";
import type { Access, Kernel, MapKernel, MatmulKernel, ReduceKernel, ScatterRowsKernel, Store } from "../../../core/ir/kernel.ts";
import type { Program } from "../../../core/ir/program.ts";
import { contiguousStrides, type Shape } from "../../../core/shape.ts";
import { exact } from "../../support/close.ts";
import { buildCase, load, type ProgramBuilder, result, store } from "../../support/kernel_cases/builder.ts";

/** A program of kernels that say themselves what they do. */
export function program(build: (p: ProgramBuilder) => void): Program {
  return buildCase("", exact, build).program;
}

/** A whole buffer in row-major order, as lowering reads and writes it: axes of extent 1 have stride 0. */
export function whole(buffer: number, shape: Shape): Access {
  return { buffer, offset: 0, strides: contiguousStrides(shape).map((stride, axis) => shape[axis] === 1 ? 0 : stride) };
}

/** An elementwise kernel. */
export function map(shape: Shape, loads: readonly Access[], ...stores: Store[]): MapKernel {
  return { kind: "map", shape, operands: [], loads, stores };
}

/** The same from whole buffers to a whole buffer. */
export function mapWhole(shape: Shape, from: readonly number[], to: number, value: (...loads: Expr[]) => Expr): MapKernel {
  return map(shape, from.map((each) => whole(each, shape)), store(whole(to, shape), value(...from.map((_, i) => load(i)))));
}

/** The product of two matrices [m, k] and [k, n]. */
export function matmul([m, k, n]: Shape, left: number, right: number, to: number): MatmulKernel {
  return {
    kind: "matmul",
    shape: [1, m, n],
    k,
    operands: [whole(left, [1, m, k]), whole(right, [1, k, n])],
    loads: [],
    stores: [store(whole(to, [1, m, n]), result())],
  };
}

/** The sums of the rows of a matrix. */
export function rowSums([rows, columns]: Shape, from: number, to: number): ReduceKernel {
  return {
    kind: "reduce",
    shape: [rows],
    window: [columns],
    operands: [whole(from, [rows, columns])],
    reductions: [{ op: "sum", value: load(0) }],
    loads: [],
    stores: [store(whole(to, [rows]), result())],
  };
}

/** Rows [count, inner] written over those of a matrix [size, inner] that the indices name. */
export function scatterRows(
  { size, inner, count }: { readonly size: number; readonly inner: number; readonly count: number },
  rows: number,
  indices: number,
  to: number,
): ScatterRowsKernel {
  return {
    kind: "scatterRows",
    shape: [1, count, inner],
    outer: 1,
    size,
    inner,
    count,
    operands: [whole(rows, [1, count, inner]), whole(indices, [count])],
    loads: [],
    stores: [],
    target: whole(to, [1, size, inner]),
  };
}

/** A program before its plan: buffers without offsets. */
export function unplanned({ kernels, buffers, inputs, outputs }: Program, donated: readonly number[] = []): PlanInput {
  return {
    kernels,
    buffers: buffers.map(({ dtype, size }) => ({ dtype, shape: [size] })),
    inputs: inputs.map((buffer, i) => ({
      dtype: buffers[buffer].dtype,
      size: buffers[buffer].size,
      buffer,
      donated: donated.includes(i),
    })),
    outputs,
  };
}

/** Compares a text with one whose indentation does not count. */
export function checkLines(made: string, expected: string): void {
  const lines = expected.split("\n").filter((line) => line.trim() !== "");
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  assert.equal(made, lines.map((line) => line.slice(indent)).join("\n"));
}

/** The same with the kernels of a program, as COTANGENT_DEBUG=kernels prints them. */
export function checkText(made: Program, expected: string): void {
  checkLines(showProgram(made), expected);
}

/** The program with other kernels. */
export function withKernels(made: Program, kernels: readonly Kernel[]): Program {
  return { ...made, kernels };
}
