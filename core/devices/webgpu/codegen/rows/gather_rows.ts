/**
 * Rows gathered by index.
 *
 * @module
 */
import type { GatherRowsKernel } from "../../../../ir/kernel.ts";
import { blockOf, stepOf } from "../../../../ir/kernels/rows.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { epilogueLanes, writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { rowAt } from "./row_index.ts";

/** The shader of a gather: one invocation per element of the result, or per four neighbours of a row. */
export function generateGatherRows(context: KernelContext<GatherRowsKernel>): KernelCode {
  const { kernel } = context;
  const { outer, size, inner, count, operands: [source, indices] } = kernel;
  const total = outer * count * inner;
  const shader = new Shader(context, "gatherRows", independentWorkgroup(context.target, total));
  const lanes = epilogueLanes(shader, kernel, inner);
  const [step, block] = [stepOf(kernel), blockOf(kernel)];
  const usesVectors = lanes === 4 && source.offset % 4 === 0 && step % 4 === 0 && block % 4 === 0;
  if (usesVectors) shader.viewAsVectors(source.buffer);
  const { id, workgroups } = invocationIndex(shader, total / lanes);
  const [o, k, group] = decompose(shader, id, [outer, count, inner / lanes]);
  const i = lanes === 4 ? shader.define(`${group} << 2u`, "i") : group;
  const row = rowAt(shader, indices, k, size);
  const base = shader.define(address(source.offset, [block, step, 1], [o, row, i]), "a");
  const vector = usesVectors ? shader.define(shader.loadVector(source.buffer, base)) : undefined;
  writeEpilogue(shader, kernel, [o, k, i], lanes, (_, lane) => {
    return vector ? shader.component(source.buffer, vector, lane) : shader.load(source.buffer, `(${base} + ${lane}u)`);
  });
  return singleDispatch(shader.dispatch(workgroups));
}
