/**
 * Convolutions as products of matrices through workgroup memory: the patches are addressed where they lie, never written out.
 *
 * - forward: filters [out, (in, ky, kx)] by patches [(in, ky, kx), (image, y, x)]
 * - input gradient (stride 1): filters [in, (out, ky, kx)] by patches of the output gradient, taken backwards
 * - filter gradient: output gradient [out, (image, y, x)] by patches [(image, y, x), (in, ky, kx)]
 *
 * Groups are the batch of the product.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { lanesFor } from "../shader/epilogue.ts";
import { type KernelCode, type KernelContext, type Shader, u32 } from "../shader/shader.ts";
import { generateTiles, type Operand, type Place, type Product } from "../tiled_product/tiled_product.ts";

/** Whether a convolution has enough channels that tiles are filled; with few, the direct kernels do as well. */
export function suitsConvTiles({ kind, geometry: g }: ConvKernel): boolean {
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const enough = inside.c > 4 && inside.o >= 8 && g.n * g.oh * g.ow >= 64;
  return enough && (kind !== "conv2dInputGrad" || (g.stride[0] === 1 && g.stride[1] === 1));
}

/** The shaders of a tiled convolution. */
export function generateTiledConv(context: KernelContext<ConvKernel>): KernelCode {
  return generateTiles(context, productOf(context.kernel));
}

function productOf(kernel: ConvKernel): Product {
  const { geometry: g } = kernel;
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const taps = g.kh * g.kw;
  const pixels = (channels: number, [h, w]: readonly [number, number]) => ({
    lanes: (shader: Shader) => lanesFor(shader, kernel, w),
    point: (shader: Shader, group: string, i: string, j: string): Coordinate[] => {
      const [b, y, x] = decompose(shader, j, [g.n, h, w]);
      return [b, shader.define(address(0, [channels, 1], [group, i]), "c"), y, x];
    },
  });
  switch (kernel.kind) {
    case "conv2d":
      return {
        label: kernel.kind,
        batch: g.groups,
        k: inside.c * taps,
        left: filters(kernel, inside.o, inside.c * taps),
        right: patches(kernel),
        ...pixels(inside.o, [g.oh, g.ow]),
      };
    case "conv2dInputGrad":
      return {
        label: kernel.kind,
        batch: g.groups,
        k: inside.o * taps,
        left: turnedFilters(kernel),
        right: gradientPatches(kernel),
        ...pixels(inside.c, [g.h, g.w]),
      };
    case "conv2dFilterGrad":
      return {
        label: kernel.kind,
        batch: g.groups,
        k: g.n * g.oh * g.ow,
        left: gradients(kernel),
        right: patchesAcross(kernel),
        lanes: () => 1,
        point: (shader, group, i, j) => [
          shader.define(address(0, [inside.o, 1], [group, i]), "o"),
          ...decompose(shader, j, [inside.c, g.kh, g.kw]),
        ],
      };
  }
}

/** Lines are output channels, steps (input channel, tap): a filter is contiguous. */
function filters({ operands: [, rhs] }: ConvKernel, lines: number, k: number): Operand {
  return {
    buffer: rhs.buffer,
    lines,
    neighbours: "steps",
    vectors: k % 4 === 0 && rhs.offset % 4 === 0,
    line: (shader, group, line) => {
      const base = shader.define(address(rhs.offset, [lines * k, k], [group, line]), "a");
      return (step) => ({ at: `${base} + ${step}` });
    },
  };
}

/** Lines are input channels, steps (output channel, tap). */
function turnedFilters({ operands: [, rhs], geometry: g }: ConvKernel): Operand {
  const inside = { c: g.c / g.groups, o: g.o / g.groups };
  const taps = g.kh * g.kw;
  return {
    buffer: rhs.buffer,
    lines: inside.c,
    neighbours: "steps",
    vectors: false,
    line: (shader, group, line) => {
      const base = shader.define(address(rhs.offset, [inside.o * inside.c * taps, taps], [group, line]), "a");
      return (step) => {
        const [o, tap] = decompose(shader, step, [inside.o, taps]);
        return { at: `${base} + ${address(0, [inside.c * taps, 1], [o, tap])}` };
      };
    },
  };
}

/** The place of pixel (y, x) of a plane, if both are inside; wrapped negative coordinates are large. */
function pixel(
  shader: Shader,
  plane: string,
  [y, x]: readonly [string, string],
  [h, w]: readonly [number, number],
  certain: boolean,
): Place {
  const row = shader.define(y, "y");
  const column = shader.define(x, "x");
  const at = `${plane} + ${row} * ${w}u + ${column}`;
  return certain ? { at } : { at, inside: `${row} < ${h}u && ${column} < ${w}u` };
}

