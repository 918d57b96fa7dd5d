/**
 * Rows written at indices.
 *
 * Few rows are written one after the other. Of more it is found out first which row each index leaves: scratch memory holds for each row
 * of the target the last number in the list that names it, counted from 1, which is a maximum and thus the same in any order.
 *
 * @module
 */
import type { ScatterRowsKernel } from "../../../../ir/kernel.ts";
import { blockOf, stepOf } from "../../../../ir/kernels/rows.ts";
import { type Dispatch, type KernelCode, type KernelContext, noDispatches, singleDispatch } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { rowAt } from "./row_index.ts";

/** Up to this number rows are written one after the other. */
const fewRows = 16;

/** The shaders of a write. */
export function generateScatterRows(context: KernelContext<ScatterRowsKernel>): KernelCode {
  const { outer, size, inner, count } = context.kernel;
  if (outer * size * inner * count === 0) return noDispatches;
  if (count <= fewRows) return singleDispatch(writeInOrder(context));
  return { dispatches: [clearLast(context), findLast(context), writeLast(context)], scratchBytes: 4 * size };
}

/** One invocation per column writes all rows, in order: so the last of those at one index stays. */
function writeInOrder(context: KernelContext<ScatterRowsKernel>): Dispatch {
  const { kernel, target } = context;
  const { outer, size, inner, count, operands: [, indices] } = kernel;
  const shader = new Shader(context, "scatterRows", independentWorkgroup(target, outer * inner));
  const { id, workgroups } = invocationIndex(shader, outer * inner);
  const [o, i] = decompose(shader, id, [outer, inner]);
  const write = (k: Coordinate) => copyElement(shader, kernel, [o, k, i], rowAt(shader, indices, k, size));
  if (count === 1) write("0u");
  else shader.loop("0u", `${count}u`, 1, write);
  return shader.dispatch(workgroups);
}

function clearLast(context: KernelContext<ScatterRowsKernel>): Dispatch {
  const { size } = context.kernel;
  const shader = new Shader(context, "scatterRows none", independentWorkgroup(context.target, size), "u32");
  const { id, workgroups } = invocationIndex(shader, size);
  shader.store("scratch", id, "0u");
  return shader.dispatch(workgroups);
}

function findLast(context: KernelContext<ScatterRowsKernel>): Dispatch {
  const { size, count, operands: [, indices] } = context.kernel;
  const shader = new Shader(context, "scatterRows last", independentWorkgroup(context.target, count), "u32", true);
  const { id, workgroups } = invocationIndex(shader, count);
  shader.atomicMax("scratch", rowAt(shader, indices, id, size), `${id} + 1u`);
  return shader.dispatch(workgroups);
}

/** One invocation per element of the rows, which writes it if its row stays. */
function writeLast(context: KernelContext<ScatterRowsKernel>): Dispatch {
  const { kernel, target } = context;
  const { outer, size, inner, count, operands: [, indices] } = kernel;
  const total = outer * count * inner;
  const shader = new Shader(context, "scatterRows", independentWorkgroup(target, total), "u32");
  const { id, workgroups } = invocationIndex(shader, total);
  const [o, k, i] = decompose(shader, id, [outer, count, inner]);
  const row = rowAt(shader, indices, k, size);
  shader.when([`${shader.load("scratch", row)} == ${k} + 1u`], () => copyElement(shader, kernel, [o, k, i], row));
  return shader.dispatch(workgroups);
}

/** Copies element (o, k, i) of the rows to row `row` of the target. */
function copyElement(
  shader: Shader,
  kernel: ScatterRowsKernel,
  [o, k, i]: readonly [Coordinate, Coordinate, Coordinate],
  row: Coordinate,
): void {
  const { inner, count, target, operands: [source] } = kernel;
  const from = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
  const to = shader.define(address(target.offset, [blockOf(kernel), stepOf(kernel), 1], [o, row, i]), "a");
  shader.store(target.buffer, to, shader.load(source.buffer, from));
}
