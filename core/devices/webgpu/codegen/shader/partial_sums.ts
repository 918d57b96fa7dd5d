/**
 * Partial sums: where a result has few elements and long sums, each sum is split among several invocations (split-K). They write their
 * partial sums to scratch memory, and a second dispatch adds these up, in order, so that runs repeat.
 *
 * @module
 */
import type { Kernel } from "../../../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../../../shape.ts";
import { type Dispatch, type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "./coordinates.ts";
import { epilogueFunction, epilogueLanes, type Lanes, writeEpilogue } from "./epilogue.ts";
import { independentWorkgroup, invocationIndex } from "./invocations.ts";
import { Shader, u32 } from "./shader.ts";

/** Scratch memory for the partial sums of a kernel: each split row-major over the domain, one after the other. */
export function partialSumBytes(kernel: Kernel, splits: number): number {
  return 4 * splits * sizeOf(kernel.shape);
}

/** Writes what becomes of neighbouring sums (one, or four) at the coordinates of the first. */
export type SumWriter = (sums: readonly string[], coordinates: readonly Coordinate[], split: Coordinate) => void;

/**
 * A writer of the kernel's epilogue or, where sums are split, of partial sums. Asked for before anything else of the shader, because it
 * decides how buffers are viewed.
 *
 * @param lanes Neighbours that are stored together: one where sums are split.
 */
export function sumWriter(shader: Shader, kernel: Kernel, splits: number, lanes: Lanes): SumWriter {
  const { shape } = kernel;
  if (splits === 1) return epilogueFunction(shader, kernel, shape.length, "f32", lanes);
  const strides = [...contiguousStrides(shape), sizeOf(shape)];
  return ([sum], coordinates, split) => {
    shader.store("scratch", shader.define(address(0, strides, [...coordinates, split]), "a"), sum);
  };
}

/** The code of a kernel whose first dispatch wrote its sums with a `sumWriter`. */
export function withPartialSums(context: KernelContext, first: Dispatch, splits: number): KernelCode {
  if (splits === 1) return singleDispatch(first);
  return { dispatches: [first, addPartialSums(context, splits)], scratchBytes: partialSumBytes(context.kernel, splits) };
}

/** Splits added in one step of the loop. */
const splitsPerStep = 8;

function addPartialSums(context: KernelContext, splits: number): Dispatch {
  const { kernel } = context;
  const size = sizeOf(kernel.shape);
  const shader = new Shader(context, `${kernel.kind} sum`, independentWorkgroup(context.target, size));
  // Four neighbours at once where rows allow it.
  const lanes = epilogueLanes(shader, kernel, kernel.shape.at(-1) ?? 1);
  if (lanes === 4) shader.viewAsVectors("scratch");
  const { id, workgroups } = invocationIndex(shader, size / lanes);
  const extents = kernel.shape.map((extent, axis) => axis === kernel.shape.length - 1 ? extent / lanes : extent);
  const point = decompose(shader, id, extents);
  if (lanes === 4) point[point.length - 1] = shader.define(`${point.at(-1)} << 2u`, "i");
  const at = lanes === 4 ? shader.define(`${id} << 2u`, "i") : id;
  shader.line(`var total = ${lanes === 4 ? "vec4<f32>()" : "0.0"};`);
  const add = (from: string, count: number): void => {
    const values = Array.from({ length: count }, (_, i) => {
      const partial = shader.define(`(${from} + ${i}u) * ${size}u + ${at}`, "a");
      return shader.define(lanes === 4 ? shader.loadVector("scratch", partial) : shader.load("scratch", partial));
    });
    shader.line(`total += ${values.join(" + ")};`);
  };
  const whole = splits - splits % splitsPerStep;
  if (whole > 0) shader.loop("0u", u32(whole), splitsPerStep, (split) => add(split, splitsPerStep));
  if (splits > whole) add(u32(whole), splits - whole);
  writeEpilogue(shader, kernel, point, lanes, (_, lane) => lanes === 4 ? `total.${"xyzw"[lane]}` : "total");
  return shader.dispatch(workgroups);
}
