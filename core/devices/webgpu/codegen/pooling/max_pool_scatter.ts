/**
 * The gradient of maximum pooling: what belongs to a window goes to the element that was its maximum.
 *
 * Windows that do not overlap have all their inputs written by the invocation that finds their maximum. Otherwise a first dispatch
 * writes the index of every window's maximum to scratch memory, and in a second one each input collects from the windows that
 * found it.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { type Dispatch, type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader, u32 } from "../shader/shader.ts";
import { areDisjoint, dispatchOverDisjointWindows } from "./disjoint_windows.ts";
import { dispatchOverInputs } from "./over_inputs.ts";
import { argmaxFold } from "./window_folds.ts";
import { foldWindows } from "./windows.ts";

/** The shaders of the gradient. */
export function generateMaxPool2dScatter(context: KernelContext<PoolKernel>): KernelCode {
  const { geometry } = context.kernel;
  if (areDisjoint(geometry)) return singleDispatch(dispatchOverDisjointWindows(context));
  const { n, c, oh, ow } = geometry;
  return { dispatches: [findIndices(context), collect(context)], scratchBytes: 4 * n * c * oh * ow };
}

function findIndices(context: KernelContext<PoolKernel>): Dispatch {
  const { kernel } = context;
  const { n, c, h, w, oh, ow, stride, padding } = kernel.geometry;
  const total = n * c * oh * ow;
  const shader = new Shader(context, "maxPool2d places", independentWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocationIndex(shader, total);
  const [plane, oy, ox] = decompose(shader, id, [n * c, oh, ow]);
  const [{ index }] = foldWindows(shader, kernel, argmaxFold, 1, {
    plane: shader.define(`${plane} * ${h * w}u`, "plane"),
    top: shader.define(`${oy} * ${stride[0]}u + ${u32(-padding.top)}`, "y"),
    left: shader.define(`${ox} * ${stride[1]}u`, "x"),
  });
  shader.store("scratch", id, index);
  return shader.dispatch(workgroups);
}

function collect(context: KernelContext<PoolKernel>): Dispatch {
  const { geometry: { c, w, oh, ow }, operands: [, gradient] } = context.kernel;
  return dispatchOverInputs(context, (shader, [b, channel, y, x], oy, ox) => {
    const index = shader.define(`${y} * ${w}u + ${x}`, "p");
    const at = shader.define(address(0, [c * oh * ow, oh * ow, ow, 1], [b, channel, oy, ox]), "a");
    const isMaximum = shader.define(`${shader.load("scratch", at)} == ${index}`);
    return `select(0.0, ${shader.load(gradient.buffer, `(${at} + ${u32(gradient.offset)})`)}, ${isMaximum})`;
  });
}
