/**
 * Rows chosen by index, and the transpose: rows added up by index.
 *
 * @module
 */
import type { GatherRowsKernel, ScatterAddRowsKernel } from "../../../../ir/kernel.ts";
import { type Dispatch, type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { epilogueLanes, writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { scalarOf } from "../shader/elements.ts";
import { Shader } from "../shader/shader.ts";
import { type Sorted, sortRows } from "../sort/merge_sort.ts";

/** One invocation per element of the result, or four neighbours of a row. */
export function generateGatherRows(context: KernelContext<GatherRowsKernel>): KernelCode {
  const { kernel } = context;
  const { outer, size, inner, count, operands: [source, indices] } = kernel;
  const total = outer * count * inner;
  const shader = new Shader(context, "gatherRows", independentWorkgroup(context.target, total));
  const lanes = epilogueLanes(shader, kernel, inner);
  const vectors = lanes === 4 && source.offset % 4 === 0;
  if (vectors) shader.viewAsVectors(source.buffer);
  const { id, workgroups } = invocationIndex(shader, total / lanes);
  const [o, k, group] = decompose(shader, id, [outer, count, inner / lanes]);
  const i = lanes === 4 ? shader.define(`${group} << 2u`, "i") : group;
  const row = clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
  const base = shader.define(address(source.offset, [size * inner, inner, 1], [o, row, i]), "a");
  const vector = vectors ? shader.define(shader.loadVector(source.buffer, base)) : undefined;
  writeEpilogue(shader, kernel, [o, k, i], lanes, (_, lane) => {
    return vector ? shader.component(source.buffer, vector, lane) : shader.load(source.buffer, `(${base} + ${lane}u)`);
  });
  return singleDispatch(shader.dispatch(workgroups));
}

/** The index at an address of a list, within the rows there are. */
export function clampedIndex(shader: Shader, buffer: number, at: string, size: number): string {
  const index = shader.load(buffer, shader.define(at, "a"));
  return shader.define(`u32(clamp(${index}, 0, ${size - 1}))`, "row");
}

/**
 * Few indices are looked through by every element of the result, in order: simple, and right for the sizes of a batch. Many are sorted
 * first, so that those of a row lie together, still in order.
 */
export function generateScatterAddRows(context: KernelContext<ScatterAddRowsKernel>): KernelCode {
  const { outer, size, inner, count } = context.kernel;
  return outer * size * inner * count <= mostComparisons ? scanGrad(context) : sortedGrad(context);
}

const mostComparisons = 2 ** 24;

function scanGrad(context: KernelContext<ScatterAddRowsKernel>): KernelCode {
  const { kernel } = context;
  const { outer, size, inner, count, operands: [source, indices] } = kernel;
  const total = outer * size * inner;
  const shader = new Shader(context, "scatterAddRows", independentWorkgroup(context.target, total));
  const type = scalarOf(context.program.buffers[source.buffer].dtype);
  const { id, workgroups } = invocationIndex(shader, total);
  const [o, row, i] = decompose(shader, id, [outer, size, inner]);
  shader.line(`var total = ${type}(0);`);
  shader.loop("0u", `${count}u`, 1, (k) => {
    const index = clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
    shader.when([`${index} == ${row}`], () => {
      const at = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
      shader.line(`total += ${shader.load(source.buffer, at)};`);
    });
  });
  writeEpilogue(shader, kernel, [o, row, i], 1, () => "total");
  return singleDispatch(shader.dispatch(workgroups));
}

/** The indices as sorted keys, each with its place in the list; then one invocation per element of the result finds its own. */
function sortedGrad(context: KernelContext<ScatterAddRowsKernel>): KernelCode {
  const { size, count, operands: [, indices] } = context.kernel;
  const sorted = sortRows({
    context,
    label: "scatterAddRows sort",
    rows: 1,
    n: count,
    key: (shader, _, at) => clampedIndex(shader, indices.buffer, address(indices.offset, [1], [at]), size),
  });
  return { dispatches: [...sorted.dispatches, addSorted(context, sorted)], scratchBytes: sorted.scratchBytes };
}

function addSorted(context: KernelContext<ScatterAddRowsKernel>, { keys, places }: Sorted): Dispatch {
  const { kernel } = context;
  const { outer, size, inner, count, operands: [source] } = kernel;
  const total = outer * size * inner;
  const shader = new Shader(context, "scatterAddRows", independentWorkgroup(context.target, total), "u32");
  const type = scalarOf(context.program.buffers[source.buffer].dtype);
  const { id, workgroups } = invocationIndex(shader, total);
  const [o, row, i] = decompose(shader, id, [outer, size, inner]);
  const keyAt = (at: string) => shader.load("scratch", address(keys, [1], [at]));
  shader.line("var low = 0u;");
  shader.line(`var high = ${count}u;`);
  shader.line("while (low < high) {");
  const middle = shader.define("(low + high) >> 1u", "m");
  const before = shader.define(`${keyAt(middle)} < ${row}`);
  shader.line(`low = select(low, ${middle} + 1u, ${before});`);
  shader.line(`high = select(${middle}, high, ${before});`);
  shader.line("}");
  shader.line(`var total = ${type}(0);`);
  shader.loop("low", `${count}u`, 1, (at) => {
    shader.line(`if (${keyAt(at)} != ${row}) { break; }`);
    const k = shader.define(shader.load("scratch", address(places, [1], [at])), "k");
    const from = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
    shader.line(`total += ${shader.load(source.buffer, from)};`);
  });
  writeEpilogue(shader, kernel, [o, row, i], 1, () => "total");
  return shader.dispatch(workgroups);
}
