/**
 * Elementwise kernels: axes are merged, then every invocation computes one point or four neighbours.
 *
 * @module
 */
import type { MapKernel } from "../../../ir/kernel.ts";
import { mergeMap } from "../../../ir/merged_axes.ts";
import { sizeOf } from "../../../shape.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "./kernel_code.ts";
import { type Coordinate, decompose } from "./shader/coordinates.ts";
import { epilogueLanes, type Lanes, writeEpilogue } from "./shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "./shader/invocations.ts";
import { Shader } from "./shader/shader.ts";

/** The shader of an elementwise kernel. */
export function generateMap(context: KernelContext<MapKernel>): KernelCode {
  const kernel = mergeMap(context.kernel);
  const size = sizeOf(kernel.shape);
  const shader = new Shader(context, "map", independentWorkgroup(context.target, size));
  const lanes = epilogueLanes(shader, kernel, kernel.shape.at(-1) ?? 1);
  const { id, workgroups } = invocationIndex(shader, size / lanes);
  const transposed = lanes === 4 && !context.target.software ? transposedAxis(kernel) : undefined;
  const point = transposed === undefined
    ? pointOf(shader, id, kernel.shape, lanes)
    : tiledPointOf(shader, id, kernel.shape, transposed);
  writeEpilogue(shader, kernel, point, lanes);
  return singleDispatch(shader.dispatch(workgroups));
}

/** The first of the neighbours that an invocation computes, row-major. */
function pointOf(shader: Shader, id: string, extents: readonly number[], lanes: Lanes): Coordinate[] {
  const inner = extents.length - 1;
  const coordinates = decompose(shader, id, extents.map((extent, axis) => axis === inner ? extent / lanes : extent));
  if (lanes === 4) coordinates[inner] = shader.define(`${coordinates[inner]} << 2u`, "i");
  return coordinates;
}

/** The side of a square of elements that neighbouring invocations compute where something is transposed. */
const side = 32;

/** The axis along which the elements of some load are neighbours, if that is not the last one, and squares fit. */
function transposedAxis({ shape, loads }: Pick<MapKernel, "shape" | "loads">): number | undefined {
  const inner = shape.length - 1;
  const fits = (axis: number) => axis >= 0 && shape[axis] % side === 0;
  const axes = loads.filter(({ strides }) => strides[inner] >= side).map(({ strides }) => strides.indexOf(1));
  return fits(inner) ? axes.find((axis) => axis !== inner && fits(axis)) : undefined;
}

/** The same, in squares along an axis and the last one: what is read across the rows of a square is in the cache for the next ones. */
function tiledPointOf(shader: Shader, id: string, extents: readonly number[], axis: number): Coordinate[] {
  const inner = extents.length - 1;
  const tiles = extents.map((extent, each) => each === axis || each === inner ? extent / side : extent);
  const coordinates = decompose(shader, id, [...tiles, side, side / 4]);
  const [row, column] = coordinates.splice(extents.length);
  coordinates[axis] = shader.define(`${coordinates[axis]} * ${side}u + ${row}`, "i");
  coordinates[inner] = shader.define(`${coordinates[inner]} * ${side}u + ${column} * 4u`, "i");
  return coordinates;
}
