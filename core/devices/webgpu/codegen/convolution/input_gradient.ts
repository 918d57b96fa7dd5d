/**
 * Gradients of convolutions with respect to their input.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { u32 } from "../shader/shader.ts";
import type { Product, ProductOperand } from "../tiled_product/product.ts";
import { generateTiledProduct } from "../tiled_product/tiled_product.ts";
import { generateDirect } from "./direct.ts";
import { channelsPerGroup, gatherOf } from "./gather.ts";
import { phasesProduct, usesPhases } from "./strided_input_gradient.ts";
import { channelAndTap, gradientUsesTiles, pixel, storedAsImages } from "./tiled.ts";

/** The shaders of an input gradient. With a stride, its phases skip the taps that no output used. */
export function generateConv2dInputGrad(context: KernelContext<ConvKernel>): KernelCode {
  const { kernel, target } = context;
  if (usesPhases(kernel.geometry, target)) return generateTiledProduct(context, phasesProduct(kernel));
  return gradientUsesTiles(kernel.geometry, target)
    ? generateTiledProduct(context, productOf(kernel))
    : generateDirect(context, gatherOf(kernel));
}

/** Filters [in, (out, ky, kx)] by patches of the output gradient, taken backwards. */
function productOf(kernel: ConvKernel): Product {
  const { geometry: g } = kernel;
  const { c, o } = channelsPerGroup(g);
  return {
    label: kernel.kind,
    batch: g.groups,
    k: o * g.kh * g.kw,
    left: transposedFilters(kernel),
    right: gradientPatches(kernel),
    ...storedAsImages(kernel, c),
  };
}

/** Lines are input channels, steps (output channel, tap). */
function transposedFilters({ operands: [, filter], geometry: g }: ConvKernel): ProductOperand {
  const { c, o } = channelsPerGroup(g);
  const taps = g.kh * g.kw;
  return {
    buffer: filter.buffer,
    lines: c,
    neighbours: "steps",
    vectors: false,
    line: (shader, group, line) => {
      const base = shader.define(address(filter.offset, [o * c * taps, taps], [group, line]), "a");
      return (step) => {
        const { channel, tap } = channelAndTap(shader, o, g, step);
        return { address: `${base} + ${address(0, [c * taps, 1], [channel, tap])}` };
      };
    },
  };
}

/** Lines are input pixels, steps (output channel, tap): the output whose window has the tap at the pixel, if there is one. */
function gradientPatches({ operands: [gradient], geometry: g }: ConvKernel): ProductOperand {
  const { o: channels } = channelsPerGroup(g);
  return {
    buffer: gradient.buffer,
    lines: g.n * g.h * g.w,
    neighbours: "lines",
    vectors: false,
    line: (shader, group, line) => {
      const [b, y, x] = decompose(shader, line, [g.n, g.h, g.w]);
      const base = shader.define(address(gradient.offset, [g.o * g.oh * g.ow, channels * g.oh * g.ow], [b, group]), "a");
      const bottom = shader.define(`${y} + ${u32(g.padding.top)}`, "y");
      const right = shader.define(`${x} + ${u32(g.padding.left)}`, "x");
      return (step) => {
        const { channel, ky, kx } = channelAndTap(shader, channels, g, step);
        const plane = shader.define(`${base} + ${channel} * ${g.oh * g.ow}u`, "a");
        const at = [`${bottom} - ${ky} * ${g.dilation[0]}u`, `${right} - ${kx} * ${g.dilation[1]}u`] as const;
        if (g.stride.every((each) => each === 1)) return pixel(shader, plane, at, [g.oh, g.ow], false);
        const [y, x] = at.map((from) => shader.define(from, "y"));
        const row = shader.define(`${y} / ${g.stride[0]}u`, "y");
        const column = shader.define(`${x} / ${g.stride[1]}u`, "x");
        // Before the first window it wraps around to a large number.
        const isIn = (place: string, outputs: number, stride: number) =>
          `${place} <= ${(outputs - 1) * stride}u && ${place} % ${stride}u == 0u`;
        return {
          address: `${plane} + ${row} * ${g.ow}u + ${column}`,
          inside: `${isIn(y, g.oh, g.stride[0])} && ${isIn(x, g.ow, g.stride[1])}`,
        };
      };
    },
  };
}
