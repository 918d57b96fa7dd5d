/**
 * Rows written at indices.
 *
 * @module
 */
import type { WriteKernel } from "../kernel.ts";
import { address, decompose, invocation, lonelyWorkgroup } from "./domain.ts";
import { type KernelCode, type KernelContext, Shader } from "./shader.ts";
import { clampedIndex } from "./take.ts";

/** One invocation per column of the rows writes them all, in order: so the last of those at one index stays. */
export function generateWrite(context: KernelContext<WriteKernel>): KernelCode {
  const { outer, size, inner, count, source, indices, target } = context.kernel;
  if (outer * size * inner * count === 0) return { dispatches: [], scratchBytes: 0 };
  const shader = new Shader(context, "write", lonelyWorkgroup(context.target, outer * inner));
  const { id, workgroups } = invocation(shader, outer * inner);
  const [o, i] = decompose(shader, id, [outer, inner]);
  const write = (k: string) => {
    const row = clampedIndex(shader, indices.buffer, address(indices.offset, [1], [k]), size);
    const from = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
    const to = shader.define(address(target.offset, [size * inner, inner, 1], [o, row, i]), "a");
    shader.store(target.buffer, to, shader.load(source.buffer, from));
  };
  if (count === 1) write("0u");
  else shader.loop("0u", `${count}u`, 1, write);
  return { dispatches: [shader.finish(workgroups)], scratchBytes: 0 };
}
