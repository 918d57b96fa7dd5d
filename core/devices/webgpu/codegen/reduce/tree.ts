/**
 * Reductions with a workgroup per output, or per split of one: its invocations combine their results in workgroup memory.
 *
 * @module
 */
import type { ReduceKernel } from "../../../../ir/kernel.ts";
import type { MergedReduce } from "../../../../ir/merged_axes.ts";
import { sizeOf } from "../../../../shape.ts";
import type { Dispatch, KernelContext } from "../kernel_code.ts";
import { decompose } from "../shader/coordinates.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import { workgroupGrid } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { type Accumulator, declareAccumulators, merge, resultOf } from "./accumulators.ts";
import { candidateWriter } from "./candidates.ts";
import { accumulateOver } from "./loops.ts";
import { storePartial } from "./partials.ts";
import type { TreePlan } from "./plan.ts";

/** The dispatch of a tree. */
export function dispatchTree(
  context: KernelContext<ReduceKernel>,
  kernel: MergedReduce,
  { lanes, splits }: TreePlan,
): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const window = sizeOf(kernel.window);
  const shader = new Shader(context, "reduce tree", [lanes, 1, 1], "u32");
  const groups = outputs * splits;
  const [columns, rows] = workgroupGrid(groups, context.target);
  const group = shader.define(rows === 1 ? "wid.x" : `wid.x + wid.y * ${columns}u`, "i");
  if (rows * columns !== groups) shader.line(`if (${group} >= ${groups}u) { return; }`);
  const [split, output] = decompose(shader, group, [splits, outputs]);
  const point = decompose(shader, output, kernel.shape);
  const accumulators = declareAccumulators(shader, kernel);
  const candidates = candidateWriter(shader, kernel, point);
  const stride = lanes * splits;
  const start = splits === 1 ? "lane" : shader.define(`${split} * ${lanes}u + lane`);
  accumulateOver(shader, accumulators, [Math.ceil(window / stride)], ([step]) => {
    const at = shader.define(`${step} * ${stride}u + ${start}`, "i");
    const inside = window % stride === 0 ? undefined : `${at} < ${window}u`;
    const clamped = inside ? shader.define(`min(${at}, ${window - 1}u)`) : at;
    return candidates(decompose(shader, clamped, kernel.window), inside);
  });
  combineLanes(shader, accumulators, lanes);
  shader.line("if (lane != 0u) { return; }");
  if (splits > 1) storePartial(shader, accumulators, { outputs, splits, split, output });
  else writeEpilogue(shader, kernel, point, 1, (slot) => resultOf(accumulators[slot]));
  return shader.dispatch([columns, rows, 1]);
}

/** Halves the number of live lanes until lane 0 holds everything. */
function combineLanes(shader: Shader, accumulators: readonly Accumulator[], lanes: number): void {
  const memory = accumulators.map(({ value, index, type }) => {
    const names = { value: shader.fresh("shared"), index: shader.fresh("sharedPlace") };
    shader.global(`var<workgroup> ${names.value}: array<${type}, ${lanes}>;`);
    shader.line(`${names.value}[lane] = ${value};`);
    if (index) {
      shader.global(`var<workgroup> ${names.index}: array<i32, ${lanes}>;`);
      shader.line(`${names.index}[lane] = ${index};`);
    }
    return names;
  });
  for (let half = lanes / 2; half >= 1; half /= 2) {
    shader.line("workgroupBarrier();");
    shader.line(`if (lane < ${half}u) {`);
    accumulators.forEach((accumulator, i) => {
      const { value, index } = memory[i];
      merge(shader, accumulator, { value: `${value}[lane + ${half}u]`, index: `${index}[lane + ${half}u]` });
      shader.line(`${value}[lane] = ${accumulator.value};`);
      if (accumulator.index) shader.line(`${index}[lane] = ${accumulator.index};`);
    });
    shader.line("}");
  }
}