/** Whether every tap of every output lies in the image. */
function staysInside({ geometry: g }: ConvKernel): boolean {
  const { top, left } = g.padding;
  const bottom = (g.oh - 1) * g.stride[0] + (g.kh - 1) * g.dilation[0] - top;
  const right = (g.ow - 1) * g.stride[1] + (g.kw - 1) * g.dilation[1] - left;
  return top <= 0 && left <= 0 && bottom < g.h && right < g.w;
}

/** Lines are output pixels, steps (input channel, tap). */
function patches(kernel: ConvKernel): Operand {
  const { operands: [lhs], geometry: g } = kernel;
  const channels = g.c / g.groups;
  return {
    buffer: lhs.buffer,
    lines: g.n * g.oh * g.ow,
    neighbours: "lines",
    vectors: false,
    line: (shader, group, line) => {
      const [b, oy, ox] = decompose(shader, line, [g.n, g.oh, g.ow]);
      const base = shader.define(address(lhs.offset, [g.c * g.h * g.w, channels * g.h * g.w], [b, group]), "a");
      const top = shader.define(`${oy} * ${g.stride[0]}u + ${u32(-g.padding.top)}`, "y");
      const left = shader.define(`${ox} * ${g.stride[1]}u + ${u32(-g.padding.left)}`, "x");
      return (step) => {
        const [c, ky, kx] = decompose(shader, step, [channels, g.kh, g.kw]);
        const plane = shader.define(`${base} + ${c} * ${g.h * g.w}u`, "a");
        const at = [`${top} + ${ky} * ${g.dilation[0]}u`, `${left} + ${kx} * ${g.dilation[1]}u`] as const;
        return pixel(shader, plane, at, [g.h, g.w], staysInside(kernel));
      };
    },
  };
}

/** Lines are input pixels, steps (output channel, tap): the output at the input's place minus the tap's. */
function gradientPatches({ operands: [lhs], geometry: g }: ConvKernel): Operand {
  const channels = g.o / g.groups;
  return {
    buffer: lhs.buffer,
    lines: g.n * g.h * g.w,
    neighbours: "lines",
    vectors: false,
    line: (shader, group, line) => {
      const [b, y, x] = decompose(shader, line, [g.n, g.h, g.w]);
      const base = shader.define(address(lhs.offset, [g.o * g.oh * g.ow, channels * g.oh * g.ow], [b, group]), "a");
      const bottom = shader.define(`${y} + ${u32(g.padding.top)}`, "y");
      const right = shader.define(`${x} + ${u32(g.padding.left)}`, "x");
      return (step) => {
        const [o, ky, kx] = decompose(shader, step, [channels, g.kh, g.kw]);
        const plane = shader.define(`${base} + ${o} * ${g.oh * g.ow}u`, "a");
        const at = [`${bottom} - ${ky} * ${g.dilation[0]}u`, `${right} - ${kx} * ${g.dilation[1]}u`] as const;
        return pixel(shader, plane, at, [g.oh, g.ow], false);
      };
    },
  };
}

/** Lines are output channels, steps output pixels of all images. */
function gradients({ operands: [, rhs], geometry: g }: ConvKernel): Operand {
  const channels = g.o / g.groups;
  const pixels = g.oh * g.ow;
  return {
    buffer: rhs.buffer,
    lines: channels,
    neighbours: "steps",
    vectors: pixels % 4 === 0 && rhs.offset % 4 === 0,
    line: (shader, group, line) => {
      const base = shader.define(address(rhs.offset, [channels * pixels, pixels], [group, line]), "a");
      return (step) => {
        const [b, at] = decompose(shader, step, [g.n, pixels]);
        return { at: `${base} + ${address(0, [g.o * pixels, 1], [b, at])}` };
      };
    },
  };
}

/** Lines are (input channel, tap), steps output pixels of all images. */
function patchesAcross(kernel: ConvKernel): Operand {
  const { operands: [lhs], geometry: g } = kernel;
  const channels = g.c / g.groups;
  return {
    buffer: lhs.buffer,
    lines: channels * g.kh * g.kw,
    neighbours: "steps",
    vectors: false,
    line: (shader, group, line) => {
      const [c, ky, kx] = decompose(shader, line, [channels, g.kh, g.kw]);
      const base = shader.define(address(lhs.offset, [channels * g.h * g.w, g.h * g.w], [group, c]), "a");
      const top = shader.define(`${ky} * ${g.dilation[0]}u + ${u32(-g.padding.top)}`, "y");
      const left = shader.define(`${kx} * ${g.dilation[1]}u + ${u32(-g.padding.left)}`, "x");
      return (step) => {
        const [b, oy, ox] = decompose(shader, step, [g.n, g.oh, g.ow]);
        const plane = shader.define(`${base} + ${b} * ${g.c * g.h * g.w}u`, "a");
        const at = [`${top} + ${oy} * ${g.stride[0]}u`, `${left} + ${ox} * ${g.stride[1]}u`] as const;
        return pixel(shader, plane, at, [g.h, g.w], staysInside(kernel));
      };
    },
  };
}
