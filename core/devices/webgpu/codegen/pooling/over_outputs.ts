/**
 * Pooling with one invocation per output, or per tile of neighbours along the width.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { epilogueFunction, epilogueLanes } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader, u32 } from "../shader/shader.ts";
import type { Running, WindowFold } from "./window_folds.ts";
import { foldWindows } from "./windows.ts";

/** An output: its coordinates within its plane, and the address of the image's plane without its offset. */
export interface Output {
  readonly plane: string;
  readonly oy: Coordinate;
  readonly ox: Coordinate;
}

/** The shader of a kernel whose outputs are each made of what a fold found in their window. */
export function generateOverOutputs(
  context: KernelContext<PoolKernel>,
  fold: WindowFold,
  valueOf: (shader: Shader, running: Running, output: Output) => string,
): KernelCode {
  const { kernel } = context;
  const { n, c, h, w, oh, ow, kw, stride, padding } = kernel.geometry;
  const tile = kw > 16 ? 1 : ow % 4 === 0 ? 4 : ow % 2 === 0 ? 2 : 1;
  const total = n * c * oh * (ow / tile);
  const shader = new Shader(context, kernel.kind, independentWorkgroup(context.target, total));
  const lanes = tile === 4 ? epilogueLanes(shader, kernel, ow) : 1;
  const epilogue = epilogueFunction(shader, kernel, 4, "f32", lanes);
  const { id, workgroups } = invocationIndex(shader, total);
  const [b, channel, oy, group] = decompose(shader, id, [n, c, oh, ow / tile]);
  const ox = tile === 1 ? group : shader.define(`${group} * ${tile}u`, "x");
  const plane = shader.define(address(0, [c * h * w, h * w], [b, channel]), "plane");
  const windows = foldWindows(shader, kernel, fold, tile, {
    plane,
    top: shader.define(`${oy} * ${stride[0]}u + ${u32(-padding.top)}`, "y"),
    left: shader.define(`${ox} * ${stride[1]}u`, "x"),
  });
  const values = windows.map((running, t) => valueOf(shader, running, { plane, oy, ox: t === 0 ? ox : `(${ox} + ${t}u)` }));
  for (let t = 0; t < tile; t += lanes) {
    epilogue(values.slice(t, t + lanes), [b, channel, oy, t === 0 ? ox : `${ox} + ${t}u`]);
  }
  return singleDispatch(shader.dispatch(workgroups));
}
