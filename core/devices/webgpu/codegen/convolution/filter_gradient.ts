/**
 * Gradients of convolutions with respect to their filter.
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
import { generateDirectFilterGradient } from "./direct_filter_gradient.ts";
import { channelsPerGroup } from "./gather.ts";
import { pixel, usesTiles } from "./tiled.ts";

/** The shaders of a filter gradient. */
export function generateConv2dFilterGrad(context: KernelContext<ConvKernel>): KernelCode {
  const { kernel, target } = context;
  return usesTiles(kernel.geometry, target)
    ? generateTiledProduct(context, productOf(kernel))
    : generateDirectFilterGradient(context);
}

/** Output gradient [out, (image, y, x)] by patches [(image, y, x), (in, ky, kx)]. */
function productOf(kernel: ConvKernel): Product {
  const { geometry: g } = kernel;
  const { c, o } = channelsPerGroup(g);
  return {
    label: kernel.kind,
    batch: g.groups,
    k: g.n * g.oh * g.ow,
    left: gradients(kernel),
    right: patches(kernel),
    lanes: () => 1,
    point: (shader, group, i, j) => [
      shader.define(address(0, [o, 1], [group, i]), "o"),
      ...decompose(shader, j, [c, g.kh, g.kw]),
    ],
  };
}

/** Lines are output channels, steps output pixels of all images. */
function gradients({ operands: [, gradient], geometry: g }: ConvKernel): ProductOperand {
  const { o: channels } = channelsPerGroup(g);
  const pixels = g.oh * g.ow;
  return {
    buffer: gradient.buffer,
    lines: channels,
    neighbours: "steps",
    vectors: pixels % 4 === 0 && gradient.offset % 4 === 0,
    line: (shader, group, line) => {
      const base = shader.define(address(gradient.offset, [channels * pixels, pixels], [group, line]), "a");
      return ({ number }) => {
        const [b, at] = decompose(shader, number, [g.n, pixels]);
        return { address: `${base} + ${address(0, [g.o * pixels, 1], [b, at])}` };
      };
    },
  };
}

/** Lines are (input channel, tap), steps output pixels of all images. */
function patches({ operands: [image], geometry: g }: ConvKernel): ProductOperand {
  const { c: channels } = channelsPerGroup(g);
  return {
    buffer: image.buffer,
    lines: channels * g.kh * g.kw,
    neighbours: "steps",
    vectors: false,
    line: (shader, group, line) => {
      const [c, ky, kx] = decompose(shader, line, [channels, g.kh, g.kw]);
      const base = shader.define(address(image.offset, [channels * g.h * g.w, g.h * g.w], [group, c]), "a");
      const top = shader.define(`${ky} * ${g.dilation[0]}u + ${u32(-g.padding.top)}`, "y");
      const left = shader.define(`${kx} * ${g.dilation[1]}u + ${u32(-g.padding.left)}`, "x");
      return ({ number }) => {
        const [b, oy, ox] = decompose(shader, number, [g.n, g.oh, g.ow]);
        const plane = shader.define(`${base} + ${b} * ${g.c * g.h * g.w}u`, "a");
        const at = [`${top} + ${oy} * ${g.stride[0]}u`, `${left} + ${ox} * ${g.stride[1]}u`] as const;
        return pixel(shader, plane, at, [g.h, g.w], windowAxes(g).every(staysInside));
      };
    },
  };
}
