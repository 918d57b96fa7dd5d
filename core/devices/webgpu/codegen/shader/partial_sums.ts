/**
 * Sums shared out in parts: where a result has few elements and long sums, several invocations sum parts of it into scratch memory,
 * and a second dispatch adds the parts up, in order, so that runs repeat.
 *
 * @module
 */
import { contiguousStrides, type Shape, sizeOf } from "../../../../shape.ts";
import type { Kernel } from "../../../../ir/kernel.ts";
import { address, decompose, invocation, lonelyWorkgroup } from "./coordinates.ts";
import { type Finish, lanesFor, writePoints } from "./epilogue.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, u32 } from "./shader.ts";

/** Scratch that holds `parts` results of a kernel. */
export function partsBytes(kernel: Kernel, parts: number): number {
  return 4 * parts * sizeOf(kernel.shape);
}

/** The dispatches of a kernel whose first one wrote `parts` partial results, each row-major over the domain, one after the other. */
export function withParts(context: KernelContext, first: Dispatch, parts: number): KernelCode {
  if (parts === 1) return { dispatches: [first], scratchBytes: 0 };
  return { dispatches: [first, addParts(context, parts)], scratchBytes: partsBytes(context.kernel, parts) };
}

/** Instead of a kernel's own stores: the sum of one part, whose number follows the coordinates, goes to scratch memory. */
export function scratchStore(shader: Shader, shape: Shape): Finish {
  const strides = [...contiguousStrides(shape), sizeOf(shape)];
  return ([sum], at) => shader.store("scratch", shader.define(address(0, strides, at), "a"), sum);
}

/** Parts added in one step of the loop. */
const step = 8;

function addParts(context: KernelContext, parts: number): Dispatch {
  const { kernel } = context;
  const size = sizeOf(kernel.shape);
  const shader = new Shader(context, `${kernel.kind} sum`, lonelyWorkgroup(context.target, size));
  // Four neighbours at once where rows allow it.
  const inner = kernel.shape.at(-1) ?? 1;
  const lanes = lanesFor(shader, kernel, inner);
  if (lanes === 4) shader.viewAsVectors("scratch");
  const { id, workgroups } = invocation(shader, size / lanes);
  const extents = kernel.shape.map((extent, axis) => axis === kernel.shape.length - 1 ? extent / lanes : extent);
  const point = decompose(shader, id, extents);
  if (lanes === 4) point[point.length - 1] = shader.define(`${point.at(-1)} << 2u`, "i");
  const at = lanes === 4 ? shader.define(`${id} << 2u`, "i") : id;
  shader.line(`var total = ${lanes === 4 ? "vec4<f32>()" : "0.0"};`);
  const add = (from: string, count: number): void => {
    const values = Array.from({ length: count }, (_, i) => {
      const place = shader.define(`(${from} + ${i}u) * ${size}u + ${at}`, "a");
      return shader.define(lanes === 4 ? shader.loadVector("scratch", place) : shader.load("scratch", place));
    });
    shader.line(`total += ${values.join(" + ")};`);
  };
  const whole = parts - parts % step;
  if (whole > 0) shader.loop("0u", u32(whole), step, (part) => add(part, step));
  if (parts > whole) add(u32(whole), parts - whole);
  writePoints(shader, kernel, point, lanes, (_, lane) => lanes === 4 ? `total.${"xyzw"[lane]}` : "total");
  return shader.finish(workgroups);
}
