/**
 * Gradients of strided convolutions with respect to their input, as products through workgroup memory.
 *
 * With a stride of s, an input row y meets only the taps whose row is of its phase, (y + padding) mod s. Each phase is a product of its
 * own, over the pixels and the taps of the phase: a gradient without stride. Phases are part of the batch of the product; where one has
 * fewer taps than the others, the rest counts as 0.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../ir/windows.ts";
import type { Target } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import type { Product, ProductOperand } from "../tiled_product/product.ts";
import { channelsPerGroup } from "./gather.ts";
import { channelAndTap, pixel, usesTiles } from "./tiled.ts";

/** Whether a strided gradient can be such a product: all phases have as many pixels as each other. */
export function usesPhases(g: ConvGeometry, target: Target): boolean {
  const [sy, sx] = g.stride;
  return sy * sx > 1 && g.h % sy === 0 && g.w % sx === 0 && g.dilation.every((each) => each === 1) && usesTiles(g, target);
}

/** Filters [in, (out, ty, tx)] by patches of the output gradient, for every phase: tap (ty, tx) of phase (py, px) is (py + s ty, ..). */
export function phasesProduct(kernel: ConvKernel): Product {
  const { geometry: g } = kernel;
  const { c, o } = channelsPerGroup(g);
  const taps = mostTaps(g);
  return {
    label: kernel.kind,
    batch: g.groups * g.stride[0] * g.stride[1],
    k: o * taps.kh * taps.kw,
    left: phaseFilters(kernel),
    right: phasePatches(kernel),
    lanes: () => 1,
    point: (shader, batch, i, j) => {
      const { group, origin: [y0, x0] } = phaseOf(shader, g, batch);
      const [b, y, x] = decompose(shader, j, [g.n, g.h / g.stride[0], g.w / g.stride[1]]);
      return [
        b,
        shader.define(address(0, [c, 1], [group, i]), "c"),
        shader.define(`${y0} + ${y} * ${g.stride[0]}u`, "y"),
        shader.define(`${x0} + ${x} * ${g.stride[1]}u`, "x"),
      ];
    },
  };
}

/** The taps of the phase that has most. */
function mostTaps({ kh, kw, stride: [sy, sx] }: ConvGeometry): { readonly kh: number; readonly kw: number } {
  return { kh: Math.ceil(kh / sy), kw: Math.ceil(kw / sx) };
}

/** One phase of one group. */
interface Phase {
  readonly group: Coordinate;
  /** The first tap, and the first pixel. */
  readonly tap: readonly [y: Coordinate, x: Coordinate];
  readonly origin: readonly [y: Coordinate, x: Coordinate];
}

function phaseOf(shader: Shader, { groups, stride, padding }: ConvGeometry, batch: Coordinate): Phase {
  const [group, py, px] = decompose(shader, batch, [groups, ...stride]);
  const first = (phase: Coordinate, s: number, before: number) =>
    s === 1 ? "0u" : shader.define(`(${phase} + ${(s - before % s) % s}u) % ${s}u`, "y");
  return { group, tap: [py, px], origin: [first(py, stride[0], padding.top), first(px, stride[1], padding.left)] };
}

/** Lines are input channels. */
function phaseFilters({ operands: [, filter], geometry: g }: ConvKernel): ProductOperand {
  const { c, o } = channelsPerGroup(g);
  const taps = g.kh * g.kw;
  return {
    buffer: filter.buffer,
    lines: c,
    neighbours: "steps",
    vectors: false,
    line: (shader, batch, line) => {
      const { group, tap: [py, px] } = phaseOf(shader, g, batch);
      const base = shader.define(address(filter.offset, [o * c * taps, taps], [group, line]), "a");
      return (step) => {
        const { channel, ky: ty, kx: tx } = channelAndTap(shader, o, mostTaps(g), step);
        const plane = shader.define(`${base} + ${channel} * ${c * taps}u`, "a");
        const at = [`${py} + ${ty} * ${g.stride[0]}u`, `${px} + ${tx} * ${g.stride[1]}u`] as const;
        return pixel(shader, plane, at, [g.kh, g.kw], g.kh % g.stride[0] === 0 && g.kw % g.stride[1] === 0);
      };
    },
  };
}

/** Lines are the input pixels of the phase. */
function phasePatches({ operands: [gradient], geometry: g }: ConvKernel): ProductOperand {
  const { o: channels } = channelsPerGroup(g);
  const [sy, sx] = g.stride;
  return {
    buffer: gradient.buffer,
    lines: g.n * (g.h / sy) * (g.w / sx),
    neighbours: "lines",
    vectors: false,
    line: (shader, batch, line) => {
      const { group, tap: [py, px], origin: [y0, x0] } = phaseOf(shader, g, batch);
      const [b, y, x] = decompose(shader, line, [g.n, g.h / sy, g.w / sx]);
      const base = shader.define(address(gradient.offset, [g.o * g.oh * g.ow, channels * g.oh * g.ow], [b, group]), "a");
      // The output whose window begins where the first tap meets the pixel.
      const bottom = shader.define(`${y} + (${y0} + ${u32(g.padding.top)} - ${py}) / ${sy}u`, "y");
      const right = shader.define(`${x} + (${x0} + ${u32(g.padding.left)} - ${px}) / ${sx}u`, "x");
      return (step) => {
        const { channel, ky: ty, kx: tx } = channelAndTap(shader, channels, mostTaps(g), step);
        const plane = shader.define(`${base} + ${channel} * ${g.oh * g.ow}u`, "a");
        return pixel(shader, plane, [`${bottom} - ${ty}`, `${right} - ${tx}`], [g.oh, g.ow], false);
      };
    },
  };
}
