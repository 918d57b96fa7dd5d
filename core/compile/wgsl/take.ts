/**
 * Rows chosen by index, and the transpose: rows added up by index.
 *
 * @module
 */
import type { TakeKernel } from "../kernel.ts";
import { address, decompose, invocation, lonelyWorkgroup } from "./domain.ts";
import { lanesFor, writePoints } from "./points.ts";
import { type KernelCode, type KernelContext, scalarOf, Shader } from "./shader.ts";

/** The shader of `take` or `takeGrad`. */
export function generateTake(context: KernelContext<TakeKernel>): KernelCode {
  return context.kernel.kind === "take" ? take(context) : takeGrad(context);
}

/** One invocation per element of the result, or four neighbours of a row. */
function take(context: KernelContext<TakeKernel>): KernelCode {
  const { kernel } = context;
  const { outer, size, inner, count, source, indices } = kernel;
  const total = outer * count * inner;
  const shader = new Shader(context, "take", lonelyWorkgroup(context.target, total));
  const lanes = lanesFor(shader, kernel, inner);
  const vectors = lanes === 4 && source.offset % 4 === 0;
  if (vectors) shader.viewAsVectors(source.buffer);
  const { id, workgroups } = invocation(shader, total / lanes);
  const [o, k, group] = decompose(shader, id, [outer, count, inner / lanes]);
  const i = lanes === 4 ? shader.define(`${group} << 2u`, "i") : group;
  const row = clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
  const base = shader.define(address(source.offset, [size * inner, inner, 1], [o, row, i]), "a");
  const vector = vectors ? shader.define(shader.loadVector(source.buffer, base)) : undefined;
  writePoints(shader, kernel, [o, k, i], lanes, (_, lane) => {
    return vector ? shader.component(source.buffer, vector, lane) : shader.load(source.buffer, `(${base} + ${lane}u)`);
  });
  return { dispatches: [shader.finish(workgroups)], scratchBytes: 0 };
}

function clampedIndex(shader: Shader, buffer: number, at: string, size: number): string {
  const index = shader.load(buffer, shader.define(at, "a"));
  return shader.define(`u32(clamp(${index}, 0, ${size - 1}))`, "row");
}

/**
 * One invocation per element of the result looks through all indices, in order: simple, repeatable, and right for the sizes of a
 * batch. Rows that are chosen far more rarely than there are rows go through lists of occurrences instead.
 */
function takeGrad(context: KernelContext<TakeKernel>): KernelCode {
  const { outer, size, inner, count } = context.kernel;
  return outer * size * inner * count <= mostComparisons || count < 2 ? scanGrad(context) : chainGrad(context);
}

const mostComparisons = 2 ** 26;

function scanGrad(context: KernelContext<TakeKernel>): KernelCode {
  const { kernel } = context;
  const { outer, size, inner, count, source, indices } = kernel;
  const total = outer * size * inner;
  const shader = new Shader(context, "takeGrad", lonelyWorkgroup(context.target, total));
  const type = scalarOf(context.program.buffers[source.buffer].dtype);
  const { id, workgroups } = invocation(shader, total);
  const [o, row, i] = decompose(shader, id, [outer, size, inner]);
  shader.line(`var total = ${type}(0);`);
  shader.loop("0u", `${count}u`, 1, (k) => {
    const index = clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
    shader.when([`${index} == ${row}`], () => {
      const at = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
      shader.line(`total += ${shader.load(source.buffer, at)};`);
    });
  });
  writePoints(shader, kernel, [o, row, i], 1, () => "total");
  return { dispatches: [shader.finish(workgroups)], scratchBytes: 0 };
}

/**
 * Scratch holds for each row the first place that chose it (or none), then for each place the next one that chose the same row.
 * Three dispatches: forget the first places, build the chains, walk them.
 */
function chainGrad(context: KernelContext<TakeKernel>): KernelCode {
  const { size, count } = context.kernel;
  return { dispatches: [forgetFirst(context), buildChains(context), walkChains(context)], scratchBytes: 4 * (size + count) };
}

const none = "0xffffffffu";

function forgetFirst(context: KernelContext<TakeKernel>): KernelCode["dispatches"][number] {
  const { size } = context.kernel;
  const shader = new Shader(context, "takeGrad first", lonelyWorkgroup(context.target, size), "u32");
  const { id, workgroups } = invocation(shader, size);
  shader.store("scratch", id, none);
  return shader.finish(workgroups);
}

/** Each place looks ahead for the next of its row, and back: without an earlier one it is the first. */
function buildChains(context: KernelContext<TakeKernel>): KernelCode["dispatches"][number] {
  const { size, count, indices } = context.kernel;
  const shader = new Shader(context, "takeGrad chains", lonelyWorkgroup(context.target, count), "u32");
  const { id, workgroups } = invocation(shader, count);
  const at = (k: string) => clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
  const row = at(id);
  shader.line(`var next = ${none};`);
  shader.line("var isFirst = true;");
  shader.loop("0u", `${count}u`, 1, (k) => {
    const same = shader.define(`${at(k)} == ${row}`);
    shader.line(`isFirst = isFirst && !(${same} && ${k} < ${id});`);
    shader.line(`next = select(next, min(next, ${k}), ${same} && ${k} > ${id});`);
  });
  shader.when(["isFirst"], () => shader.store("scratch", row, id));
  shader.store("scratch", shader.define(`${id} + ${size}u`, "a"), "next");
  return shader.finish(workgroups);
}

function walkChains(context: KernelContext<TakeKernel>): KernelCode["dispatches"][number] {
  const { kernel } = context;
  const { outer, size, inner, count, source } = kernel;
  const total = outer * size * inner;
  const shader = new Shader(context, "takeGrad", lonelyWorkgroup(context.target, total), "u32");
  const type = scalarOf(context.program.buffers[source.buffer].dtype);
  const { id, workgroups } = invocation(shader, total);
  const [o, row, i] = decompose(shader, id, [outer, size, inner]);
  shader.line(`var total = ${type}(0);`);
  shader.line(`var k = ${shader.load("scratch", row)};`);
  shader.line(`while (k != ${none}) {`);
  const at = shader.define(address(source.offset, [count * inner, inner, 1], [o, "k", i]), "a");
  shader.line(`total += ${shader.load(source.buffer, at)};`);
  shader.line(`k = ${shader.load("scratch", `k + ${size}u`)};`);
  shader.line("}");
  writePoints(shader, kernel, [o, row, i], 1, () => "total");
  return shader.finish(workgroups);
}
