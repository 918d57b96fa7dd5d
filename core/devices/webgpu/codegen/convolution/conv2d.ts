/**
 * Convolutions.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { staysInside, windowAxes } from "../../../../ir/windows.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { u32 } from "../shader/shader.ts";
import type { Product, ProductOperand } from "../tiled_product/product.ts";
import { generateTiledProduct } from "../tiled_product/tiled_product.ts";
import { generateDirect } from "./direct.ts";
import { channelsPerGroup, gatherOf } from "./gather.ts";
import { channelAndTap, goesTapByTap, pixel, storedAsImages, usesTiles } from "./tiled.ts";

/** The shaders of a convolution. */
export function generateConv2d(context: KernelContext<ConvKernel>): KernelCode {
  const { kernel, target } = context;
  return usesTiles(kernel.geometry, target)
    ? generateTiledProduct(context, productOf(kernel))
    : generateDirect(context, gatherOf(kernel));
}

/** Filters [out, (in, ky, kx)] by patches [(in, ky, kx), (image, y, x)]. */
function productOf(kernel: ConvKernel): Product {
  const { geometry: g } = kernel;
  const { c, o } = channelsPerGroup(g);
  return {
    label: kernel.kind,
    batch: g.groups,
    k: c * g.kh * g.kw,
    left: filters(kernel),
    right: patches(kernel),
    ...storedAsImages(kernel, o),
  };
}

/** Lines are output channels, steps (input channel, tap): a filter is contiguous, unless steps go tap by tap. */
function filters({ operands: [, filter], geometry: g }: ConvKernel): ProductOperand {
  const { c, o } = channelsPerGroup(g);
  const k = c * g.kh * g.kw;
  return {
    buffer: filter.buffer,
    lines: o,
    neighbours: "steps",
    vectors: k % 4 === 0 && filter.offset % 4 === 0 && !goesTapByTap(c, g),
    line: (shader, group, line) => {
      const base = shader.define(address(filter.offset, [o * k, k], [group, line]), "a");
      return (step) => {
        if (!goesTapByTap(c, g)) return { address: `${base} + ${step.number}` };
        const { channel, tap } = channelAndTap(shader, c, g, step);
        return { address: `${base} + ${address(0, [g.kh * g.kw, 1], [channel, tap])}` };
      };
    },
  };
}

/** Lines are output pixels, steps (input channel, tap). */
function patches({ operands: [image], geometry: g }: ConvKernel): ProductOperand {
  const { c: channels } = channelsPerGroup(g);
  return {
    buffer: image.buffer,
    lines: g.n * g.oh * g.ow,
    neighbours: "lines",
    vectors: false,
    line: (shader, group, line) => {
      const [b, oy, ox] = decompose(shader, line, [g.n, g.oh, g.ow]);
      const base = shader.define(address(image.offset, [g.c * g.h * g.w, channels * g.h * g.w], [b, group]), "a");
      const top = shader.define(`${oy} * ${g.stride[0]}u + ${u32(-g.padding.top)}`, "y");
      const left = shader.define(`${ox} * ${g.stride[1]}u + ${u32(-g.padding.left)}`, "x");
      return (step) => {
        const { channel, ky, kx } = channelAndTap(shader, channels, g, step);
        const plane = shader.define(`${base} + ${channel} * ${g.h * g.w}u`, "a");
        const at = [`${top} + ${ky} * ${g.dilation[0]}u`, `${left} + ${kx} * ${g.dilation[1]}u`] as const;
        return pixel(shader, plane, at, [g.h, g.w], windowAxes(g).every(staysInside));
      };
    },
  };
}
