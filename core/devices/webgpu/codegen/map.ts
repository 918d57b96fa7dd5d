/**
 * Elementwise kernels: axes are collapsed, then every invocation computes one point or four neighbours.
 *
 * @module
 */
import type { MapKernel } from "../../../ir/kernel.ts";
import { sizeOf } from "../../../shape.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "./kernel_code.ts";
import { collapse, indexLeaves, replaceIndexStrides } from "./shader/collapse.ts";
import { decompose } from "./shader/coordinates.ts";
import { type Epilogue, epilogueLanes, writeEpilogue } from "./shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "./shader/invocations.ts";
import { Shader } from "./shader/shader.ts";

/** The shader of an elementwise kernel. */
export function generateMap(context: KernelContext<MapKernel>): KernelCode {
  const { extents, ends } = collapsed(context.kernel);
  const inner = extents.length - 1;
  const size = sizeOf(extents);
  const shader = new Shader(context, "map", independentWorkgroup(context.target, size));
  const lanes = epilogueLanes(shader, ends, extents[inner] ?? 1);
  const { id, workgroups } = invocationIndex(shader, size / lanes);
  const coordinates = decompose(shader, id, extents.map((extent, axis) => axis === inner ? extent / lanes : extent));
  if (lanes === 4) coordinates[inner] = shader.define(`${coordinates[inner]} << 2u`, "i");
  writeEpilogue(shader, ends, coordinates, lanes);
  return singleDispatch(shader.dispatch(workgroups));
}

function collapsed(kernel: MapKernel): { extents: readonly number[]; ends: Epilogue } {
  const values = kernel.stores.map((store) => store.value);
  const leaves = indexLeaves(values);
  const accesses = [...kernel.loads, ...kernel.stores];
  const { extents, rows } = collapse(kernel.shape, [...accesses, ...leaves].map(({ strides }) => strides));
  const stridesOf = new Map(leaves.map((leaf, i) => [leaf, rows[accesses.length + i]] as const));
  const replaced = replaceIndexStrides(values, stridesOf);
  const loads = kernel.loads.map((load, i) => ({ ...load, strides: rows[i] }));
  const stores = kernel.stores.map((store, i) => ({ ...store, strides: rows[loads.length + i], value: replaced[i] }));
  return { extents, ends: { loads, stores } };
}
