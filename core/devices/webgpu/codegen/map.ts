/**
 * Elementwise kernels: axes are merged, then every invocation computes one point or four neighbours.
 *
 * @module
 */
import type { MapKernel } from "../../../ir/kernel.ts";
import { mergeMap } from "../../../ir/merged_axes.ts";
import { sizeOf } from "../../../shape.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "./kernel_code.ts";
import { decompose } from "./shader/coordinates.ts";
import { epilogueLanes, writeEpilogue } from "./shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "./shader/invocations.ts";
import { Shader } from "./shader/shader.ts";

/** The shader of an elementwise kernel. */
export function generateMap(context: KernelContext<MapKernel>): KernelCode {
  const kernel = mergeMap(context.kernel);
  const extents = kernel.shape;
  const inner = extents.length - 1;
  const size = sizeOf(extents);
  const shader = new Shader(context, "map", independentWorkgroup(context.target, size));
  const lanes = epilogueLanes(shader, kernel, extents[inner] ?? 1);
  const { id, workgroups } = invocationIndex(shader, size / lanes);
  const coordinates = decompose(shader, id, extents.map((extent, axis) => axis === inner ? extent / lanes : extent));
  if (lanes === 4) coordinates[inner] = shader.define(`${coordinates[inner]} << 2u`, "i");
  writeEpilogue(shader, kernel, coordinates, lanes);
  return singleDispatch(shader.dispatch(workgroups));
}
