/**
 * Average pooling and its gradient.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { countedInputs, lastInput, windowAxes } from "../../../../ir/windows.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, type Coordinate } from "../shader/coordinates.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import { boundsInside } from "../shader/tap_bounds.ts";
import { dispatchOverInputs } from "./over_inputs.ts";
import { generateOverOutputs } from "./over_outputs.ts";
import { sumFold } from "./window_folds.ts";

/** The shader of average pooling. */
export function generateAvgPool2d(context: KernelContext<PoolKernel>): KernelCode {
  return generateOverOutputs(context, sumFold, (shader, { value }, { oy, ox }) => {
    const divisor = `${countAlong(shader, context.kernel, 0, oy)} * ${countAlong(shader, context.kernel, 1, ox)}`;
    return shader.define(`${value} / max(1.0, ${divisor})`);
  });
}

/** The shader of its gradient: every output gives each input of its window the same share. */
export function generateAvgPool2dGrad(context: KernelContext<PoolKernel>): KernelCode {
  const { geometry: { c, oh, ow }, operands: [gradient] } = context.kernel;
  const dispatch = dispatchOverInputs(context, (shader, [b, channel], oy, ox) => {
    const at = shader.define(address(gradient.offset, [c * oh * ow, oh * ow, ow, 1], [b, channel, oy, ox]), "a");
    const rows = countAlong(shader, context.kernel, 0, oy);
    const columns = countAlong(shader, context.kernel, 1, ox);
    return `${shader.load(gradient.buffer, at)} / max(1.0, ${rows} * ${columns})`;
  });
  return singleDispatch(dispatch);
}

/** How many elements of an output's window count in its average, along one axis, as f32. */
function countAlong(shader: Shader, { geometry: g }: PoolKernel, axis: 0 | 1, output: Coordinate): string {
  const along = windowAxes(g)[axis];
  const { taps, stride, dilation, before } = along;
  const { begin, end } = countedInputs(along, g.countPadding);
  if (begin === -before && lastInput(along) < end) return `${taps}.0`;
  const start = shader.define(`${output} * ${stride}u + ${u32(-before - begin)}`, "start");
  const [from, to] = boundsInside(shader, end - begin, start, dilation, u32(taps));
  return shader.define(`f32(max(${to}, ${from}) - ${from})`);
}
